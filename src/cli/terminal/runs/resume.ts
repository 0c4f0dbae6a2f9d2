import { statSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { pathFromHere } from '../../../common/files/paths.ts'
import { plural } from '../../../common/words.ts'
import { currentStage } from '../../../runs/find-run.ts'
import type { Checkpoint, RunInfo } from '../../../runs/rows.ts'
import { readRun } from '../../../runs/store.ts'
import type { Output } from '../output.ts'

/**
 * Says from which step a run goes on. `name` is what the run was called by.
 *
 * @throws UserError if `name` is a checkpoint that is not the newest one, from which a run goes on.
 */
export function showResume(output: Output, info: RunInfo, name: string): void {
  const stage = currentStage(info)
  const { directory, settings, step: last } = stage ?? info
  const checkpoint = readRun(directory, (store) => store.checkpoints().at(-1) ?? null)
  checkNewest(name, checkpoint)
  const { steps } = settings as { steps?: number }
  const step = checkpoint?.step ?? 0
  output.emit({ type: 'resume', run: info.directory, stage: stage?.directory ?? null, step, lastStep: last })
  const where = `resuming ${pathFromHere(info.directory)}${stage ? ` in ${relative(info.directory, directory)}` : ''}`
  const of = steps === undefined ? '' : ` of ${steps}`
  const from = checkpoint
    ? `from step ${step}${of} (checkpoint of ${ago(checkpoint.path)})`
    : 'from its beginning, since it has no checkpoint'
  const trains = stage !== null || !STAGED.includes(info.recipe)
  if (!trains) return void output.say(`${where} with its next stage`)
  const [line, repeated] = [`${where} ${from}`, again(step, last)]
  if (repeated === null) return void output.say(line)
  const together = `${line}; ${repeated}`
  output.say(together.length <= output.columns ? together : `${line};\n${repeated}`)
}

/** Recipes that consist of several stages and have no steps of their own. */
const STAGED = ['r1', 'distill']

/** Which steps are run again, if any. */
function again(from: number, last: number): string | null {
  if (last <= from) return null
  return last === from + 1 ? `step ${last} is run again` : `steps ${from + 1} to ${last} are run again`
}

/** @throws UserError if `name` is a checkpoint, but not the newest one. */
function checkNewest(name: string, newest: Checkpoint | null): void {
  const named = /^(.*[/\\]checkpoints[/\\])step-0*(\d+)[/\\]?$/.exec(resolve(name))
  if (named === null || newest === null || Number(named[2]) === newest.step) return
  throw new UserError(
    `a run continues from its newest checkpoint, at step ${newest.step}: delete the checkpoints after step ${named[2]} to continue from there`,
  )
}

/** "2 minutes ago", from when a folder was written. */
function ago(path: string): string {
  const seconds = Math.max(0, (Date.now() - statSync(path).mtimeMs) / 1000)
  const units = [
    ['second', 1],
    ['minute', 60],
    ['hour', 3600],
    ['day', 86_400],
  ] as const
  const [unit, length] = units.findLast(([, length]) => seconds >= length) ?? units[0]
  return `${plural(Math.floor(seconds / length), unit)} ago`
}
