import { resolve } from 'node:path'
import { UserError } from '../common/errors.ts'
import { runOf } from '../runs/find-run.ts'
import type { RunInfo } from '../runs/rows.ts'
import { readInfo } from '../runs/store.ts'
import type { Tree } from './tree.ts'

/** How a run asked its model, as settings of `zero`. */
interface AskedInRun {
  /** Folder of the run. */
  readonly run: string
  readonly settings: Tree & { readonly task: string }
}

/** A run that a model was trained by, and the share of a table that it held out. */
interface HeldOutInRun {
  /** Folder of the run. */
  readonly run: string
  readonly share: number
}

/**
 * Of the runs here that trained a model, and the models that it was trained from, on a table: the one that held out the
 * smallest share. The questions that it held out are held out with any greater share, too, so no run learned them. Null if
 * no run here trained it on that table.
 *
 * @param folder of the model: `model/` of a run, or one of its checkpoints.
 */
export function leastHeldOut(folder: string, table: string): HeldOutInRun | null {
  let least: HeldOutInRun | null = null
  for (let run = runOf(folder), seen = new Set<string>(); run !== null && !seen.has(run); ) {
    seen.add(run)
    const { task, data, model, student, eval: measured } = readInfo(run).settings as Tree
    const share = (measured as Tree | undefined)?.share
    const isRead = [task, data].some((one) => typeof one === 'string' && resolve(one) === resolve(table))
    if (isRead && typeof share === 'number' && share < (least?.share ?? 1)) least = { run, share }
    const base = model ?? student
    run = typeof base === 'string' ? runOf(base) : null
  }
  return least
}

/**
 * How the run that trained a model asked it: the task, its columns, the template and the length and sampling of responses.
 * Null for a model that was not trained by a run here, or by one without a task or with another one than `task`.
 *
 * @param folder of the model: `model/` of a run, or one of its checkpoints.
 * @throws UserError if the task was one of a program, and no other is given.
 */
export function askedInRun(folder: string, task?: string): AskedInRun | null {
  const run = runOf(folder)
  if (run === null) return null
  const info = readInfo(run)
  const of = (info.settings as { task?: string | null }).task
  if (of == null || (task !== undefined && resolve(task) !== resolve(of))) return null
  const settings = askedAs(info, of)
  return settings === null ? null : { run, settings }
}

function askedAs({ recipe, directory, settings }: RunInfo, task: string): AskedInRun['settings'] | null {
  const { own, columns, template, chat, seed, rl, eval: measured } = settings as Tree & { eval: Tree }
  if ((own as { task?: boolean } | undefined)?.task)
    throw new UserError(`${directory} was trained on ${task}, a task of a program: choose one with --task`, 2)
  const { share, questions, samples, temperature, topK, topP, minP } = measured
  const asking = { share, questions, samples, temperature, topK, topP, minP }
  switch (recipe) {
    case 'zero':
      return { task, columns, template, chat, seed, eval: asking, rl: { maxTokens: (rl as Tree).maxTokens } }
    case 'sft':
      return { task, columns, template, chat, seed, eval: asking }
    case 'r1':
    case 'distill':
      return { task, template: 'chat', chat, seed, eval: asking, rl: { maxTokens: measured.maxTokens } }
    default:
      return null
  }
}
