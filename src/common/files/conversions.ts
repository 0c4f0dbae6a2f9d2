import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { onDisk } from './disk.ts'
import { hubCache } from './hub-cache.ts'
import { pathFromHere } from './paths.ts'

/*
 * The folders of the models to which GGUF files were converted. Each has the path of its file in it, and a mark if a run or
 * adapters refer to it.
 */

const SOURCE = 'converted-from.txt'
const KEPT = 'kept-for-runs'

/** The folder of these folders. */
export const conversions = (): string => join(hubCache(), 'ruminate-gguf')

/** Was this the folder of a conversion? It may have been deleted. */
export const isConversion = (folder: string): boolean => dirname(resolve(folder)) === resolve(conversions())

/** What to do about a model's folder that is no longer there. */
export function howToRestore(folder: string): string {
  if (isConversion(folder))
    return 'a GGUF file was converted to it; `ruminate chat --model FILE.gguf` with the same file makes it again'
  const [, owner, name] = /[/\\]models--([^/\\]+?)--([^/\\]+)[/\\]/.exec(folder) ?? []
  if (owner !== undefined) return `\`ruminate chat --model ${owner}/${name}\` downloads it again`
  return 'if it has been moved, move it back or make a link there'
}

/** Writes the absolute path of the GGUF file into the folder of its conversion. */
export const writeSource = (folder: string, path: string): void =>
  writeFileSync(join(folder, SOURCE), `${path}\n`)

/** What `writeSource` wrote into a folder; null if it wrote nothing. */
export function sourceOf(folder: string): string | null {
  const file = join(folder, SOURCE)
  return existsSync(file) ? onDisk('read', file, () => readFileSync(file, 'utf8')).replace(/\n$/, '') : null
}

/**
 * The GGUF file that was converted to a folder, as `--model` takes it: a path from here, or `owner/name/FILE.gguf` for a file of the
 * hub. Null for any other folder.
 */
export function convertedFrom(folder: string): string | null {
  if (!isConversion(folder) || !existsSync(folder)) return null
  const path = sourceOf(folder)
  // earlier releases did not write it down
  if (path === null) return `${basename(folder).replace(/-[0-9a-f]{12}$/, '')}.gguf`
  const [repository, snapshots, commit, ...file] = relative(resolve(hubCache()), path).split(sep)
  const [, owner, name] = /^models--(.+?)--(.+)$/.exec(repository!) ?? []
  if (owner === undefined || snapshots !== 'snapshots' || file.length === 0) return pathFromHere(path)
  const main = join(hubCache(), repository!, 'refs', 'main')
  const isMain = existsSync(main) && onDisk('read', main, () => readFileSync(main, 'utf8')).trim() === commit
  return `${owner}/${name}/${file.join('/')}${isMain ? '' : `@${commit}`}`
}

/** Marks the conversions that are among some settings, or a path, so that they are kept when their files change. */
export function keepConversions(settings: unknown): void {
  if (typeof settings === 'object' && settings !== null) Object.values(settings).forEach(keepConversions)
  if (typeof settings !== 'string' || !isConversion(settings) || !existsSync(settings)) return
  const mark = join(settings, KEPT)
  onDisk('write', mark, () => ifPermitted(() => writeFileSync(mark, '')))
}

export const isKept = (folder: string): boolean => existsSync(join(folder, KEPT))

/** Does something in the cache, unless it belongs to another user, who alone can change it. */
export function ifPermitted(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/**
 * A text for people in which the folder of a conversion has the name of its GGUF file. Where the text is about a file in such a
 * folder, it says what the folder is.
 */
export function namingGgufs(text: string): string {
  const root = `${conversions()}${sep}`
  const notes = new Set<string>()
  const [before, ...parts] = text.split(root)
  const named = parts.map((part) => {
    const [, name, next] = /^([^/\\]*?-[0-9a-f]{12})(?![\w-])([/\\]?)/.exec(part) ?? []
    const file = name === undefined ? null : convertedFrom(root + name)
    if (file === null) return root + part
    if (next === '') return file + part.slice(name!.length)
    notes.add(` (${root}${name} was converted from ${file}; if you delete it, it is converted again)`)
    return root + part
  })
  return [before, ...named, ...notes].join('')
}
