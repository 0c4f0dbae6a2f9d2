import { modelFolder } from '../hub/find-model.ts'
import { loadConfig } from '../models/checkpoint/directory.ts'
import { checkTokens } from '../models/tokenizer/vocabulary.ts'
import { Renderer } from '../renderer/renderer.ts'
import { storedSettings, type Trained } from '../runs/with-run.ts'
import { resolveSftSettings, type SftInput, type SftSettings } from '../settings/sft.ts'
import {
  type ExampleWatch,
  type Notices,
  runOnExamples,
  type Where,
} from '../stages/supervise/example-run.ts'
import { checkMaxLength, type Examples, encodeRows } from '../stages/supervise/examples.ts'
import { type Finetuned, type FinetuneStep, finetune } from '../stages/supervise/finetune.ts'
import type { HeldOutLoss, Sequence } from '../stages/supervise/learn.ts'
import { supervise } from '../stages/supervise/masks.ts'
import { readDemonstrations } from '../tasks/demonstrations.ts'

/**
 * Supervised fine-tuning on demonstrations: conversations, with the loss on the assistant's tokens, or prompts with
 * completions.
 *
 * @example
 * const { before, after } = await sft({ data: 'conversations.jsonl', epochs: 2 })
 *
 * @throws UserError for settings, data or a model that cannot be used, before the run starts; `Interrupted`.
 */
export async function sft(
  given: SftInput,
  { out, ...watch }: SftWatch & { out?: string | undefined } = {},
): Promise<SftResult> {
  const named = resolveSftSettings(given)
  const settings = { ...named, model: await modelFolder(named.model, watch.onProgress) }
  return train({ out }, settings, watch)
}

/**
 * Continues a run from its last checkpoint, with the same result as an uninterrupted run. The data is read again and must
 * not have changed. `model` and `data` say where they are, if they have been moved.
 */
export async function resumeSft(
  directory: string,
  { model, data, ...watch }: SftWatch & Partial<Pick<SftInput, 'model' | 'data'>> = {},
): Promise<SftResult> {
  const { dataHash: _, ...stored } = storedSettings(directory, 'sft')
  const moved = { ...(model === undefined ? {} : { model }), ...(data === undefined ? {} : { data }) }
  return train({ resume: directory }, resolveSftSettings({ ...stored, ...moved } as SftInput), watch)
}

/** Demonstrations → tokens, and a mask of the tokens to learn. */
async function readExamples(
  settings: SftSettings,
  renderer: Renderer,
  { warn, progress }: Notices,
): Promise<Examples<Sequence>> {
  checkMaxLength(settings)
  const { data, columns, maxLength } = settings
  const rows = await readDemonstrations(data, {
    columns,
    heldOutShare: settings.eval.share,
    warn,
    progress,
  })
  const { vocabSize } = loadConfig(settings.model)
  const examples = encodeRows(rows, {
    data,
    maxLength,
    encode: ({ demonstration }) => {
      const sequences = supervise(renderer, demonstration)
      for (const { tokens } of sequences) checkTokens(tokens, vocabSize, 'the row', renderer)
      return sequences
    },
    lengthOf: ({ tokens }) => tokens.length,
    hashed: ({ tokens, learned }) => [tokens, learned],
    warn,
    progress,
  })
  if (rows.repeated > 0) warn(`${rows.repeated} training rows are left out, since they are also held out`)
  return examples
}

/** Epochs over the demonstrations: next-token prediction on the learned tokens. */
async function train(where: Where, settings: SftSettings, watch: SftWatch): Promise<SftResult> {
  const renderer = Renderer.load(settings.model, settings)
  renderer.checkArguments(settings.chat.arguments)
  return runOnExamples({
    recipe: 'sft',
    where,
    settings,
    read: (notices) => readExamples(settings, renderer, notices),
    describe,
    watch,
    objective: { kind: 'cross_entropy' },
    renderer,
    train: (job) =>
      finetune({ ...job, onStart: watch.onBefore, onStep: watch.onStep, onWarning: watch.onWarning }),
  })
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
