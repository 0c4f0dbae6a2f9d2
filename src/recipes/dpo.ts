import { type DpoInput, type DpoSettings, resolveDpoSettings } from '../settings/dpo.ts'
import { encodePair, type Pair } from '../stages/supervise/encode-preferences.ts'
import {
  type ExampleRecipe,
  type ExampleResult,
  type ExampleWatch,
  type Resuming,
  resumeOnExamples,
  type Starting,
  startOnExamples,
} from '../stages/supervise/example-run.ts'
import { type ExampleCounts, encodeRows } from '../stages/supervise/examples.ts'
import { type DpoQuality, type DpoStep, trainDpo } from '../stages/supervise/preference-tuning.ts'
import { readPreferences } from '../tasks/examples/preferences.ts'

/**
 * Direct preference optimization: a model learns to prefer the better of two answers, without a reward model and without
 * sampling (Rafailov et al., arXiv 2305.18290).
 *
 * @example
 * const { after, model } = await dpo({ model: 'runs/sft-1', data: 'pairs.jsonl' })
 * console.log(`${after.accuracy} of the held-out pairs are ranked correctly`)
 *
 * @throws UserError for settings, data or a model that cannot be used, before the run starts; `Interrupted`.
 */
export function dpo(given: DpoInput, options: Starting & DpoWatch = {}): Promise<DpoResult> {
  return startOnExamples(recipe, given, options)
}

/**
 * Continues a run from its last checkpoint, with the same result as an uninterrupted run. The data is read again and must
 * not have changed. `model` and `data` say where they are, if they have been moved.
 */
export function resumeDpo(directory: string, options: Resuming & DpoWatch = {}): Promise<DpoResult> {
  return resumeOnExamples(recipe, directory, options)
}

export type DpoWatch = ExampleWatch<DpoSettings, ExampleCounts, DpoQuality, DpoStep>
export type DpoResult = ExampleResult<DpoQuality, ExampleCounts>

const recipe: ExampleRecipe<DpoInput, DpoSettings, Pair, ExampleCounts, DpoQuality, DpoStep> = {
  name: 'dpo',
  resolve: resolveDpoSettings,
  sourceOf: ({ data }) => data,
  objectiveOf: ({ objective }) => ({ kind: 'dpo', ...objective }),

  /** Pairs → tokens, and a mask of those of the answers. */
  async read({ model, data, columns, maxLength, eval: { share } }, { renderer, splitBy, warn, progress }) {
    const rows = await readPreferences(data, {
      columns,
      heldOutShare: share,
      splitBy,
      pairsOnly: true,
      warn,
      progress,
    })
    return encodeRows(rows, {
      data,
      model,
      renderer,
      maxLength,
      encode: ({ example }) => [encodePair(renderer, example)],
      heldOutBy: 'prompts',
      textsOf: (pair) => pair.map(({ tokens }) => tokens),
      hashed: (pair) => pair.flatMap(({ tokens, learned }) => [tokens, learned]),
      warn,
      progress,
    })
  },
  describe: ({ counts }) => counts,

  /** Epochs over the pairs, on the ratios to the model that the run begins with. */
  train: (job, { objective }) => trainDpo({ ...job, objective: { kind: 'dpo', ...objective } }),
}
