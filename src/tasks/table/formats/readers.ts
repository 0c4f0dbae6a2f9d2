import type { Reader } from '../../rows.ts'
import { csvRows } from './csv.ts'
import { jsonlRows } from './jsonl.ts'
import { parquetRows } from './parquet.ts'

/** The reader of each format, by the extension of its files. */
const READERS: Readonly<Record<string, Reader>> = {
  jsonl: jsonlRows,
  ndjson: jsonlRows,
  csv: csvRows,
  tsv: csvRows,
  parquet: parquetRows,
}

/** The reader of a file, chosen by the extension of its name; undefined if the file is not a table. */
export function readerOf(path: string): Reader | undefined {
  return READERS[/\.(\w+)$/.exec(path.toLowerCase())?.[1] ?? '']
}
