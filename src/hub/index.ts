import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { UserError } from '../common/errors.ts'
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
 * The folder that holds the chosen files of a repository, in the cache. What is missing is downloaded; a revision that
 * is there whole is used as it is, without a look at the network.
 *
 * @param choose the paths needed, of all that there are; it may throw a `UserError`.
 * @param progress told what is under way, in words.
 * @throws UserError where the hub cannot be reached or refuses, a file is damaged, or the disk is full.
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

/** Asks the hub which files there are, and keeps the answer. */
async function fetchListing(repository: Repository): Promise<Listing> {
  const { kind, id, revision } = repository
  const at = revision === 'main' ? '' : `/revision/${encodeURIComponent(revision)}`
  const url = `${hubEndpoint()}/api/${kind}s/${id}${at}?blobs=true`
  const response = await request(repository, url)
  const info = (await response.json().catch(() => null)) as RepositoryInfo | null
  if (!info || !COMMIT.test(info.sha) || !Array.isArray(info.siblings))
    throw new UserError(`${url} did not answer as the Hugging Face hub does; is HF_ENDPOINT right?`)
  const listing: Listing = { commit: info.sha, files: info.siblings.map(readSibling) }
  keep(listingFile(repository, info.sha), JSON.stringify(listing))
  if (revision !== info.sha) keep(join(cacheFolder(repository), 'refs', revision), info.sha)
  return listing
}

/** What is read of the hub's description of a repository. */
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

/** Writes a small file in one go, so that no reader sees half of it. */
function keep(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.${process.pid}`, text)
  renameSync(`${path}.${process.pid}`, path)
}
