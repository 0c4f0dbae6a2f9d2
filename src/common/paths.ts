import { relative } from 'node:path'

/** A folder as a path from the current one, unless the whole path is shorter. */
export function pathFromHere(directory: string): string {
  const path = relative(process.cwd(), directory)
  return path === '' || path.length > directory.length ? directory : path
}
