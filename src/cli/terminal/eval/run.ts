import { resolve } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { pathFromHere } from '../../../common/files/paths.ts'
import { plural } from '../../../common/words.ts'
import { evaluateGrid, type Grid } from '../../../evaluation/evaluate.ts'
import type { Results } from '../../../evaluation/results.ts'
import { openModel } from '../../../providers/open-model.ts'
import type { Tree } from '../../../settings/layers.ts'
import { integersOption, listOption, textOption, type Values } from '../arguments.ts'
import { configLayers } from '../options.ts'
import type { Output } from '../output.ts'
import { warnOfThreads } from '../threads.ts'
import { conditionsOf } from './options.ts'
import { showCell, showGrid } from './show-results.ts'
import { stoppable } from './stoppable.ts'
import { subjectsOf } from './subjects.ts'

/** Evaluates the grid that the options ask for, and shows it. */
export async function runEvaluation(output: Output, values: Values, given: Tree): Promise<void> {
  const { results, out } = await evaluated(output, values, given)
  const [cell, ...others] = results.cells
  const files = out === null ? [] : await drawn(out, results)
  if (others.length === 0 && cell!.atK.length === 1 && cell!.strategy === 'sample')
    showCell(output, cell!, results.seconds)
  else showGrid(output, results, files)
  if (out === null || output.json) return
  const place = pathFromHere(out)
  output.say(
    `${place} has every answer (\`ruminate eval show ${place}\`), results.json${files.length > 0 ? ` and ${plural(files.length, 'picture')}, as SVG and PNG: ${files.join(', ')}` : ''}`,
  )
}

/** Measures what the options ask for. `models`: in place of those of the options. */
export async function evaluated(
  output: Output,
  values: Values,
  given: Tree,
  models = listOption(values, 'model'),
): Promise<{ results: Results; out: string | null }> {
  // everything that can be wrong with the options is found before anything is opened
  const conditions = conditionsOf(values)
  const seeds = integersOption(values, 'seeds', 0)
  if (seeds !== undefined && values.seed !== undefined)
    throw new UserError('--seed is one seed and --seeds are several: give one of the two options', 2)
  const samples = integersOption(values, 'samples', 1)
  const layers = configLayers(values, 'zero')
  const { subjects, recorded, settings } = await subjectsOf(
    {
      models,
      tasks: listOption(values, 'task'),
      runs: listOption(values, 'checkpoints') ?? [],
      layers,
      given,
    },
    output,
  )
  const { engine, threads } = settings
  warnOfThreads(output, threads)
  const out = values.out === undefined ? null : resolve(textOption(values, 'out')!)
  const judge = textOption(values, 'judge')
  const grid: Grid = {
    subjects,
    conditions,
    samples: samples ?? [settings.eval.samples],
    seeds: seeds ?? [settings.seed],
    recorded,
    reward: textOption(values, 'reward-model'),
    openJudge:
      judge === undefined
        ? undefined
        : () => openModel(judge, { engine, threads, template: 'chat', notice: (line) => output.live(line) }),
    engine,
    threads,
    out,
    progress: (line) => output.live(line),
    warn: (message) => output.warn(message),
  }
  return { results: await stoppable(output, out, (signal) => evaluateGrid({ ...grid, signal })), out }
}

/** Draws the pictures. The libraries that draw are loaded only here. */
async function drawn(out: string, results: Results): Promise<string[]> {
  const { drawFigures } = await import('../../../evaluation/plots/draw.ts')
  return drawFigures(out, results)
}
