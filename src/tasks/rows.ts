/** A row of a table file. */
export interface Row {
  /** Number of the line at which it begins (in Parquet, of the row), from 1. */
  readonly line: number
  readonly cells: Readonly<Record<string, unknown>>
}

/** The reason why a row cannot be used. Such rows are left out and reported. */
export class Unusable extends Error {}

export interface Reading {
  /** Selects the needed columns among the names of all columns; throws if some are missing. */
  need(names: readonly string[]): readonly string[]
  /** Called for a last line that is cut off; it is left out. */
  onTorn(line: number, reason: string): void
  /** Called with the share that has been read, 0..1. */
  onProgress(share: number): void
}

/** Reads the rows of a file in order. @throws UserError for a file that cannot be read. */
export type Reader = (path: string, reading: Reading) => AsyncGenerator<Row>
