import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { onDisk } from '../../../common/files/disk.ts'
import { bytesOf, type TENSOR_TYPES, type TensorTypeName, tensorType } from '../tensor-types.ts'
import { dequantise } from './dequantise.ts'
import { type Header, readHeader } from './header.ts'
import { Metadata } from './metadata.ts'

/** Where tensors begin: at multiples of this, unless the file says otherwise. */
const ALIGNMENT = 32

/** A tensor of a GGUF file. */
export interface GgufTensor {
  readonly type: (typeof TENSOR_TYPES)[TensorTypeName]
  /** In the order of Hugging Face: matrices are [out, in]. */
  readonly shape: readonly number[]
  readonly path: string
  /** First byte in the file, and the byte after the last. */
  readonly begin: number
  readonly end: number
}

/** The file itself, or all parts of one that was split (`NAME-00001-of-00003.gguf`, …), whichever of them is named. */
export function partNames(path: string): string[] {
  const [, stem, count, ending] = /^(.*)-\d{5}-of-(\d{5})(\.gguf)$/is.exec(path) ?? []
  if (count === undefined) return [path]
  return Array.from(
    { length: Number(count) },
    (_, i) => `${stem}-${String(i + 1).padStart(5, '0')}-of-${count}${ending}`,
  )
}

/** The files of a model, as `partNames`. @throws UserError if a part is missing. */
export function ggufParts(path: string): string[] {
  const parts = partNames(path)
  if (parts.length === 1 && parts[0] === path) return parts
  const missing = parts.filter((part) => !existsSync(part))
  if (parts.length === 0 || missing.length > 0)
    throw new UserError(
      `${path} is one of ${parts.length} parts, of which ${missing.length} are missing: ${missing
        .slice(0, 3)
        .map((part) => basename(part))
        .join(', ')}${missing.length > 3 ? ', …' : ''}`,
    )
  return parts
}

/** An open GGUF file, or all parts of one that was split. Tensors are read by name. */
export class GgufFile {
  readonly path: string
  readonly metadata: Metadata
  readonly tensors: ReadonlyMap<string, GgufTensor>
  readonly #descriptors = new Map<string, number>()

  private constructor(path: string, metadata: Metadata, tensors: ReadonlyMap<string, GgufTensor>) {
    this.path = path
    this.metadata = metadata
    this.tensors = tensors
  }

  /** Opens a file and checks its header. @throws UserError that says what is wrong, and where. */
  static async open(path: string): Promise<GgufFile> {
    const parts = ggufParts(path)
    const tensors = new Map<string, GgufTensor>()
    let metadata: Metadata | null = null
    for (const [i, part] of parts.entries()) {
      const header = await readHeader(part)
      const ownMetadata = new Metadata(part, header.metadata)
      checkPart(ownMetadata, i, parts.length)
      metadata ??= ownMetadata
      for (const [name, tensor] of tensorsOf(part, header, ownMetadata)) {
        const other = tensors.get(name)
        if (other) throw new UserError(`tensor ${name} is both in ${other.path} and in ${part}`)
        tensors.set(name, tensor)
      }
    }
    return new GgufFile(path, metadata!, tensors)
  }

  /**
   * Some rows of a tensor as float32. A vector has one row.
   *
   * @throws UserError if the file cannot be read, or has become shorter.
   */
  readRows(tensor: GgufTensor, first: number, count: number): Float32Array<ArrayBuffer> {
    const width = tensor.shape.at(-1) ?? 1
    const rowBytes = bytesOf(tensor.type, width)
    const bytes = new Uint8Array(rowBytes * count)
    this.#fill(tensor.path, bytes, tensor.begin + first * rowBytes)
    const values = new Float32Array(width * count)
    dequantise(tensor.type.name, bytes, values)
    return values
  }

  close(): void {
    for (const fd of this.#descriptors.values()) closeSync(fd)
    this.#descriptors.clear()
  }

  #fill(path: string, bytes: Uint8Array, position: number): void {
    let fd = this.#descriptors.get(path)
    if (fd === undefined) {
      fd = onDisk('read', path, () => openSync(path, 'r'))
      this.#descriptors.set(path, fd)
    }
    for (let done = 0; done < bytes.length; ) {
      const n = onDisk('read', path, () => readSync(fd, bytes, done, bytes.length - done, position + done))
      if (n === 0) throw new UserError(`${path} ended at byte ${position + done} while it was read`)
      done += n
    }
  }
}

function checkPart(metadata: Metadata, index: number, count: number): void {
  const found = metadata.number('split.count') ?? 1
  // A file that was split into one part says 0 or 1.
  if (Math.max(found, 1) !== count)
    throw metadata.refuse(
      'split.count',
      found,
      count === 1
        ? ': the file is a part of a model, and the parts are named NAME-00001-of-0000N.gguf; give it its name back'
        : `, but its name says that there are ${count} parts`,
    )
  const number = metadata.number('split.no') ?? 0
  if (number !== index) throw metadata.refuse('split.no', number, `, but its name says part ${index + 1}`)
}

/** The tensors of a file, checked against its size. */
function tensorsOf(path: string, header: Header, metadata: Metadata): Map<string, GgufTensor> {
  const alignment = metadata.count('general.alignment') ?? ALIGNMENT
  const start = Math.ceil(header.end / alignment) * alignment
  const tensors = new Map<string, GgufTensor>()
  for (const { name, shape, dtype, offset } of header.tensorInfos) {
    const where = `${path}: tensor ${name}`
    const type = tensorType(dtype, where)
    const sizes = shape.map(Number)
    const values = sizes.reduce((product, size) => product * size, 1)
    const [width = 1] = sizes
    if (!Number.isSafeInteger(values) || values === 0)
      throw new UserError(`${where} has the impossible shape [${sizes.toReversed()}]`)
    if (width % type.blockSize !== 0)
      throw new UserError(
        `${where} has rows of ${width} values, which are no whole blocks of ${type.name} (${type.blockSize} values)`,
      )
    const begin = start + Number(offset)
    const end = begin + bytesOf(type, values)
    if (Number(offset) % alignment !== 0)
      throw new UserError(
        `${where} begins at byte ${begin}, which is no multiple of ${alignment} after byte ${start}`,
      )
    if (end > header.size)
      throw new UserError(
        `${where} should end at byte ${end}, but the file ends at byte ${header.size}; it is not complete: copy or download it again`,
      )
    tensors.set(name, { type, shape: sizes.reverse(), path, begin, end })
  }
  checkOverlap(path, tensors)
  return tensors
}

function checkOverlap(path: string, tensors: ReadonlyMap<string, GgufTensor>): void {
  let before: readonly [string, GgufTensor] | null = null
  for (const one of [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (before && one[1].begin < before[1].end)
      throw new UserError(
        `${path}: tensor ${one[0]} begins at byte ${one[1].begin}, inside tensor ${before[0]}, which ends at ${before[1].end}`,
      )
    before = one
  }
}
