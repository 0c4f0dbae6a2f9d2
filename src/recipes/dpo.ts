import type { DpoObjective } from '../algorithms/dpo.ts'
import { modelFolder } from '../hub/find-model.ts'
import { loadConfig } from '../models/checkpoint/directory.ts'
import { checkTokens } from '../models/tokenizer/vocabulary.ts'
import { Renderer } from '../renderer/renderer.ts'
import type { Trained } from '../runs/with-run.ts'
import { type DpoInput, type DpoSettings, resolveDpoSettings } from '../settings/dpo.ts'
import type { Epochs } from '../stages/supervise/epochs.ts'
import {
  type ExampleWatch,
  type Notices,
  resumedSettings,
  runOnExamples,
  type Where,
} from '../stages/supervise/example-run.ts'
import { checkMaxLength, type Examples, encodeRows } from '../stages/supervise/examples.ts'
import {
  type DpoQuality,
  type DpoStep,
  encodePair,
  type Pair,
  trainDpo,
} from '../stages/supervise/preference-tuning.ts'
import type { Splitting } from '../tasks/examples.ts'
import { readPreferences } from '../tasks/preferences.ts'

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
export async function dpo(
  given: DpoInput,
  { out, splitBy, ...watch }: DpoWatch & { out?: string | undefined } & Splitting = {},
): Promise<DpoResult> {
  const named = resolveDpoSettings(given)
  const settings = { ...named, model: await modelFolder(named.model, watch.onProgress) }
  return train({ out }, settings, { splitBy, watch })
}

/**
 * Continues a run from its last checkpoint, with the same result as an uninterrupted run. The data is read again and must
 * not have changed. `model` and `data` say where they are, if they have been moved.
 */
export async function resumeDpo(
  directory: string,
  { model, data, splitBy, ...watch }: DpoWatch & Partial<Pick<DpoInput, 'model' | 'data'>> & Splitting = {},
): Promise<DpoResult> {
  const settings = resumedSettings(directory, 'dpo', { model, data }, resolveDpoSettings)
  return train({ resume: directory }, settings, { splitBy, watch })
}

/** Pairs → tokens, and a mask of those of the answers. */
async function readExamples(
  settings: DpoSettings,
  renderer: Renderer,
  { warn, progress, splitBy }: Notices & Splitting,
): Promise<Examples<Pair>> {
  checkMaxLength(settings)
  const { data, columns, maxLength } = settings
  const heldOutShare = settings.eval.share
  const rows = await readPreferences(data, {
    columns,
    heldOutShare,
    splitBy,
    pairsOnly: true,
    warn,
    progress,
  })
  const { vocabSize } = loadConfig(settings.model)
  return encodeRows(rows, {
    data,
    maxLength,
    encode: ({ example }) => {
      const pair = encodePair(renderer, example)
      for (const { tokens } of pair) checkTokens(tokens, vocabSize, 'the row', renderer)
      return [pair]
    },
    heldOutBy: 'prompts',
    lengthOf: (pair) => Math.max(...pair.map(({ tokens }) => tokens.length)),
    hashed: (pair) => pair.flatMap(({ tokens, learned }) => [tokens, learned]),
    warn,
    progress,
  })
}

/** Epochs over the pairs, on the ratios to the model that the run begins with. */
async function train(
  where: Where,
  settings: DpoSettings,
  { splitBy, watch }: Splitting & { readonly watch: DpoWatch },
): Promise<DpoResult> {
  const renderer = Renderer.load(settings.model, { chat: settings.chat })
  renderer.checkArguments(settings.chat.arguments)
  const objective: DpoObjective = { kind: 'dpo', ...settings.objective }
  return runOnExamples({
    recipe: 'dpo',
    where,
    settings,
    source: settings.data,
    read: (notices) => readExamples(settings, renderer, { ...notices, splitBy }),
    describe,
    watch,
    objective,
    renderer,
    train: (job) =>
      trainDpo({
        ...job,
        objective,
        onStart: watch.onBefore,
        onStep: watch.onStep,
        onWarning: watch.onWarning,
      }),
  })
}

function describe({ training, heldOut, overlong, repeated, unusable }: Examples<Pair>): DpoData {
  const lengths = training.flatMap((pair) => pair.map(({ tokens }) => tokens.length))
  return {
    training: training.length,
    heldOut: heldOut.length,
    overlong,
    repeated,
    unusable,
    tokens: lengths.reduce((sum, length) => sum + length, 0),
    longest: lengths.reduce((most, length) => Math.max(most, length), 0),
  }
}

export interface DpoWatch extends ExampleWatch<DpoSettings, DpoData> {
  readonly onBefore?: ((before: DpoQuality, steps: number) => void) | undefined
  readonly onStep?: ((step: DpoStep) => void) | undefined
}

/** The amount of data. */
interface DpoData {
  /** Pairs of answers. */
  readonly training: number
  readonly heldOut: number
  /** Pairs left out because an answer is longer than `maxLength` tokens, with its prompt. */
  readonly overlong: number
  /** Pairs left out of training because their prompt is also held out. */
  readonly repeated: number
  /** Rows left out because they cannot be read, or because something in them would not be learned. */
  readonly unusable: number
  /** Tokens of all training answers, prompts included. */
  readonly tokens: number
  /** Tokens of the longest training answer, with its prompt. */
  readonly longest: number
}

export interface DpoResult extends Trained, Epochs<DpoQuality> {
  readonly seed: number
  readonly data: DpoData
}
