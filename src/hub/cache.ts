import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { onDisk } from '../common/disk.ts'
import { makeFolder, writeText } from '../common/files.ts'
import { type HubFile, PART } from './download.ts'
import { cacheFolder, type Repository } from './repository.ts'

/*
 * The cache, in which Hugging Face's own tools find what is downloaded here, and the other way round. Beside their folders
 * it has `listings/<commit>.json`, the hub's list of a repository's files.
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

/** The list of files that was kept with `keepListing`, or null. */
export function cachedListing(repository: Repository, commit: string): Listing | null {
  const file = listingFile(repository, commit)
  return existsSync(file) ? JSON.parse(onDisk('read', file, () => readFileSync(file, 'utf8'))) : null
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
