import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { diskError } from '../../common/files/disk.ts'
import { writeJson } from '../json-file.ts'
import { headerBytes } from './safetensors-header.ts'
import { indexJson, indexOf, MAX_SHARD_BYTES, shardName, splitTensors } from './shards.ts'

/** A tensor that is written piece by piece, so that it is never in memory as a whole. */
export interface StreamedTensor {
  readonly dtype: 'F32' | 'F16' | 'BF16'
  readonly shape: readonly number[]
  /** Bytes in the file. */
  readonly size: number
  /** Its bytes, in order. */
  pieces(): Iterable<Uint8Array>
}

/**
 * Writes tensors in the order of the map to `STEM.safetensors`, or to several files of at most `maxShardBytes`; a larger
 * tensor gets a file of its own. Other work goes on between the pieces. The files are not written atomically.
 *
 * @param onBytes called with the number of bytes of tensors that are written, after each piece.
 * @throws UserError if the disk fails.
 */
export async function writeStreamed(
  directory: string,
  stem: string,
  tensors: ReadonlyMap<string, StreamedTensor>,
  onBytes: (bytes: number) => void,
  maxShardBytes: number = MAX_SHARD_BYTES,
): Promise<void> {
  const shards = splitTensors(tensors, ({ size }) => size, maxShardBytes)
  const names = shards.map((_, i) => shardName(stem, i, shards.length))
  let done = 0
  for (const [i, shard] of shards.entries())
    await writeFile(join(directory, names[i]!), shard, (bytes) => {
      done += bytes
      onBytes(done)
    })
  if (shards.length === 1) return
  writeJson(join(directory, indexOf(stem)), indexJson(shards, names, done))
}

async function writeFile(
  path: string,
  tensors: ReadonlyMap<string, StreamedTensor>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  try {
    const file = await open(path, 'wx')
    try {
      await file.writeFile(headerBytes(tensors, { format: 'pt' }))
      for (const [name, { size, pieces }] of tensors) {
        let written = 0
        for (const piece of pieces()) {
          await file.writeFile(piece)
          written += piece.length
          onBytes(piece.length)
        }
        if (written !== size) throw new Error(`writeStreamed: ${name} has ${written} bytes, not ${size}`)
      }
    } finally {
      await file.close()
    }
  } catch (error) {
    throw diskError(error, 'write', path)
  }
}
