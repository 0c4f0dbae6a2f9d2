import { UserError } from '../common/errors.ts'
import type { Repository } from './repository.ts'
import { openSnapshot } from './snapshot.ts'

export { type Repository, readHubName } from './repository.ts'
export { openSnapshot } from './snapshot.ts'

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
  const snapshot = await openSnapshot(repository, progress)
  const { folder, unlisted } = snapshot
  let paths: readonly string[]
  try {
    paths = choose(snapshot.paths)
  } catch (error) {
    // The files that it needs may exist.
    if (unlisted === null || !(error instanceof UserError)) throw error
    throw new UserError(`${error.message} (${folder} may be incomplete: ${unlisted})`, error.exitCode)
  }
  await snapshot.fetch(paths)
  return { folder, paths }
}
