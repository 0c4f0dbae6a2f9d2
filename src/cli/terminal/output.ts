import { stripVTControlCharacters } from 'node:util'
import pc from 'picocolors'
import { namingGgufs } from '../../common/files/conversions.ts'
import { styledPrintable } from '../../common/printable.ts'
import { canRedraw, columnsOf, liveArea } from './live-area.ts'
import { displayWidth, padEnd, padStart, shorten, tail, truncate, wrap } from './width.ts'

/**
 * What a command prints: JSON objects for programs, or text for people. When quiet, it is the result alone: the tables, the
 * list or the answer that was asked for, and where a model was written. Warnings and errors, on standard error, are printed in
 * any case.
 */
interface OutputOptions {
  readonly json?: boolean
  readonly quiet?: boolean
}

/** The state of a training, shown until the next step. */
interface Step {
  /** The most important first: those that do not fit are left out. */
  readonly facts: readonly string[]
  readonly sample: string
  readonly since: number
}

/** Something that is being done now. */
interface Activity {
  readonly text: string
  readonly since: number
}

/** Milliseconds for which a step is shown before an activity within the next step takes its place. */
const STEP_STAYS = 1000
/** Milliseconds after which an activity is shown with the time that it has taken. */
const SHOW_TIME = 2000
/** A line with a count or a share, which changes as the work goes on. */
const COUNTED = /\d of \d|\d %/
/** Milliseconds without a line, after which a line about the progress is printed where lines cannot be redrawn. */
const PLAIN_PACE = 30_000

/**
 * Where a command prints. With `json`, standard output gets one object per line and text for people goes to standard
 * error; otherwise text for people goes to standard output. On a terminal, a live area below it says what is going on.
 */
export class Output {
  readonly json: boolean
  readonly quiet: boolean
  #step: Step | null = null
  #activity: Activity | null = null
  /** When the last line for people was printed. */
  #printedAt: number | null = null
  /** Was a text for people printed, other than a warning? */
  #isBegun = false
  readonly #given = new Set<string>()

  constructor({ json = false, quiet = false }: OutputOptions) {
    this.json = json
    this.quiet = quiet
  }

  get #stream(): NodeJS.WriteStream {
    return this.json ? process.stderr : process.stdout
  }

  /** Is there a live area? */
  get isTerminal(): boolean {
    return canRedraw(this.#stream)
  }

  /** Columns of the terminal; unlimited in a file or pipe, whose readers break lines themselves. */
  get width(): number {
    return this.#stream.isTTY ? columnsOf(this.#stream) : Number.POSITIVE_INFINITY
  }

  /** Columns for what is arranged in columns, such as a list: those of the terminal; in a file or pipe, 80. */
  get columns(): number {
    return columnsOf(this.#stream)
  }

  /** A line for people, broken to fit the terminal and left out when quiet. */
  say(text = ''): void {
    if (!this.quiet) this.prose(text)
  }

  /** Text for people, broken to fit the terminal, that is printed even when quiet. */
  prose(text: string): void {
    this.result(wrap(text, this.width, 2))
  }

  /** A plot, an example or a command, which is printed as it is, and left out when quiet. */
  aside(text: string): void {
    if (!this.quiet) this.result(text)
  }

  /** A table, which is printed as it is, even when quiet. */
  result(text: string): void {
    this.#end()
    // an empty line sets a paragraph off from what was printed before it
    this.#print(this.#stream, this.#isBegun ? text : text.replace(/^\n+/, ''))
    this.#isBegun = true
  }

  /** A warning, on standard error and, with `json`, also as an object. What is live stays so. */
  warn(text: string): void {
    const message = namingGgufs(text)
    this.emit({ type: 'warning', message })
    liveArea.clear()
    this.#printedAt = performance.now()
    writeMessage(`${pc.yellow('warning')} ${message}`)
    this.#reshow()
  }

  /** A warning that is given once. */
  warnOnce(text: string): void {
    if (this.#isNew(text)) this.warn(text)
  }

  /** A line for people that is given once. */
  sayOnce(text: string): void {
    if (this.#isNew(text)) this.say(text)
  }

  /**
   * Says what is being done, in the live area. Where there is none it is a line of its own, on standard error,
   * but only at the start and after a long silence.
   */
  live(text: string): void {
    if (this.quiet) return
    if (this.#activity?.text !== text) this.#activity = { text, since: performance.now() }
    if (this.isTerminal) this.#show(COUNTED.test(text))
    else if (this.#isDue(text)) this.#print(process.stderr, text)
  }

  /** Shows the state of a training after a step, and the end of its newest sample. Only where there is a live area. */
  step(facts: readonly string[], sample = ''): void {
    if (this.quiet || !this.isTerminal) return
    this.#step = { facts, sample, since: performance.now() }
    this.#activity = null
    this.#show()
  }

  /** Erases the live area. Whatever is printed next begins on a line of its own, also after the terminal's ^C. */
  endLive(): void {
    this.#end()
    if (this.isTerminal) this.#stream.write('\r\x1b[K')
  }

  /** One object for programs, only with `json`. NaN, an unknown number, becomes null. */
  emit(object: { readonly type: string } & Record<string, unknown>): void {
    if (!this.json) return
    if (process.stdout.isTTY) liveArea.clear()
    process.stdout.write(`${JSON.stringify(object)}\n`)
    this.#reshow()
  }

  #isNew(text: string): boolean {
    const isNew = !this.#given.has(text)
    this.#given.add(text)
    return isNew
  }

  #print(stream: NodeJS.WriteStream, text: string): void {
    this.#printedAt = performance.now()
    stream.write(`${printed(stream, text)}\n`)
  }

  #show(paced = false): void {
    liveArea.show(this.#stream, (width) => this.#lines(width), paced)
  }

  /** Shows the live area again, if there was one before a line was printed. */
  #reshow(): void {
    if ((this.#step || this.#activity) && this.isTerminal) this.#show()
  }

  #lines(width: number): string[] {
    const [step, activity] = [this.#step, this.#activity]
    if (!step) return [activityLine(activity!, width)]
    const isOld = activity && performance.now() - step.since > STEP_STAYS
    const facts = isOld ? [step.facts[0]!, timed(activity), ...step.facts.slice(1, 2)] : step.facts
    return [fittingFacts(facts, width), ...(step.sample ? [pc.dim(tail(step.sample, width))] : [])]
  }

  #end(): void {
    this.#step = this.#activity = null
    liveArea.clear()
  }

  /** Is a line about progress due where it cannot be redrawn? At the start, counts are not worth one. */
  #isDue(text: string): boolean {
    if (this.#printedAt === null && !COUNTED.test(text)) return true
    this.#printedAt ??= performance.now()
    return performance.now() - this.#printedAt > PLAIN_PACE
  }
}

/** Writes a warning, an error or another message to standard error, broken to fit the terminal. */
export function writeMessage(text: string): void {
  const width = process.stderr.isTTY ? columnsOf(process.stderr) : Number.POSITIVE_INFINITY
  process.stderr.write(`${printed(process.stderr, wrap(text, width, 2))}\n`)
}

/** A text as it is printed on a stream: colours are only for terminals, and other control characters for none. */
function printed(stream: NodeJS.WriteStream, text: string): string {
  const safe = styledPrintable(text)
  return canRedraw(stream) || process.env.FORCE_COLOR ? safe : stripVTControlCharacters(safe)
}

/** An activity on a line of its own, with the seconds that it has taken. */
export const activityLine = (activity: Activity, width: number): string =>
  pc.dim(shorten(timed(activity), width))

/** An activity, with the seconds that it has taken if it has no count. */
function timed({ text, since }: Activity): string {
  const milliseconds = performance.now() - since
  return milliseconds < SHOW_TIME || COUNTED.test(text)
    ? text
    : `${text} · ${Math.floor(milliseconds / 1000)} s`
}

/** As many facts as fit, the first in any case. */
function fittingFacts(facts: readonly string[], width: number): string {
  let line = facts[0]!
  for (const fact of facts.slice(1)) {
    if (displayWidth(`${line} · ${fact}`) > width) break
    line += ` · ${fact}`
  }
  return truncate(line, width)
}

/** 0.1234 → "12.3 %"; unknown → "–". */
export function percent(value: number | null | undefined): string {
  return value == null || Number.isNaN(value) ? '–' : `${(100 * value).toFixed(1)} %`
}

/** A share with its standard error, if known: "12.0 % ± 1.9". */
export function percentInterval(value: number, standardError: number): string {
  return Number.isNaN(standardError)
    ? percent(value)
    : `${percent(value)} ± ${(100 * standardError).toFixed(1)}`
}

/**
 * Rows of cells, each column as wide as its widest cell. Where they are wider than `width` columns, the gaps become
 * narrower, and then the cells of the first column are broken into several lines.
 */
export function table(rows: readonly (readonly string[])[], width = Number.POSITIVE_INFINITY): string {
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => displayWidth(row[column] ?? '')))) ?? []
  const taken = (gap: number): number => widths.reduce((sum, w) => sum + w + gap, 2 - gap)
  const gap = [3, 2].find((columns) => taken(columns) <= width) ?? 1
  const excess = taken(gap) - width
  if (excess > 0) widths[0] = Math.max(Math.min(8, widths[0]!), widths[0]! - excess)
  return rows
    .flatMap(([first = '', ...rest]) => {
      const lines = wrap(first, widths[0]!, 2)
        .split('\n')
        .map((line) => shorten(line, widths[0]!))
      const cells = rest.map((cell, i) => padStart(cell, widths[i + 1]!))
      const last = [padEnd(lines.pop()!, widths[0]!), ...cells].join(' '.repeat(gap))
      return [...lines, last].map((line) => `  ${line}`.trimEnd())
    })
    .join('\n')
}
