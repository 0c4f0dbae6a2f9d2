import { csvRows } from './csv.ts'
import { jsonlRows } from './jsonl.ts'
import { parquetRows } from './parquet.ts'

/** A row of a table as its file has it. */
export interface Row {
  /** Number of the line at which it begins (of the row, in Parquet), from 1. */
  readonly line: number
  readonly cells: Readonly<Record<string, unknown>>
}

export interface Reading {
  /** The columns that are needed of those that there are; throws where they will not do. */
  need(names: readonly string[]): readonly string[]
  /** Told of a last line that is cut off; it is left out. */
  onTorn(line: number, reason: string): void
  /** Told the share that is read, 0..1. */
  onProgress(share: number): void
}

export type Reader = (path: string, reading: Reading) => AsyncGenerator<Row>

/** How a table is read, by the ending of its name. */
const READERS: Readonly<Record<string, Reader>> = {
  jsonl: jsonlRows,
  ndjson: jsonlRows,
  csv: csvRows,
  tsv: csvRows,
  parquet: parquetRows,
}

/** The reader of a file, or undefined where it is no table. */
export function readerOf(path: string): Reader | undefined {
  return READERS[/\.(\w+)$/.exec(path.toLowerCase())?.[1] ?? '']
}
