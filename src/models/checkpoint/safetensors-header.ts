import { UserError } from '../../common/errors.ts'
import { printable } from '../../common/printable.ts'
import { oneLine, plural } from '../../common/words.ts'

/*
 * The safetensors format: u64 header length (little-endian), a JSON header {name: {dtype, shape, data_offsets}},
 * then the tensors, one after another without gaps.
 */

/** Bytes of one element. */
const WIDTHS = new Map<string, number>(
  Object.entries({
    BOOL: 1,
    U8: 1,
    I8: 1,
    F8_E5M2: 1,
    F8_E4M3: 1,
    F8_E8M0: 1,
    I16: 2,
    U16: 2,
    F16: 2,
    BF16: 2,
  }).concat(Object.entries({ I32: 4, U32: 4, F32: 4, F64: 8, I64: 8, U64: 8, C64: 8 })),
)

/** The format's own limit on the header, 100 MB. */
const MAX_HEADER = 100_000_000

/** Where a tensor lies in the file, and its type and shape. */
export interface TensorEntry {
  readonly dtype: string
  readonly shape: readonly number[]
  /** First byte and the byte after the last, counted from the start of the file. */
  readonly begin: number
  readonly end: number
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>
  readonly tensors: ReadonlyMap<string, TensorEntry>
}

/**
 * Reads and checks the header of a file of `size` bytes; `read(begin, end)` returns a range of them.
 *
 * @throws UserError, naming `path` and the byte, for a truncated file, overlapping or missing bytes and unknown dtypes.
 */
export function readHeader(
  path: string,
  size: number,
  read: (begin: number, end: number) => Uint8Array<ArrayBuffer>,
): SafetensorsHeader {
  const bad = (problem: string) =>
    new UserError(`${path} is not a complete safetensors file: ${problem}; copy or download it again`)
  if (size < 8) throw bad(`it has ${plural(size, 'byte')}; the length of the header alone takes 8`)
  const length = new DataView(read(0, 8).buffer).getBigUint64(0, true)
  if (length > MAX_HEADER)
    throw bad(`its header claims ${length} bytes, more than the limit of ${MAX_HEADER}`)
  const start = 8 + Number(length)
  if (start > size) throw bad(`its header should end at byte ${start}, but the file ends at byte ${size}`)

  const tensors = new Map<string, TensorEntry>()
  let metadata: Record<string, string> = {}
  for (const [name, value] of Object.entries(parseObject(read(8, start), bad))) {
    if (name === '__metadata__') metadata = readMetadata(value, bad)
    else tensors.set(name, tensorEntry(shown(name), value, start, bad))
  }

  let at = start
  let previous = 'the header'
  for (const [key, { begin, end }] of [...tensors].sort(
    ([, a], [, b]) => a.begin - b.begin || a.end - b.end,
  )) {
    const name = shown(key)
    if (begin < at)
      throw bad(`tensor ${name} begins at byte ${begin}, inside ${previous}, which ends at ${at}`)
    if (begin > at) throw bad(`bytes ${at} to ${begin} before tensor ${name} belong to no tensor`)
    if (end > size) throw bad(`tensor ${name} should end at byte ${end}, but the file ends at byte ${size}`)
    at = end
    previous = `tensor ${name}`
  }
  if (at !== size) throw bad(`its tensors end at byte ${at}, but the file ends at byte ${size}`)
  return { metadata, tensors }
}

function parseObject(bytes: Uint8Array, bad: (problem: string) => UserError): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (error) {
    const reason = oneLine(printable((error as Error).message), 200)
    throw bad(`its header (bytes 8 to ${8 + bytes.length}) is not JSON (${reason})`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad(`its header (bytes 8 to ${8 + bytes.length}) is not a JSON object`)
  return value as Record<string, unknown>
}

/** A tensor's name in a message of one line. */
const shown = (name: string): string => oneLine(printable(name), 200)

function readMetadata(value: unknown, bad: (problem: string) => UserError): Record<string, string> {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (isMap && Object.values(value).every((text) => typeof text === 'string'))
    return value as Record<string, string>
  throw bad(`its __metadata__ is ${describe(value)}; an object with strings is expected`)
}

const describe = (value: unknown): string => oneLine(printable(JSON.stringify(value)), 200)

function tensorEntry(
  name: string,
  value: unknown,
  start: number,
  bad: (problem: string) => UserError,
): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>
  if (typeof dtype !== 'string' || !isNaturals(shape) || !isNaturals(offsets) || offsets.length !== 2)
    throw bad(`tensor ${name} lacks a valid dtype, shape or data_offsets: ${describe(value)}`)
  const width = WIDTHS.get(dtype)
  if (width === undefined) throw bad(`tensor ${name} has the unknown dtype ${shown(dtype)}`)
  const [begin, end] = [start + offsets[0]!, start + offsets[1]!]
  const bytes = shape.reduce((a, b) => a * b, width)
  if (end - begin !== bytes)
    throw bad(
      `tensor ${name}, ${dtype} [${oneLine(shape.join(), 100)}], needs ${bytes} bytes; its offsets give ${end - begin}`,
    )
  return { dtype, shape, begin, end }
}

function isNaturals(list: unknown): list is number[] {
  return Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0)
}

/**
 * The bytes before the tensors of a file that has them in the order of the map, one after another: the length of the header
 * and the header. Spaces after the JSON align the tensors to 8 bytes.
 *
 * @param tensors `size` is a tensor's bytes.
 */
export function headerBytes(
  tensors: ReadonlyMap<
    string,
    { readonly dtype: string; readonly shape: readonly number[]; readonly size: number }
  >,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {}
  let at = 0
  for (const [name, { dtype, shape, size }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [at, at + size] }
    at += size
  }
  const json = new TextEncoder().encode(JSON.stringify(header))
  const length = Math.ceil(json.length / 8) * 8
  const bytes = new Uint8Array(8 + length).fill(0x20)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true)
  bytes.set(json, 8)
  return bytes
}
