import { createHash } from 'node:crypto'
import { createWriteStream, existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { UserError } from '../common/errors.ts'
import { diskError, onDisk } from '../common/files/disk.ts'
import { hashFile, makeFolder } from '../common/files/files.ts'
import type { Repository } from './repository.ts'
import { request } from './request.ts'

/** A file of a repository. What the hub does not say is undefined. */
export interface HubFile {
  readonly path: string
  readonly size?: number | undefined
  /** Given for large files. */
  readonly sha256?: string | undefined
  /** Given for all others: SHA-1 as git computes it, over `blob <size>\0` and the content. */
  readonly gitSha1?: string | undefined
}

/** Ends the name of a file that is not complete yet. */
export const PART = '.part'
/** A download fails after this many broken connections in a row that brought no byte. */
const MAX_EMPTY_CONNECTIONS = 3

/**
 * Downloads a file to `target`. The content is appended to `target.part`, from where an earlier call or a broken
 * connection stopped; when complete it is checked and renamed.
 *
 * @param progress called with the number of bytes that are there.
 * @throws UserError for a hub that cannot be reached or refuses, a connection that keeps breaking, wrong content, or a
 *   disk that fails.
 */
export async function download(
  repository: Repository,
  url: string,
  file: HubFile,
  target: string,
  progress: (bytes: number) => void,
): Promise<void> {
  const part = `${target}${PART}`
  onDisk('create', dirname(target), () => makeFolder(dirname(target)))
  let resumed = sizeOf(part) > 0
  for (let emptyConnections = 0; ; ) {
    if (sizeOf(part) > (file.size ?? Number.POSITIVE_INFINITY)) rmSync(part)
    const before = sizeOf(part)
    const broken = before > 0 && before === file.size ? null : await receive(repository, url, part, progress)
    const size = sizeOf(part)
    if (broken === null && (file.size === undefined || size === file.size)) {
      const wrong = await mismatch(part, file)
      if (wrong === null) return onDisk('write', target, () => renameSync(part, target))
      rmSync(part)
      if (!resumed) throw new UserError(`${url} is damaged: ${wrong}; it was deleted, try again`)
      // The part may have come from another version of the file: download it once more from the beginning.
      resumed = false
      continue
    }
    emptyConnections = size > before ? 0 : emptyConnections + 1
    if (emptyConnections === MAX_EMPTY_CONNECTIONS)
      throw new UserError(
        `the download of ${file.path} (${repository.id}) broke off at ${size} of ${file.size ?? 'unknown'} bytes ` +
          `(${broken ?? 'it ended early'}); run the same command again to continue from there`,
      )
  }
}

/** Appends the missing bytes to `part`. Resolves to the reason for which the connection broke, or null. */
async function receive(
  repository: Repository,
  url: string,
  part: string,
  progress: (bytes: number) => void,
): Promise<string | null> {
  const have = sizeOf(part)
  const response = await request(repository, url, have > 0 ? { range: `bytes=${have}-` } : {})
  // A server that does not support ranges sends the whole file (200).
  const appending = have > 0 && response.status === 206
  let bytes = appending ? have : 0
  const body = Readable.fromWeb(response.body as ReadableStream)
  body.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length
    progress(bytes)
  })
  const out = createWriteStream(part, { flags: appending ? 'a' : 'w' })
  try {
    await pipeline(body, out)
    return null
  } catch (error) {
    // A write may still be in progress; the size of the part is final only after it.
    if (!out.closed) await new Promise<void>((resolve) => out.once('close', () => resolve()))
    const { code, message, syscall } = error as NodeJS.ErrnoException
    if (syscall === 'write' || syscall === 'open') throw diskError(error, 'write', part)
    return code ?? message
  }
}

/** What is wrong with the content, or null. */
async function mismatch(part: string, { size, sha256, gitSha1 }: HubFile): Promise<string | null> {
  const expected = sha256 ?? gitSha1
  if (expected === undefined) return null
  const hash = createHash(sha256 ? 'sha256' : 'sha1')
  if (!sha256) hash.update(`blob ${size ?? sizeOf(part)}\0`)
  await hashFile(hash, part)
  const found = hash.digest('hex')
  return found === expected ? null : `its ${sha256 ? 'SHA-256' : 'git SHA-1'} is ${found}, not ${expected}`
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0
}
