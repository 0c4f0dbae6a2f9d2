import { bytesOf, TENSOR_TYPES } from '../tensor-types.ts'
import type { WritableType } from './quantise.ts'

/** A value of the metadata with its type in the file. */
export type MetadataValue =
  | { readonly uint32: number }
  | { readonly int32: number }
  | { readonly float32: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly int32s: ArrayLike<number> }
  | { readonly float32s: ArrayLike<number> }
  | { readonly bools: readonly boolean[] }
  | { readonly strings: readonly string[] }

export type Metadata = ReadonlyMap<string, MetadataValue>

/** A tensor that a file will hold: its shape is Hugging Face's, [rows, width]; the file lists the dimensions reversed. */
export interface PlannedTensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly type: WritableType
}

/** Where tensors begin: a multiple of this many bytes. */
const ALIGNMENT = 32
const VERSION = 3

const aligned = (size: number): number => Math.ceil(size / ALIGNMENT) * ALIGNMENT
const sizeOf = ({ shape, type }: PlannedTensor): number =>
  bytesOf(
    TENSOR_TYPES[type],
    shape.reduce((a, b) => a * b, 1),
  )

/** Everything of a GGUF file before its tensors, padded to where the first one begins (ggml/docs/gguf.md). */
export function ggufHeader(metadata: Metadata, tensors: readonly PlannedTensor[]): Uint8Array {
  const w = new Writer()
  w.bytes(new TextEncoder().encode('GGUF')).uint32(VERSION).uint64(tensors.length).uint64(metadata.size)
  for (const [key, value] of metadata) w.text(key).value(value)
  let offset = 0
  for (const tensor of tensors) {
    w.text(tensor.name).uint32(tensor.shape.length)
    for (const size of [...tensor.shape].reverse()) w.uint64(size)
    w.uint32(TENSOR_TYPES[tensor.type].number).uint64(offset)
    offset = aligned(offset + sizeOf(tensor))
  }
  return w.finish()
}

/** Zeros that follow a tensor's `size` bytes, up to where the next one begins. */
export const padding = (size: number): Uint8Array => new Uint8Array(aligned(size) - size)

/** Bytes of a file with these tensors, besides its header. */
export const tensorBytes = (tensors: readonly PlannedTensor[]): number =>
  tensors.reduce((sum, tensor) => sum + aligned(sizeOf(tensor)), 0)

/** `gguf_metadata_value_type` by the name that `MetadataValue` has for it; those of lists are the types of their elements. */
const TYPES = {
  uint32: 4,
  int32: 5,
  float32: 6,
  bool: 7,
  string: 8,
  int32s: 5,
  float32s: 6,
  bools: 7,
  strings: 8,
} as const
const ARRAY = 9

/** Writes little-endian numbers and texts into a growing buffer. */
class Writer {
  #buffer = new Uint8Array(1 << 16)
  #view = new DataView(this.#buffer.buffer)
  #length = 0

  /** Makes room for `size` more bytes and returns where they begin. */
  #reserve(size: number): number {
    const at = this.#length
    this.#length += size
    if (this.#length > this.#buffer.length) {
      const larger = new Uint8Array(2 * this.#length)
      larger.set(this.#buffer)
      this.#buffer = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }
  bytes(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length)
    this.#buffer.set(bytes, at)
    return this
  }
  uint32(x: number): this {
    const at = this.#reserve(4)
    this.#view.setUint32(at, x, true)
    return this
  }
  uint64(x: number): this {
    const at = this.#reserve(8)
    this.#view.setBigUint64(at, BigInt(x), true)
    return this
  }
  int32(x: number): this {
    const at = this.#reserve(4)
    this.#view.setInt32(at, x, true)
    return this
  }
  float32(x: number): this {
    const at = this.#reserve(4)
    this.#view.setFloat32(at, x, true)
    return this
  }
  bool(x: boolean): this {
    return this.bytes(Uint8Array.of(Number(x)))
  }
  text(x: string): this {
    const bytes = new TextEncoder().encode(x)
    return this.uint64(bytes.length).bytes(bytes)
  }
  value(value: MetadataValue): this {
    const [kind] = Object.keys(value) as [keyof typeof TYPES]
    const list = kind.endsWith('s')
    if (list) this.uint32(ARRAY)
    this.uint32(TYPES[kind])
    if ('int32s' in value) return this.list(value.int32s, (x) => this.int32(x))
    if ('float32s' in value) return this.list(value.float32s, (x) => this.float32(x))
    if ('bools' in value) return this.list(value.bools, (x) => this.bool(x))
    if ('strings' in value) return this.list(value.strings, (x) => this.text(x))
    if ('uint32' in value) return this.uint32(value.uint32)
    if ('int32' in value) return this.int32(value.int32)
    if ('float32' in value) return this.float32(value.float32)
    if ('bool' in value) return this.bool(value.bool)
    return this.text(value.string)
  }
  list<T>(values: ArrayLike<T>, write: (value: T) => void): this {
    this.uint64(values.length)
    for (let i = 0; i < values.length; i++) write(values[i]!)
    return this
  }
  finish(): Uint8Array {
    return this.#buffer.slice(0, aligned(this.#length)).fill(0, this.#length)
  }
}
