import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type GGUFParseOutput, gguf } from '@huggingface/gguf'
import { UserError } from '../../../common/errors.ts'
import { onDisk } from '../../../common/files/disk.ts'

/*
 * The header of a GGUF file: magic, version, counts, metadata, and the name, shape, type and place of every tensor. It is
 * read by @huggingface/gguf, which trusts the lengths in it and takes what is after the end of a file for zeros. All counts
 * and lengths are therefore compared with the size of the file first.
 */

/** A larger header cannot be read by the library. */
const MAX_HEADER = 48_000_000
/** Bytes that the library asks for at a time. */
const PIECE = 2_000_000
/** Arrays may hold arrays; the library's own limit. */
const MAX_DEPTH = 4
/** The names of keys and tensors. ggml's own limit for tensors is 63 characters. */
const NAME = /^[\x21-\x7e]{1,500}$/

const STRING = 8
const ARRAY = 9
/** Bytes of a metadata value by its type; strings and arrays have their own lengths. */
const WIDTHS = new Map([
  [0, 1],
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 4],
  [5, 4],
  [6, 4],
  [7, 1],
  [10, 8],
  [11, 8],
  [12, 8],
])

/** What the first bytes of files in other formats are. */
const OTHER_FORMATS: readonly [RegExp, string][] = [
  [
    /^(lmgg|fmgg|tjgg|algg)/,
    'a GGML file of the time before GGUF; convert it with an old version of llama.cpp',
  ],
  [/^PK/, 'a zip archive, such as a PyTorch checkpoint'],
  [/^version https:\/\/git-lfs/, 'a pointer of Git LFS, not the file itself; `git lfs pull` fetches it'],
  [/^(<!DOCTYPE|<html)/i, 'a web page'],
]

/** The header of one file. */
export interface Header extends Pick<GGUFParseOutput, 'tensorInfos'> {
  readonly metadata: Readonly<Record<string, unknown>>
  /** The size of the whole file. */
  readonly size: number
  /** The first byte after the header. */
  readonly end: number
}

/**
 * Reads and checks the header of a GGUF file.
 *
 * @throws UserError, naming the file and the byte, for a damaged file, and for one of a version that cannot be read.
 */
export async function readHeader(path: string): Promise<Header> {
  const fd = onDisk('read', path, () => openSync(path, 'r'))
  try {
    const size = onDisk('read', path, () => fstatSync(fd).size)
    const bytes = new HeaderBytes(path, fd, size)
    const misread = walk(bytes)
    const parsed = await parse(path, bytes.upTo(bytes.at))
    const metadata: Record<string, unknown> = { ...parsed.metadata }
    for (const { key, index, text } of misread) {
      if (index === null) metadata[key] = text
      else (metadata[key] as unknown[])[index] = text
    }
    return { metadata, tensorInfos: parsed.tensorInfos, size, end: bytes.at }
  } finally {
    closeSync(fd)
  }
}

async function parse(path: string, header: Uint8Array<ArrayBuffer>): Promise<GGUFParseOutput> {
  try {
    return await gguf('https://file.invalid/', {
      fetch: async (_, request) => {
        const [, begin] = /^bytes=(\d+)-/.exec(new Headers(request?.headers).get('range') ?? '') ?? []
        return new Response(header.subarray(Number(begin), Number(begin) + PIECE))
      },
    })
  } catch (error) {
    throw new UserError(`${path} is not a GGUF file that can be read: ${(error as Error).message}`)
  }
}

/**
 * A string of the metadata, the value of a key or an element of an array, that the library may misread: it can lose what lies
 * in the next piece, and loses a byte order mark at the beginning.
 */
interface Misread {
  readonly key: string
  readonly index: number | null
  readonly text: string
}

/** Goes through the header and checks every count and length. Returns the strings that the library may misread. */
function walk(bytes: HeaderBytes): Misread[] {
  checkMagic(bytes)
  // A tensor takes at least 24 bytes and an entry of the metadata 13.
  const tensors = bytes.count('tensors', 24)
  const entries = bytes.count('entries of metadata', 13)
  const misread: Misread[] = []
  const keys = new Set<string>()
  for (let i = 0; i < entries; i++) {
    const key = bytes.name(`the key of entry ${i} of the metadata`)
    if (keys.has(key)) throw bytes.damaged(`it has the key ${JSON.stringify(key)} twice`)
    keys.add(key)
    const type = bytes.u32()
    skipValue(bytes, type, JSON.stringify(key), 0, (index, text) => misread.push({ key, index, text }))
  }
  const names = new Set<string>()
  for (let i = 0; i < tensors; i++) {
    const name = bytes.name(`the name of tensor ${i}`)
    if (names.has(name)) throw bytes.damaged(`it has the tensor ${JSON.stringify(name)} twice`)
    names.add(name)
    const dimensions = bytes.u32()
    if (dimensions > 4)
      throw bytes.damaged(`tensor ${JSON.stringify(name)} has ${dimensions} dimensions; 4 are possible`)
    bytes.skip(8 * dimensions + 12)
  }
  return misread
}

function checkMagic(bytes: HeaderBytes): void {
  const { path, size } = bytes
  if (size < 24)
    throw new UserError(
      `${path} is not a GGUF file: it has ${size} bytes, and 24 are the least; copy or download it again`,
    )
  const start = Buffer.from(bytes.peek(24)).toString('latin1')
  if (!start.startsWith('GGUF')) {
    const other = OTHER_FORMATS.find(([pattern]) => pattern.test(start))?.[1]
    throw new UserError(`${path} is neither a model folder nor a GGUF file${other ? `: it is ${other}` : ''}`)
  }
  bytes.skip(4)
  const version = bytes.u32()
  if (version === 2 || version === 3) return
  if (version !== 0 && version % 65536 === 0)
    throw new UserError(
      `${path} is a big-endian GGUF file; only little-endian ones can be read (llama.cpp's gguf_convert_endian.py converts it)`,
    )
  throw new UserError(`${path} is a GGUF file of version ${version}; versions 2 and 3 can be read`)
}

function skipValue(
  bytes: HeaderBytes,
  type: number,
  where: string,
  depth: number,
  onMisread: (index: number | null, text: string) => void,
): void {
  const width = WIDTHS.get(type)
  if (width !== undefined) bytes.skip(width)
  else if (type === STRING) bytes.string(where, (text) => onMisread(null, text))
  else if (type === ARRAY) skipArray(bytes, where, depth, onMisread)
  else throw bytes.damaged(`the value of ${where} has the unknown type ${type}`)
}

function skipArray(
  bytes: HeaderBytes,
  where: string,
  depth: number,
  onMisread: (index: number | null, text: string) => void,
): void {
  if (depth === MAX_DEPTH) throw bytes.damaged(`the value of ${where} has arrays in arrays in arrays`)
  const type = bytes.u32()
  const width = WIDTHS.get(type)
  const length = bytes.count(`elements of ${where}`, width ?? 8)
  if (width !== undefined) bytes.skip(length * width)
  else
    for (let i = 0; i < length; i++)
      skipValue(bytes, type, where, depth + 1, (_, text) => {
        if (depth === 0) onMisread(i, text)
      })
}

/** The bytes of a file from its beginning, read as they are needed. */
class HeaderBytes {
  /** The next byte to be read. */
  at = 0
  #loaded = new Uint8Array(0)
  #view = new DataView(this.#loaded.buffer)

  constructor(
    readonly path: string,
    readonly fd: number,
    readonly size: number,
  ) {}

  damaged(problem: string): UserError {
    return new UserError(`${this.path} is a damaged GGUF file: ${problem}; copy or download it again`)
  }

  upTo(end: number): Uint8Array<ArrayBuffer> {
    return this.#loaded.subarray(0, end)
  }

  peek(length: number): Uint8Array {
    this.#load(length)
    return this.#loaded.subarray(this.at, this.at + length)
  }

  skip(length: number): void {
    this.#load(length)
    this.at += length
  }

  u32(): number {
    this.#load(4)
    const value = this.#view.getUint32(this.at, true)
    this.at += 4
    return value
  }

  /** A count of things that take at least `bytes` bytes each. */
  count(what: string, bytes: number): number {
    const at = this.at
    const value = this.#u64()
    if (value > BigInt(Math.floor((this.size - this.at) / bytes)))
      throw this.damaged(
        `byte ${at} says that ${value} ${what} follow, for which the file (${this.size} bytes) is too short`,
      )
    return Number(value)
  }

  /** A name, as checked by `NAME`. */
  name(what: string): string {
    const at = this.at
    const length = this.#length(what)
    const text = length > 500 ? '' : this.#text(length)
    if (!NAME.test(text) || text === '__proto__')
      throw this.damaged(`${what} at byte ${at} (${length} bytes) is no name`)
    this.at += length
    return text
  }

  /** Skips a string; `onMisread` is called with it if the library may misread it. */
  string(where: string, onMisread: (text: string) => void): void {
    const length = this.#length(where)
    const isCut = length > 0 && Math.floor(this.at / PIECE) !== Math.floor((this.at + length - 1) / PIECE)
    const bytes = this.peek(length)
    const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
    if (isCut || hasMark) onMisread(this.#text(length))
    this.at += length
  }

  #length(what: string): number {
    const at = this.at
    const length = this.#u64()
    if (length > BigInt(this.size - this.at))
      throw this.damaged(
        `${what} at byte ${at} should have ${length} bytes, but the file ends at byte ${this.size}`,
      )
    return Number(length)
  }

  #text(length: number): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.peek(length))
  }

  #u64(): bigint {
    this.#load(8)
    const value = this.#view.getBigUint64(this.at, true)
    this.at += 8
    return value
  }

  /** Makes the next `length` bytes available. */
  #load(length: number): void {
    const end = this.at + length
    if (end <= this.#loaded.length) return
    if (end > this.size)
      throw this.damaged(
        `it ends at byte ${this.size}, inside its header, which goes on to byte ${end} at least`,
      )
    if (end > MAX_HEADER)
      throw new UserError(`${this.path} has a header of more than ${MAX_HEADER} bytes, which cannot be read`)
    const grown = new Uint8Array(Math.min(this.size, Math.max(end, 2 * this.#loaded.length, 1 << 16)))
    grown.set(this.#loaded)
    for (let done = this.#loaded.length; done < grown.length; ) {
      const n = onDisk('read', this.path, () => readSync(this.fd, grown, done, grown.length - done, done))
      if (n === 0) throw this.damaged(`it ended at byte ${done} while it was read`)
      done += n
    }
    this.#loaded = grown
    this.#view = new DataView(grown.buffer)
  }
}
