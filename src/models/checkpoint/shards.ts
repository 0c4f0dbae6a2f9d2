import { existsSync, readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { UserError } from '../../common/errors.ts'
import { onDisk } from '../../common/files/disk.ts'
import { readJsonObject, writeJson } from '../json-file.ts'
import { DTYPE_BYTES, SafetensorsFile, type StoredTensor, writeSafetensors } from './safetensors.ts'
import type { TensorEntry } from './safetensors-header.ts'

/*
 * Tensors in one safetensors file, STEM.safetensors, or in several: STEM-00001-of-00002.safetensors, … and
 * STEM.safetensors.index.json, which says which of them holds each tensor.
 */

/** Hugging Face's usual limit on the size of a file, in bytes. */
export const MAX_SHARD_BYTES = 5e9

const single = (stem: string): string => `${stem}.safetensors`
export const indexOf = (stem: string): string => `${stem}.safetensors.index.json`

/**
 * Paths of the files with the tensors of `stem`; null if there are none.
 *
 * @throws UserError for a damaged index, and for files that it lists and that are missing.
 */
export function shardFiles(directory: string, stem: string): string[] | null {
  const whole = join(directory, single(stem))
  if (existsSync(whole)) return [whole]
  const index = join(directory, indexOf(stem))
  if (!existsSync(index)) return null
  const names = shardNames(index)
  const missing = names.find((name) => !existsSync(join(directory, name)))
  if (missing !== undefined)
    throw new UserError(
      `cannot read ${join(directory, missing)}: there is no such file or folder, but ${indexOf(stem)} lists it; copy or download it again`,
    )
  return names.map((name) => join(directory, name))
}

/** The names of the files that an index lists, sorted. @throws UserError for a damaged index. */
export function shardNames(index: string): string[] {
  const map = readJsonObject(index).weight_map
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new UserError(`${index} is damaged: "weight_map" is missing`)
  const names = [...new Set(Object.values(map as Record<string, unknown>))].sort()
  return names.map((name) => {
    if (typeof name !== 'string' || basename(name) !== name)
      throw new UserError(
        `${index} is damaged: "weight_map" names ${JSON.stringify(name)}, not a file beside it`,
      )
    return name
  })
}

/** Open safetensors files whose tensors are read by name, as from one file. */
export class Shards {
  readonly #files: SafetensorsFile[] = []
  readonly #stored = new Map<string, { readonly file: SafetensorsFile; readonly as: string }>()

  /**
   * Opens the files and checks their headers. `nameOf` says by which name a tensor is read, or null if it is left out.
   *
   * @throws UserError for a damaged file, and for a tensor that is in two files.
   */
  constructor(paths: readonly string[], nameOf: (stored: string) => string | null = (stored) => stored) {
    try {
      for (const path of paths) {
        const file = new SafetensorsFile(path)
        this.#files.push(file)
        for (const as of file.tensors.keys()) {
          const name = nameOf(as)
          if (name === null) continue
          const other = this.#stored.get(name)
          if (other) throw new UserError(`tensor ${name} is both in ${other.file.path} and in ${path}`)
          this.#stored.set(name, { file, as })
        }
      }
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** The metadata of the first file; `writeShards` writes the same to all of them. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#files[0]?.metadata ?? {}
  }

  get names(): Iterable<string> {
    return this.#stored.keys()
  }

  /** Where a tensor is, or undefined if no file has it. */
  entry(name: string): TensorEntry | undefined {
    const stored = this.#stored.get(name)
    return stored?.file.tensors.get(stored.as)
  }

  /** A tensor as float32. @throws UserError as `SafetensorsFile.read`. */
  read(name: string): Float32Array<ArrayBuffer> {
    const stored = this.#stored.get(name)
    if (!stored) throw new UserError(`${this.#files.map(({ path }) => path).join(', ')}: no tensor ${name}`)
    return stored.file.read(stored.as)
  }

  close(): void {
    for (const file of this.#files) file.close()
  }
}

/**
 * Writes tensors in the order of the map to one file, or to several of at most `maxShardBytes`; a larger tensor gets a
 * file of its own. Each file is written atomically. Files that an earlier call wrote for `stem` are replaced.
 *
 * @throws UserError if the disk fails.
 */
export function writeShards(
  directory: string,
  stem: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  {
    dtype,
    metadata,
    maxShardBytes = MAX_SHARD_BYTES,
  }: {
    dtype: 'F32' | 'BF16'
    metadata: Readonly<Record<string, string>>
    maxShardBytes?: number | undefined
  },
): void {
  const bytesOf = ({ data }: StoredTensor): number => data.length * DTYPE_BYTES[dtype]
  const shards = splitTensors(tensors, bytesOf, maxShardBytes)
  const names = shards.map((_, i) => shardName(stem, i, shards.length))
  for (const [i, shard] of shards.entries())
    writeSafetensors(join(directory, names[i]!), shard, { dtype, metadata })
  if (shards.length > 1) {
    const total = [...tensors.values()].reduce((sum, tensor) => sum + bytesOf(tensor), 0)
    writeJson(join(directory, indexOf(stem)), indexJson(shards, names, total))
    names.push(indexOf(stem))
  }
  const isOld = (name: string): boolean => belongsTo(stem, name) && !names.includes(name)
  onDisk('write', directory, () => {
    for (const name of readdirSync(directory)) if (isOld(name)) rmSync(join(directory, name))
  })
}

/** Whether `writeShards` may have written this file. */
function belongsTo(stem: string, name: string): boolean {
  if (name === single(stem) || name === indexOf(stem)) return true
  return name.startsWith(stem) && /^-\d+-of-\d+\.safetensors$/.test(name.slice(stem.length))
}

/** Tensors in their order, in parts of at most `maxBytes` each; a larger tensor is a part of its own. */
export function splitTensors<Tensor>(
  tensors: ReadonlyMap<string, Tensor>,
  bytesOf: (tensor: Tensor) => number,
  maxBytes: number,
): Map<string, Tensor>[] {
  const shards = [new Map<string, Tensor>()]
  let bytes = 0
  for (const [name, tensor] of tensors) {
    if (bytes > 0 && bytes + bytesOf(tensor) > maxBytes) {
      shards.push(new Map())
      bytes = 0
    }
    shards.at(-1)!.set(name, tensor)
    bytes += bytesOf(tensor)
  }
  return shards
}

/** The name of file `index` of `count` files. */
export function shardName(stem: string, index: number, count: number): string {
  if (count === 1) return single(stem)
  const number = (n: number) => String(n).padStart(5, '0')
  return `${stem}-${number(index + 1)}-of-${number(count)}.safetensors`
}

/** The contents of the index of shards with these file names; `total` is the number of bytes of all tensors. */
export function indexJson(
  shards: readonly ReadonlyMap<string, unknown>[],
  names: readonly string[],
  total: number,
): unknown {
  const weightMap = shards.flatMap((shard, i) => [...shard.keys()].map((name) => [name, names[i]]))
  return { metadata: { total_size: total }, weight_map: Object.fromEntries(weightMap) }
}
