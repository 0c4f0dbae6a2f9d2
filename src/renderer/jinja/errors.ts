/** What a template raises by `raise_exception`, with the message as it is written there. */
export class RaisedByTemplate extends Error {}

/** A fault in the text of a template, or what Python would raise while rendering it. */
export class JinjaError extends Error {
  /** The line of the template, counted from 1, with which the message then begins; null where it is not known yet. */
  readonly line: number | null

  constructor(message: string, line: number | null = null) {
    super(line === null ? message : `line ${line}: ${message}`)
    this.line = line
  }
}

/** Throws a `JinjaError`, in a place where an expression is wanted. */
export function fail(message: string, line?: number): never {
  throw new JinjaError(message, line)
}
