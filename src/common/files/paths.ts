import { homedir } from 'node:os'
import { relative, sep } from 'node:path'

/** A folder as a path from the current one, unless the whole path is shorter. */
export function pathFromHere(directory: string): string {
  const path = relative(process.cwd(), directory)
  return path === '' || path.length > directory.length ? directory : path
}

/** A path in the user's home folder as one that begins with `~`. */
export function withTilde(path: string): string {
  const home = homedir()
  return path.startsWith(home + sep) ? `~${path.slice(home.length)}` : path
}
