import { createHash } from 'node:crypto'
import {
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { UserError } from '../common/errors.ts'
import type { Repository } from './repository.ts'
import { request } from './request.ts'

/** A file of a repository. What the hub does not tell is absent. */
export interface HubFile {
  readonly path: string
  readonly size?: number | undefined
  /** Of a large file. */
  readonly sha256?: string | undefined
  /** Of any other: SHA-1 as git takes it, over `blob <size>\0` and the content. */
  readonly gitSha1?: string | undefined
}

/** Broken connections in a row, without a byte received between them, after which a download gives up. */
const FRUITLESS = 3

/**
 * Downloads a file to `target`. It grows as `target.part`, goes on where an earlier call or a broken connection
 * stopped, is checked, and is renamed when whole.
 *
 * @throws UserError for a hub that cannot be reached or refuses, a connection that keeps breaking, wrong content.
 */
export async function download(
  repository: Repository,
  url: string,
  file: HubFile,
  target: string,
  progress: (bytes: number) => void,
): Promise<void> {
  const part = `${target}.part`
  mkdirSync(dirname(target), { recursive: true })
  let resumed = sizeOf(part) > 0
  for (let fruitless = 0; ; ) {
    if (sizeOf(part) > (file.size ?? Number.POSITIVE_INFINITY)) rmSync(part)
    const before = sizeOf(part)
    const broken = before > 0 && before === file.size ? null : await receive(repository, url, part, progress)
    const size = sizeOf(part)
    if (broken === null && (file.size === undefined || size === file.size)) {
      const wrong = await mismatch(part, file)
      if (wrong === null) return renameSync(part, target)
      rmSync(part)
      if (!resumed) throw new UserError(`${url} is damaged: ${wrong}; it was deleted, try again`)
      // The beginning may have been left by another version of the file: once more, from nothing.
      resumed = false
      continue
    }
    fruitless = size > before ? 0 : fruitless + 1
    if (fruitless === FRUITLESS)
      throw new UserError(
        `the download of ${file.path} (${repository.id}) broke off at ${size} of ${file.size ?? 'unknown'} bytes ` +
          `(${broken ?? 'it ended early'}); the same command goes on from there`,
      )
  }
}

/** Appends what is missing to `part`. Resolves to why the connection broke, or null. */
async function receive(
  repository: Repository,
  url: string,
  part: string,
  progress: (bytes: number) => void,
): Promise<string | null> {
  const have = sizeOf(part)
  const response = await request(repository, url, have > 0 ? { range: `bytes=${have}-` } : {})
  // A server that does not know ranges sends everything (200).
  const goesOn = have > 0 && response.status === 206
  let bytes = goesOn ? have : 0
  const body = Readable.fromWeb(response.body as ReadableStream)
  body.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length
    progress(bytes)
  })
  const out = createWriteStream(part, { flags: goesOn ? 'a' : 'w' })
  try {
    await pipeline(body, out)
    return null
  } catch (error) {
    // A write may still be under way: the size of the part counts only after it.
    if (!out.closed) await new Promise<void>((resolve) => out.once('close', () => resolve()))
    const { code, message, syscall } = error as NodeJS.ErrnoException
    if (syscall === 'write' || syscall === 'open') throw new UserError(`cannot write ${part}: ${message}`)
    return code ?? message
  }
}

/** What is wrong with the content, or null. */
async function mismatch(part: string, { size, sha256, gitSha1 }: HubFile): Promise<string | null> {
  const expected = sha256 ?? gitSha1
  if (expected === undefined) return null
  const hash = createHash(sha256 ? 'sha256' : 'sha1')
  if (!sha256) hash.update(`blob ${size ?? sizeOf(part)}\0`)
  for await (const chunk of createReadStream(part, { highWaterMark: 1 << 20 })) hash.update(chunk)
  const found = hash.digest('hex')
  return found === expected ? null : `its ${sha256 ? 'SHA-256' : 'git SHA-1'} is ${found}, not ${expected}`
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0
}
