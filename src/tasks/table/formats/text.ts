import { isUtf8 } from 'node:buffer'
import { type FileHandle, open } from 'node:fs/promises'
import { TextDecoder } from 'node:util'
import { UserError } from '../../../common/errors.ts'
import { diskError } from '../../../common/files/disk.ts'
import { shellWord } from '../../../common/shell.ts'

/** Complete lines of a text file, or the rest at its end. */
export interface Block {
  readonly text: string
  /** Number of the first line, from 1. */
  readonly line: number
  /** This is the last block, and its last line has no line end. */
  readonly open: boolean
  /** The file ends in the middle of a character, which is left out of `text`. */
  readonly cut: boolean
}

const CHUNK = 1 << 20
/** Longest line that is read. */
const MAX_LINE = 256 << 20
const NEWLINE = 10

/**
 * Reads a text file as blocks of complete lines, in bounded memory: UTF-8, or UTF-16 with a byte order mark.
 *
 * @param progress called with the share that has been read, 0..1.
 * @throws UserError for a file that cannot be read, and for bytes that are not text, with their line and position.
 */
export async function* textBlocks(path: string, progress: (share: number) => void): AsyncGenerator<Block> {
  let rest: Buffer[] = []
  let restBytes = 0
  let line = 1
  let offset = 0
  for await (const bytes of utf8Of(path, progress)) {
    const end = bytes.lastIndexOf(NEWLINE) + 1
    if (end > 0) {
      const block = Buffer.concat([...rest, bytes.subarray(0, end)])
      yield { text: decode(path, block, line, offset), line, open: false, cut: false }
      line += countLines(block)
      offset += block.length
      rest = []
      restBytes = 0
    }
    rest.push(bytes.subarray(end))
    restBytes += bytes.length - end
    if (restBytes > MAX_LINE)
      throw new UserError(`${path}, line ${line}: longer than ${MAX_LINE >> 20} MB; check that it is a table`)
  }
  if (restBytes === 0) return
  const last = Buffer.concat(rest)
  const whole = withoutCutCharacter(last)
  yield { text: decode(path, whole, line, offset), line, open: true, cut: whole.length < last.length }
}

/** The bytes of a file as UTF-8, without a byte order mark. */
async function* utf8Of(path: string, progress: (share: number) => void): AsyncGenerator<Buffer> {
  let file: FileHandle | undefined
  try {
    file = await open(path)
    const { size } = await file.stat()
    let decoder: TextDecoder | null = null
    for (let at = 0; ; ) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, at)
      if (bytesRead === 0) return
      let bytes = buffer.subarray(0, bytesRead)
      if (at === 0) {
        decoder = utf16Decoder(bytes)
        if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) bytes = bytes.subarray(3)
        else if (!decoder && bytes.subarray(0, 1000).includes(0))
          throw new UserError(
            `${path} contains zero bytes: it is not text, or UTF-16 without a byte order mark; save it as UTF-8`,
          )
      }
      yield decoder ? fromUtf16(path, decoder, bytes, at) : bytes
      at += bytesRead
      progress(at / size)
    }
  } catch (error) {
    throw diskError(error, 'read', path)
  } finally {
    await file?.close()
  }
}

function utf16Decoder([a, b]: Uint8Array): TextDecoder | null {
  if (a === 0xff && b === 0xfe) return new TextDecoder('utf-16le', { fatal: true })
  if (a === 0xfe && b === 0xff) return new TextDecoder('utf-16be', { fatal: true })
  return null
}

function fromUtf16(path: string, decoder: TextDecoder, bytes: Buffer, at: number): Buffer {
  try {
    return Buffer.from(decoder.decode(bytes, { stream: true }))
  } catch {
    throw new UserError(
      `${path}: not valid UTF-16 between the bytes ${at} and ${at + bytes.length}; save it as UTF-8`,
    )
  }
}

function decode(path: string, bytes: Buffer, firstLine: number, offset: number): string {
  if (isUtf8(bytes)) return bytes.toString('utf8')
  let start = 0
  for (let line = firstLine; ; line++) {
    const end = bytes.indexOf(NEWLINE, start)
    const whole = bytes.subarray(start, end < 0 ? bytes.length : end)
    if (!isUtf8(whole)) {
      const at = firstInvalid(whole)
      const value = whole[at]!.toString(16).padStart(2, '0')
      throw new UserError(
        `${path}, line ${line}: byte ${at + 1} of the line (0x${value}, byte ${offset + start + at + 1} of the file) is not UTF-8; ${recoding(path, bytes.subarray(0, start))}`,
      )
    }
    start = end + 1
  }
}

/** How to convert a file to UTF-8: all of it if only ASCII came before the error, else only the wrong bytes. */
function recoding(path: string, before: Uint8Array): string {
  const to = shellWord(path.replace(/(\.\w+)$/, '.utf8$1'))
  return before.every((byte) => byte < 0x80)
    ? `if it is Latin-1: iconv -f LATIN1 -t UTF-8 ${shellWord(path)} > ${to}`
    : `the lines before it are: correct this one, or drop such bytes: iconv -c -f UTF-8 -t UTF-8 ${shellWord(path)} > ${to}`
}

/** Position of the first byte that is not UTF-8. */
function firstInvalid(bytes: Buffer): number {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let start = 0
  for (const [i, byte] of bytes.entries())
    try {
      if (decoder.decode(Uint8Array.of(byte), { stream: true }) !== '') start = i + 1
    } catch {
      return start
    }
  return start
}

/** The bytes without an incomplete character at the end. */
function withoutCutCharacter(bytes: Buffer): Buffer {
  if (isUtf8(bytes)) return bytes
  for (let cut = 1; cut <= 3; cut++) {
    const lead = bytes.at(-cut)
    if (lead === undefined || lead < 0x80) break
    const needs = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 0
    if (needs > cut) return bytes.subarray(0, -cut)
    if (needs > 0) break
  }
  return bytes
}

function countLines(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines++
  return lines
}
