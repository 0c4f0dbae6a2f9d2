import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { UserError } from '../../common/errors.ts'
import { onDisk } from '../../common/files/disk.ts'
import { writeFileAtomically } from '../../common/files/files.ts'
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16 } from './half.ts'
import { headerBytes, readHeader, type TensorEntry } from './safetensors-header.ts'

/** Elements or bytes processed at a time, so that no tensor is copied as a whole. */
const CHUNK = 1 << 24

/** An open safetensors file; tensors are read one at a time, by name. */
export class SafetensorsFile {
  readonly path: string
  readonly tensors: ReadonlyMap<string, TensorEntry>
  readonly metadata: Readonly<Record<string, string>>
  readonly #fd: number

  /** Opens the file and checks its header against its size. @throws UserError that names the byte where something is wrong. */
  constructor(path: string) {
    this.path = path
    this.#fd = onDisk('read', path, () => openSync(path, 'r'))
    try {
      const size = onDisk('read', path, () => fstatSync(this.#fd).size)
      const header = readHeader(path, size, (begin, end) => {
        const bytes = new Uint8Array(end - begin)
        this.#fill(bytes, begin)
        return bytes
      })
      this.metadata = header.metadata
      this.tensors = header.tensors
    } catch (error) {
      closeSync(this.#fd)
      throw error
    }
  }

  /** An F32, F16 or BF16 tensor as float32. @throws UserError for other dtypes and unknown names. */
  read(name: string): Float32Array<ArrayBuffer> {
    const { dtype, begin, end } = this.#entry(name)
    if (dtype === 'F32') {
      const values = new Float32Array((end - begin) / 4)
      this.#fill(new Uint8Array(values.buffer), begin)
      return values
    }
    if (dtype !== 'F16' && dtype !== 'BF16')
      throw new UserError(`${this.path}: tensor ${name} is ${dtype}; only F32, F16 and BF16 are supported`)
    const widen = dtype === 'F16' ? float16ToFloat32 : bfloat16ToFloat32
    const values = new Float32Array((end - begin) / 2)
    for (let at = 0; at < values.length; at += CHUNK) {
      const half = new Uint16Array(Math.min(CHUNK, values.length - at))
      this.#fill(new Uint8Array(half.buffer), begin + 2 * at)
      widen(half, values.subarray(at, at + half.length))
    }
    return values
  }

  /** An I64 tensor. @throws UserError for other dtypes and unknown names. */
  readInt64(name: string): BigInt64Array<ArrayBuffer> {
    const { dtype, begin, end } = this.#entry(name)
    if (dtype !== 'I64') throw new UserError(`${this.path}: tensor ${name} is ${dtype}, not I64`)
    const values = new BigInt64Array((end - begin) / 8)
    this.#fill(new Uint8Array(values.buffer), begin)
    return values
  }

  close(): void {
    closeSync(this.#fd)
  }

  #entry(name: string): TensorEntry {
    const entry = this.tensors.get(name)
    if (!entry) throw new UserError(`${this.path} has no tensor ${name}`)
    return entry
  }

  #fill(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length; ) {
      const length = Math.min(CHUNK, bytes.length - done)
      const n = onDisk('read', this.path, () => readSync(this.#fd, bytes, done, length, position + done))
      if (n === 0) throw new UserError(`${this.path} ended at byte ${position + done} while it was read`)
      done += n
    }
  }
}

/** A tensor to be written: its shape and its values in row-major order. */
export interface StoredTensor {
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** Bytes per element in the file. */
export const DTYPE_BYTES = { F32: 4, BF16: 2 } as const

/**
 * Writes tensors in the order of the map, as float32 or rounded to bfloat16. The file is written atomically.
 *
 * @throws UserError if the disk fails.
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  { dtype, metadata }: { dtype: 'F32' | 'BF16'; metadata?: Readonly<Record<string, string>> },
): void {
  const planned = new Map<string, { dtype: 'F32' | 'BF16'; shape: readonly number[]; size: number }>()
  for (const [name, { shape, data }] of tensors) {
    if (shape.reduce((a, b) => a * b, 1) !== data.length)
      throw new Error(
        `writeSafetensors: ${name} has ${data.length} values, which do not fill its shape [${shape}]`,
      )
    planned.set(name, { dtype, shape, size: data.length * DTYPE_BYTES[dtype] })
  }

  writeFileAtomically(path, (append) => {
    append(headerBytes(planned, metadata))
    for (const { data } of tensors.values()) {
      for (let i = 0; i < data.length; i += CHUNK) {
        const part = data.subarray(i, i + CHUNK)
        if (dtype === 'F32') append(new Uint8Array(part.buffer, part.byteOffset, part.byteLength))
        else {
          const half = new Uint16Array(part.length)
          float32ToBfloat16(part, half)
          append(new Uint8Array(half.buffer))
        }
      }
    }
  })
}
