import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { onDisk } from '../common/disk.ts'
import { UserError } from '../common/errors.ts'
import { makeFolder, writeText } from '../common/files.ts'
import { download, type HubFile } from './download.ts'
import { cacheFolder, hubEndpoint, type Repository } from './repository.ts'
import { request } from './request.ts'

export { type Repository, readHubName } from './repository.ts'

/** A repository at one commit. */
interface Listing {
  readonly commit: string
  readonly files: readonly HubFile[]
}

/**
 * The folder in the cache that holds the chosen files of a repository. Missing files are downloaded; a revision whose
 * chosen files are all in the cache needs no network.
 *
 * @param choose selects the needed paths among all paths of the repository; it may throw a `UserError`.
 * @param progress called with lines that say what is being downloaded.
 * @throws UserError when the hub cannot be reached or refuses, a file is damaged, or the disk fails.
 */
export async function hubFiles(
  repository: Repository,
  choose: (paths: readonly string[]) => readonly string[],
  progress: (line: string) => void = () => {},
): Promise<{ folder: string; paths: readonly string[] }> {
  const listing = cachedListing(repository) ?? (await fetchListing(repository))
  const folder = join(cacheFolder(repository), 'snapshots', listing.commit)
  const chosen = new Set(choose(listing.files.map(({ path }) => path)))
  for (const file of listing.files) {
    const target = join(folder, file.path)
    if (!chosen.has(file.path) || isWhole(target, file)) continue
    const url = `${hubEndpoint()}/${repository.kind === 'dataset' ? 'datasets/' : ''}${repository.id}/resolve/${listing.commit}/${file.path.split('/').map(encodeURIComponent).join('/')}`
    await download(repository, url, file, target, (bytes) =>
      progress(`downloading ${repository.id}/${file.path}: ${share(bytes, file.size)}`),
    )
  }
  return { folder, paths: [...chosen] }
}

function isWhole(path: string, { size }: HubFile): boolean {
  return existsSync(path) && (size === undefined || statSync(path).size === size)
}

function share(bytes: number, size: number | undefined): string {
  const megabytes = (n: number): string => `${(n / 1e6).toFixed(1)} MB`
  return size ? `${Math.floor((100 * bytes) / size)} % of ${megabytes(size)}` : megabytes(bytes)
}

const COMMIT = /^[0-9a-f]{40}$/

function listingFile(repository: Repository, commit: string): string {
  return join(cacheFolder(repository), 'listings', `${commit}.json`)
}

function cachedListing(repository: Repository): Listing | null {
  const ref = join(cacheFolder(repository), 'refs', repository.revision)
  const named = existsSync(ref) ? readFileSync(ref, 'utf8').trim() : repository.revision
  const file = listingFile(repository, named)
  return COMMIT.test(named) && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null
}

/** Fetches the list of files from the hub, and keeps it in the cache. */
async function fetchListing(repository: Repository): Promise<Listing> {
  const { kind, id, revision } = repository
  const at = revision === 'main' ? '' : `/revision/${encodeURIComponent(revision)}`
  const url = `${hubEndpoint()}/api/${kind}s/${id}${at}?blobs=true`
  const response = await request(repository, url)
  const info = (await response.json().catch(() => null)) as RepositoryInfo | null
  if (!info || !COMMIT.test(info.sha) || !Array.isArray(info.siblings))
    throw new UserError(`${url} did not answer as the Hugging Face hub does; check HF_ENDPOINT`)
  const listing: Listing = { commit: info.sha, files: info.siblings.map(readSibling) }
  keep(listingFile(repository, info.sha), JSON.stringify(listing))
  if (revision !== info.sha) keep(join(cacheFolder(repository), 'refs', revision), info.sha)
  return listing
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
  if (rfilename.split(/[/\\]/).some((part) => part === '' || part === '..' || part.includes(':')))
    throw new UserError(`the hub lists a file with an impossible name: ${JSON.stringify(rfilename)}`)
  const file = { path: rfilename, size: lfs?.size ?? size }
  return lfs ? { ...file, sha256: lfs.sha256 } : { ...file, gitSha1: blobId }
}

function keep(path: string, text: string): void {
  onDisk('create', dirname(path), () => makeFolder(dirname(path)))
  writeText(path, text)
}
