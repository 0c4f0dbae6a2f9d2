import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { z } from 'zod'
import { onDisk } from '../common/files/disk.ts'
import { makeFolder, writeText } from '../common/files/files.ts'
import { type HubFile, PART } from './download.ts'
import { cacheFolder, type Repository } from './repository.ts'

/*
 * The cache is shared with Hugging Face's own tools: they find what is downloaded here, and their downloads are found here.
 * In addition to their folders it has `listings/<commit>.json`, the hub's list of a repository's files.
 */

/** The files of a repository at one commit. */
export interface Listing {
  readonly commit: string
  readonly files: readonly HubFile[]
}

export const COMMIT = /^[0-9a-f]{40}$/

/** The commit that a revision stands for, as far as the cache knows; null if it does not. */
export function cachedCommit(repository: Repository): string | null {
  const ref = join(cacheFolder(repository), 'refs', repository.revision)
  const named = existsSync(ref)
    ? onDisk('read', ref, () => readFileSync(ref, 'utf8')).trim()
    : repository.revision
  return COMMIT.test(named) ? named : null
}

/** The commits with a snapshot in the cache. */
export function cachedCommits(repository: Repository): string[] {
  const folder = join(cacheFolder(repository), 'snapshots')
  return existsSync(folder) ? readdirSync(folder).filter((name) => COMMIT.test(name)) : []
}

/** The list of files that was kept with `keepListing`, or by Python's huggingface_hub (version 2 and later), or null. */
export function cachedListing(repository: Repository, commit: string): Listing | null {
  const own = listingFile(repository, commit)
  if (existsSync(own)) return JSON.parse(onDisk('read', own, () => readFileSync(own, 'utf8')))
  const tree = join(cacheFolder(repository), 'trees', `${commit}.json`)
  return existsSync(tree) ? readTree(tree, commit) : null
}

const treeSchema = z.object({
  format_version: z.literal(1),
  files: z.record(
    z.string(),
    z.object({ size: z.int(), blob_id: z.string(), lfs_sha256: z.string().nullish() }),
  ),
})

/** Null for another format, and for a file that could not be written completely: as huggingface_hub itself reads it. */
function readTree(path: string, commit: string): Listing | null {
  const text = onDisk('read', path, () => readFileSync(path, 'utf8'))
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return null
  }
  const { data } = treeSchema.safeParse(json)
  if (!data) return null
  const files = Object.entries(data.files).map(([path, { size, blob_id, lfs_sha256 }]) => ({
    path,
    size,
    ...(lfs_sha256 ? { sha256: lfs_sha256 } : { gitSha1: blob_id }),
  }))
  return files.every(({ path }) => isPossiblePath(path)) ? { commit, files } : null
}

/** Whether a path in a list of files stays inside the repository's folder. */
export function isPossiblePath(path: string): boolean {
  return path.split(/[/\\]/).every((part) => part !== '' && part !== '..' && !part.includes(':'))
}

export function keepListing(repository: Repository, listing: Listing): void {
  const { commit } = listing
  keep(listingFile(repository, commit), JSON.stringify(listing))
  if (repository.revision !== commit) keep(join(cacheFolder(repository), 'refs', repository.revision), commit)
}

/** The folder with a repository's files at a commit. */
export const snapshotFolder = (repository: Repository, commit: string): string =>
  join(cacheFolder(repository), 'snapshots', commit)

/** The paths of the complete files in a snapshot. Other tools store the files elsewhere and link to them. */
export function snapshotFiles(folder: string): string[] {
  if (!existsSync(folder)) return []
  const paths = readdirSync(folder, { recursive: true }) as string[]
  return paths
    .filter((path) => !path.endsWith(PART) && existsSync(join(folder, path)))
    .filter((path) => statSync(join(folder, path)).isFile())
    .map((path) => path.split(sep).join('/'))
    .sort()
}

function listingFile(repository: Repository, commit: string): string {
  return join(cacheFolder(repository), 'listings', `${commit}.json`)
}

function keep(path: string, text: string): void {
  onDisk('create', dirname(path), () => makeFolder(dirname(path)))
  writeText(path, text)
}
