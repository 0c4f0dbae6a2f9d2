import { type FileHandle, open } from 'node:fs/promises'
import type { AsyncBuffer } from 'hyparquet'
import { UserError } from '../../../common/errors.ts'
import { diskError } from '../../../common/files/disk.ts'
import type { Reader } from '../../rows.ts'

/** Reads the needed columns of a Parquet file, with one row group in memory at a time. */
export const parquetRows: Reader = async function* (path, { need, onProgress }) {
  const { parquetMetadataAsync, parquetReadObjects, parquetSchema } = await import('hyparquet')
  const { compressors } = await import('hyparquet-compressors')
  let handle: FileHandle | undefined
  try {
    handle = await open(path)
    const file = await bufferOf(handle)
    const metadata = await parquetMetadataAsync(file)
    const names = parquetSchema(metadata).children.map(({ element }) => element.name)
    const columns = [...need(names)]
    const total = Number(metadata.num_rows)
    let start = 0
    for (const group of metadata.row_groups) {
      const end = start + Number(group.num_rows)
      const rows = await parquetReadObjects({
        file,
        metadata,
        columns,
        compressors,
        rowStart: start,
        rowEnd: end,
      })
      for (const [i, cells] of rows.entries()) yield { line: start + i + 1, cells }
      start = end
      onProgress(start / total)
    }
  } catch (error) {
    const known = diskError(error, 'read', path)
    throw known instanceof UserError
      ? known
      : new UserError(`cannot read ${path}: it is not a valid Parquet file (${(error as Error).message})`)
  } finally {
    await handle?.close()
  }
}

async function bufferOf(handle: FileHandle): Promise<AsyncBuffer> {
  const { size } = await handle.stat()
  return {
    byteLength: size,
    async slice(start, end = size) {
      const bytes = new Uint8Array(end - start)
      await handle.read(bytes, 0, bytes.length, start)
      return bytes.buffer
    },
  }
}
