import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import { abridged, fileSize } from '../common/words.ts'
import {
  COMMIT,
  cachedCommit,
  cachedCommits,
  cachedListing,
  isPossiblePath,
  keepListing,
  type Listing,
  snapshotFiles,
  snapshotFolder,
} from './cache.ts'
import { download, type HubFile } from './download.ts'
import { hubEndpoint, offlineVariable } from './environment.ts'
import type { Repository } from './repository.ts'
import { offline, request } from './request.ts'

/** A repository's files at one commit. */
export interface Snapshot {
  /** The folder in the cache that holds them. */
  readonly folder: string
  /** The paths of all files of the repository; if `unlisted`, of those in the cache. */
  readonly paths: readonly string[]
  /** Why the hub could not be asked for the list of files; null if the list is known. */
  readonly unlisted: string | null
  /**
   * Downloads those of the files that are not in the cache.
   *
   * @throws UserError when the hub cannot be reached or refuses, a file is damaged or does not exist, or the disk fails.
   */
  fetch(paths: readonly string[]): Promise<void>
}

/**
 * Opens a repository. A revision that is in the cache stands for the commit that it stood for then. The list of files is
 * fetched once per commit. Where that is not possible, because there is no network or it is not to be used, what another
 * tool downloaded is used as it is.
 *
 * @param progress called with lines that say what is being downloaded.
 * @throws UserError when the hub cannot be reached or refuses, and nothing of that revision is in the cache.
 */
export async function openSnapshot(
  repository: Repository,
  progress: (line: string) => void,
): Promise<Snapshot> {
  const commit = cachedCommit(repository)
  const kept = commit && cachedListing(repository, commit)
  if (kept) return listed(repository, kept, progress)
  try {
    const listing = await fetchListing(commit ? { ...repository, revision: commit } : repository)
    keepListing(repository, listing)
    return listed(repository, listing, progress)
  } catch (error) {
    if (!(error instanceof UserError) || error.exitCode === 2) throw error
    const folder = commit && snapshotFolder(repository, commit)
    if (folder && existsSync(folder)) return unlisted(repository, folder, error.message)
    const others = commit ? [] : cachedCommits(repository)
    if (others.length === 0) throw error
    const name = `${repository.id}@${others[0]}`
    throw new UserError(
      `${error.message}; the cache does not know the commit of "${repository.revision}", but has ${others.join(', ')}: name it (${name})`,
    )
  }
}

function listed(
  repository: Repository,
  { commit, files }: Listing,
  progress: (line: string) => void,
): Snapshot {
  const folder = snapshotFolder(repository, commit)
  const { kind, id } = repository
  const byPath = new Map(files.map((file) => [file.path, file]))
  return {
    folder,
    paths: [...byPath.keys()],
    unlisted: null,
    async fetch(paths) {
      const unknown = paths.filter((path) => !byPath.has(path))
      if (unknown.length > 0) throw new UserError(`the ${kind} ${id} has no file ${abridged(unknown)}`)
      const missing = [...new Set(paths)].map((path) => byPath.get(path)!).filter((f) => !isWhole(folder, f))
      if (missing.length > 0 && offlineVariable())
        throw new UserError(
          lacks(
            repository,
            folder,
            missing.map(({ path }) => path),
            offline(repository),
          ),
        )
      for (const file of missing) {
        const path = file.path.split('/').map(encodeURIComponent).join('/')
        const url = `${hubEndpoint()}/${kind === 'dataset' ? 'datasets/' : ''}${id}/resolve/${commit}/${path}`
        await download(repository, url, file, join(folder, file.path), (bytes) =>
          progress(`downloading ${id}/${file.path}: ${share(bytes, file.size)}`),
        )
      }
    },
  }
}

function unlisted(repository: Repository, folder: string, reason: string): Snapshot {
  const paths = snapshotFiles(folder)
  return {
    folder,
    paths,
    unlisted: reason,
    async fetch(wanted) {
      const absent = wanted.filter((path) => !paths.includes(path))
      const missing = absent.length > 0 ? absent : missingParts(wanted, paths)
      if (missing.length > 0) throw new UserError(lacks(repository, folder, missing, reason))
    },
  }
}

/** Files such as "train-00000-of-00002.parquet" belong together: says which groups are incomplete. */
function missingParts(wanted: readonly string[], paths: readonly string[]): string[] {
  const groups = new Map<string, number>()
  for (const path of wanted) {
    const [, before, total, after] = /^(.*-)\d+(?=-of-(\d+)(.*)$)/.exec(path) ?? []
    if (before !== undefined) groups.set(`${before}*-of-${total}${after}`, Number(total))
  }
  return [...groups].flatMap(([pattern, total]) => {
    const [before, after] = pattern.split('*') as [string, string]
    const isPart = (path: string): boolean =>
      path.startsWith(before) &&
      path.endsWith(after) &&
      /^\d+$/.test(path.slice(before.length, path.length - after.length))
    const found = paths.filter(isPart).length
    return found < total ? [`${total - found} of the ${total} files ${pattern}`] : []
  })
}

function lacks({ kind, id }: Repository, folder: string, missing: readonly string[], reason: string): string {
  return `the copy of the ${kind} ${id} in ${folder} lacks ${abridged(missing)}; ${reason}`
}

function isWhole(folder: string, { path, size }: HubFile): boolean {
  const file = join(folder, path)
  return existsSync(file) && (size === undefined || statSync(file).size === size)
}

function share(bytes: number, size: number | undefined): string {
  return size ? `${Math.floor((100 * bytes) / size)} % of ${fileSize(size)}` : fileSize(bytes)
}

/** Fetches the list of files from the hub. */
async function fetchListing(repository: Repository): Promise<Listing> {
  const { kind, id, revision } = repository
  const at = revision === 'main' ? '' : `/revision/${encodeURIComponent(revision)}`
  const url = `${hubEndpoint()}/api/${kind}s/${id}${at}?blobs=true`
  const response = await request(repository, url)
  const info = (await response.json().catch(() => null)) as RepositoryInfo | null
  if (!info || !COMMIT.test(info.sha) || !Array.isArray(info.siblings))
    throw new UserError(`${url} did not answer as the Hugging Face hub does; check HF_ENDPOINT`)
  return { commit: info.sha, files: info.siblings.map(readSibling) }
}

/** The fields used of the hub's description of a repository. */
interface RepositoryInfo {
  readonly sha: string
  readonly siblings: readonly {
    readonly rfilename: string
    readonly size?: number
    readonly blobId?: string
    readonly lfs?: { readonly sha256?: string; readonly size?: number } | null
  }[]
}

function readSibling({ rfilename, size, blobId, lfs }: RepositoryInfo['siblings'][number]): HubFile {
  if (!isPossiblePath(rfilename))
    throw new UserError(`the hub lists a file with an impossible name: ${JSON.stringify(rfilename)}`)
  const file = { path: rfilename, size: lfs?.size ?? size }
  return lfs ? { ...file, sha256: lfs.sha256 } : { ...file, gitSha1: blobId }
}
