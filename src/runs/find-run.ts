import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { UserError } from '../common/errors.ts'
import { onDisk } from '../common/files/disk.ts'
import { editDistance } from '../common/nearest.ts'
import type { RunInfo } from './rows.ts'
import { isRun, readInfo } from './store.ts'

/** All runs in the folder `root`, oldest first. `onBroken` is called for each run that cannot be read. */
export function listRuns(root: string, onBroken: (message: string) => void): RunInfo[] {
  if (!existsSync(root)) return []
  const runs: RunInfo[] = []
  for (const name of onDisk('read', root, () => readdirSync(root))) {
    try {
      if (isRun(join(root, name))) runs.push(readInfo(join(root, name)))
    } catch (error) {
      onBroken(error instanceof Error ? error.message : String(error))
    }
  }
  return runs.sort((a, b) => a.created.localeCompare(b.created))
}

/**
 * The stage that a run of several stages is in: the newest run inside its folder that is not done. Null if there is none,
 * as between two stages, or if the run has no stages.
 */
export function currentStage({ directory }: RunInfo): RunInfo | null {
  return listRuns(directory, () => {}).findLast(({ status }) => status !== 'done') ?? null
}

/** Names that the error about an unknown run lists. */
const LISTED = 5

/**
 * The folder of a run. `name` is its path, or its path inside `root`, as in "zero-1" or, for a stage of a run, "r1-1/rl-1";
 * or the path of a model or checkpoint of the run.
 *
 * @throws UserError if there is no such run, with the names in `root` that are most similar.
 */
export function findRun(name: string, root = 'runs'): string {
  const places = [name, join(root, name)]
  const found = places.find(isRun) ?? places.map(runOf).find((run) => run !== null)
  if (found != null) return resolve(found)
  const names = existsSync(root) ? onDisk('read', root, () => readdirSync(root)) : []
  const distance = (other: string): number => editDistance(basename(name), other)
  const similar = names
    .filter((other) => isRun(join(root, other)))
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, LISTED)
  const problem = existsSync(name)
    ? `${name} is not a run (it has no run.sqlite)`
    : `there is no run ${name}, neither at that path nor in ${root}/`
  throw new UserError(
    `${problem}; ${similar.length > 0 ? `similar names in ${root}/: ${similar.join(', ')}` : `${root}/ has no runs`}`,
  )
}

/** The run whose trained model, or one of whose checkpoints, is in this folder; null if there is none. */
export function runOf(folder: string): string | null {
  const path = resolve(folder)
  const above = dirname(path)
  const run = basename(path) === 'model' ? above : basename(above) === 'checkpoints' ? dirname(above) : null
  return run !== null && isRun(run) ? run : null
}
