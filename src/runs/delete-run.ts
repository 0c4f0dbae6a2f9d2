import { lstatSync, readdirSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { UserError } from '../common/errors.ts'
import { onDisk } from '../common/files/disk.ts'
import type { RunInfo } from './rows.ts'
import { isInProgress, isRun, readInfo } from './store.ts'

/** What a run's folder may hold besides the runs of its stages. */
const OWN =
  /^(run\.sqlite.*|replies\.sqlite.*|\.run\.sqlite\.new.*|\.lock.*|\.tmp-.*|checkpoints|model|tokenizer|base|student|data|plots|.*\.json|report\.md|events\.out\.tfevents\..*)$/

/** A run that may be deleted. */
export interface Deletable extends RunInfo {
  readonly files: number
  readonly bytes: number
}

/**
 * Checks that a folder can be deleted as a run, and measures it.
 *
 * @throws UserError if it is not a run's folder, is a link, is in progress, holds what no run made, or is around the current
 * folder.
 */
export function deletable(directory: string): Deletable {
  const refuse = (why: string): never => {
    throw new UserError(`${directory} is not deleted: ${why}`)
  }
  if (!isRun(directory)) refuse('it is not a run (it has no run.sqlite)')
  const info = readInfo(directory)
  if (lstatSync(directory).isSymbolicLink()) refuse('it is a link; name the folder that it leads to')
  const here = relative(resolve(directory), process.cwd())
  if (!here.startsWith('..') && resolve(here) !== here) refuse('the current folder is inside it')
  checkContent(directory, refuse)
  return { ...info, ...sizeOf(directory) }
}

/** Deletes a run that `deletable` has checked. @throws UserError if the disk fails. */
export function deleteRun({ directory }: Deletable): void {
  onDisk('write', directory, () => rmSync(directory, { recursive: true }))
}

function checkContent(directory: string, refuse: (why: string) => never): void {
  if (isInProgress(directory)) refuse('a process is writing it; stop it first')
  const names = onDisk('read', directory, () => readdirSync(directory))
  const others = names.filter((name) => !OWN.test(name))
  const foreign = others.filter((name) => !isRun(join(directory, name)))
  if (foreign.length > 0)
    refuse(`the run did not make ${foreign.slice(0, 3).join(', ')} in it; move that elsewhere first`)
  for (const stage of others) checkContent(join(directory, stage), refuse)
}

function sizeOf(path: string): { files: number; bytes: number } {
  const stats = lstatSync(path)
  if (!stats.isDirectory()) return { files: 1, bytes: stats.size }
  const parts = readdirSync(path).map((name) => sizeOf(join(path, name)))
  return {
    files: parts.reduce((sum, { files }) => sum + files, 0),
    bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
  }
}
