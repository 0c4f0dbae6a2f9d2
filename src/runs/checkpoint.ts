import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { explainFailure } from './failures.ts'

/**
 * Fills a folder so that it is there wholly or not at all: written under a temporary name, flushed to the disk,
 * then renamed. A folder of the same name is replaced.
 */
export async function writeAtomically(
  directory: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const parent = dirname(directory)
  const temporary = join(parent, `.tmp-${process.pid}-${Date.now()}`)
  try {
    mkdirSync(temporary, { recursive: true })
    await write(temporary)
    flush(temporary)
    rmSync(directory, { recursive: true, force: true })
    renameSync(temporary, directory)
    flushOne(parent)
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true })
    throw explainFailure(error, 'write', directory)
  }
}

/** Removes what an interrupted `writeAtomically` left behind. */
export function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent))
    if (name.startsWith('.tmp-')) rmSync(join(parent, name), { recursive: true, force: true })
}

function flush(path: string): void {
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) flush(join(path, name))
  flushOne(path)
}

function flushOne(path: string): void {
  if (process.platform === 'win32') return
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
