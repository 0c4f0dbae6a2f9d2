/** Receives warnings, one message per call. */
export type Warn = (message: string) => void

/** Where warnings go: to the caller's `onWarning` or, if there is none, to standard error, as warnings of Node. */
export const warner = (onWarning?: Warn | undefined): Warn =>
  onWarning ?? ((message) => process.emitWarning(message))

/**
 * What a warning is about, by which two warnings are compared: its text without examples, numbers, the "s" of plurals, and the
 * sentence on right answers that some warnings end with.
 */
export const subject = (message: string): string =>
  message
    .replace(/(For example|The first|No answer is right)\b.*$/s, '')
    .replace(/\d[\d.,]*/g, '#')
    .replace(/s\b/g, '')
    .trim()

/**
 * The warnings of a run of several stages. Stages read tasks and data that the run has read before them, so a stage does
 * not repeat what the run has said; its other warnings begin with its name.
 */
export class StagedWarnings {
  readonly #warn: Warn
  readonly #said = new Set<string>()

  constructor(onWarning: Warn | undefined) {
    this.#warn = warner(onWarning)
  }

  /** Gives a warning of the run. */
  readonly ofRun: Warn = (message) => {
    this.#said.add(subject(message))
    this.#warn(message)
  }

  /** Gives the warnings of a stage, to the stage's own callback if it has one. */
  ofStage(name: string, onWarning?: Warn | undefined): Warn {
    const warn = onWarning ?? this.#warn
    return (message) => {
      if (!this.#said.has(subject(message))) warn(`${name}: ${message}`)
    }
  }
}
