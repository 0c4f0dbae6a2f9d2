import { modelFolder } from '../hub/find-model.ts'
import { loadConfig } from '../models/checkpoint/directory.ts'
import { checkTokens } from '../models/tokenizer/vocabulary.ts'
import { Renderer } from '../renderer/renderer.ts'
import type { Trained } from '../runs/with-run.ts'
import { resolveSftSettings, type SftInput, type SftSettings } from '../settings/sft.ts'
import type { EpochSettings } from '../stages/supervise/epochs.ts'
import {
  type ExampleWatch,
  type Notices,
  resumedSettings,
  runOnExamples,
  type Where,
} from '../stages/supervise/example-run.ts'
import { checkMaxLength, type Examples, encodeRows } from '../stages/supervise/examples.ts'
import { type Finetuned, type FinetuneStep, finetune } from '../stages/supervise/finetune.ts'
import type { HeldOutLoss, Sequence } from '../stages/supervise/learn.ts'
import { supervise } from '../stages/supervise/masks.ts'
import { readDemonstrations } from '../tasks/demonstrations.ts'
import type { Splitting } from '../tasks/examples.ts'
import { loadTask } from '../tasks/index.ts'
import { readSolutions } from '../tasks/solutions.ts'

/**
 * Supervised fine-tuning on demonstrations: conversations, with the loss on the assistant's tokens, or prompts with
 * completions; or the questions of a task with their gold answers, in the template that `zero` then asks them in.
 *
 * @example
 * const { before, after } = await sft({ data: 'conversations.jsonl', epochs: 2 })
 * const { model } = await sft({ task: 'questions.csv' })
 *
 * @throws UserError for settings, data or a model that cannot be used, before the run starts; `Interrupted`.
 */
export async function sft(
  given: SftInput,
  { out, splitBy, ...watch }: SftWatch & { out?: string | undefined } & Splitting = {},
): Promise<SftResult> {
  const named = resolveSftSettings(given)
  const settings = { ...named, model: await modelFolder(named.model, watch.onProgress) }
  return train({ out }, settings, { splitBy, watch })
}

/**
 * Continues a run from its last checkpoint, with the same result as an uninterrupted run. The data is read again and must
 * not have changed. `model` and `data` say where they are, if they have been moved.
 */
export async function resumeSft(
  directory: string,
  { model, data, splitBy, ...watch }: SftWatch & Partial<Pick<SftInput, 'model' | 'data'>> & Splitting = {},
): Promise<SftResult> {
  const settings = resumedSettings(directory, 'sft', { model, data }, resolveSftSettings)
  return train({ resume: directory }, settings, { splitBy, watch })
}

/** Demonstrations → tokens, and a mask of the tokens to learn. */
async function readExamples(
  settings: SftSettings,
  renderer: Renderer,
  { warn, progress, splitBy }: Notices & Splitting,
): Promise<Examples<Sequence>> {
  checkMaxLength(settings)
  const { data, task, columns, maxLength, seed, questions: count } = settings
  const reading = { columns, heldOutShare: settings.eval.share, warn, progress }
  const rows =
    data !== null
      ? await readDemonstrations(data, { ...reading, splitBy })
      : await readSolutions(await loadTask(task!, { ...reading, solutions: true }), {
          renderer,
          seed,
          count,
          warn,
        })
  const { vocabSize } = loadConfig(settings.model)
  return encodeRows(rows, {
    data: sourceOf(settings),
    maxLength,
    encode: ({ demonstration }) => {
      const sequences = supervise(renderer, demonstration)
      for (const { tokens } of sequences) checkTokens(tokens, vocabSize, 'the row', renderer)
      return sequences
    },
    heldOutBy: 'questions',
    lengthOf: ({ tokens }) => tokens.length,
    hashed: ({ tokens, learned }) => [tokens, learned],
    warn,
    progress,
  })
}

/** Epochs over the demonstrations: next-token prediction on the learned tokens. */
async function train(
  where: Where,
  settings: SftSettings,
  { splitBy, watch }: Splitting & { readonly watch: SftWatch },
): Promise<SftResult> {
  const { model, chat, template } = settings
  const renderer = Renderer.load(model, settings.task === null ? { chat } : { chat, template })
  renderer.checkArguments(settings.chat.arguments)
  return runOnExamples({
    recipe: 'sft',
    where,
    settings,
    source: sourceOf(settings),
    read: (notices) => readExamples(settings, renderer, { ...notices, splitBy }),
    describe,
    watch,
    objective: { kind: 'cross_entropy' },
    renderer,
    train: (job) =>
      finetune({
        ...job,
        settings: { ...job.settings, ...enoughSteps(settings, job.training.length) },
        onStart: watch.onBefore,
        onStep: watch.onStep,
        onWarning: watch.onWarning,
      }),
  })
}

const sourceOf = ({ data, task }: SftSettings): string => data ?? task!

/** The epochs of at least `minSteps` steps in all, and the steps between evaluations. */
function enoughSteps(
  { epochs, minSteps, batchSize, eval: { every } }: SftSettings,
  sequences: number,
): Pick<EpochSettings, 'epochs' | 'evalEvery'> {
  const perEpoch = Math.ceil(sequences / batchSize)
  if (epochs * perEpoch >= minSteps) return { epochs, evalEvery: every }
  return { epochs: Math.ceil(minSteps / perEpoch), evalEvery: every ?? Math.ceil(minSteps / 10) }
}

function describe({ training, heldOut, overlong, repeated, unusable }: Examples<Sequence>): SftData {
  const sum = (count: (sequence: Sequence) => number): number =>
    training.reduce((total, sequence) => total + count(sequence), 0)
  return {
    training: training.length,
    heldOut: heldOut.length,
    overlong,
    repeated,
    unusable,
    tokens: sum(({ tokens }) => tokens.length),
    learnedTokens: sum(({ learned }) => learned.reduce((n, one) => n + one, 0)),
    longest: training.reduce((most, { tokens }) => Math.max(most, tokens.length), 0),
  }
}

export interface SftWatch extends ExampleWatch<SftSettings, SftData> {
  readonly onBefore?: ((before: HeldOutLoss, steps: number) => void) | undefined
  readonly onStep?: ((step: FinetuneStep) => void) | undefined
}

/** The amount of data. */
interface SftData {
  readonly training: number
  readonly heldOut: number
  /** Sequences left out because they are longer than `maxLength` tokens. */
  readonly overlong: number
  /** Rows left out of training because they are also held out. */
  readonly repeated: number
  /** Rows left out because they cannot be read, or because something in them would not be learned. */
  readonly unusable: number
  /** Tokens of the training sequences, prompts included. */
  readonly tokens: number
  /** Learned tokens among them. */
  readonly learnedTokens: number
  /** Tokens of the longest training sequence. */
  readonly longest: number
}

export interface SftResult extends Trained, Finetuned {
  readonly seed: number
  readonly data: SftData
}
