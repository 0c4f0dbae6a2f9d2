import { existsSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { UserError } from '../common/errors.ts'
import { pathFromHere } from '../common/files/paths.ts'
import { findRun } from '../runs/find-run.ts'
import { isRun, modelOf, readRun } from '../runs/store.ts'
import type { RecordedPoint, TrainingPoint } from './results.ts'

/** A run as a curve: its checkpoints, and what it recorded. */
export interface RunCurve {
  readonly task: string | null
  /** In the order of the steps: the base model, at step 0; the checkpoints that were kept; the trained model. */
  readonly checkpoints: readonly {
    readonly model: string
    readonly name: string
    readonly training: TrainingPoint
  }[]
  readonly recorded: readonly Omit<RecordedPoint, 'task'>[]
}

/**
 * The checkpoints of a run with the compute that was spent on each, and the evaluations that it recorded.
 *
 * @throws UserError if there is no such run, or it trains nothing itself.
 */
export function runCurve(name: string): RunCurve {
  const directory = findRun(name)
  return readRun(directory, (store) => {
    const info = store.info()
    const settings = info.settings as { model?: unknown; task?: unknown }
    const run = runName(directory)
    const point = (step: number): TrainingPoint => {
      const metrics = store.metricsAt(step)
      const total = (metric: string): number | null => (step === 0 ? 0 : (metrics[metric] ?? null))
      return { run, step, flops: total('total/flops'), tokens: total('total/tokens') }
    }
    const at = (model: string, step: number) => ({
      model,
      name: `${run} at step ${step}`,
      training: point(step),
    })
    const kept = store.checkpoints().map(({ step, path }) => at(path, step))
    const base = typeof settings.model === 'string' ? [at(settings.model, 0)] : []
    const trained = modelOf(directory)
    const isKept = kept.some(({ training }) => training.step === info.step)
    const end = existsSync(trained) && !isKept ? [at(trained, info.step)] : []
    if (kept.length + end.length === 0)
      throw new UserError(
        `${pathFromHere(directory)} has no checkpoints${info.step === 0 ? ': of a run of several stages, name a stage, such as rl-1' : ''}`,
      )
    return {
      task: typeof settings.task === 'string' ? settings.task : null,
      checkpoints: [...base, ...kept, ...end],
      recorded: store.metric('eval/pass@1').map(({ step, value }) => ({
        ...point(step),
        passAt1: value,
        standardError: store.metricsAt(step)['eval/standard_error'] ?? Number.NaN,
      })),
    }
  })
}

/** "zero-1", or for a stage "r1-1/rl-1". */
function runName(directory: string): string {
  const above = dirname(directory)
  return isRun(above) ? `${basename(above)}/${basename(directory)}` : basename(directory)
}
