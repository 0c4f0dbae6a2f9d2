import { resolveSftSettings, type SftInput, type SftSettings } from '../settings/sft.ts'
import type { EpochSettings } from '../stages/supervise/epochs.ts'
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
import { type FinetuneStep, finetune } from '../stages/supervise/finetune.ts'
import type { HeldOutLoss, Sequence } from '../stages/supervise/learn.ts'
import { supervise } from '../stages/supervise/masks.ts'
import { readDemonstrations } from '../tasks/examples/demonstrations.ts'
import { readSolutions } from '../tasks/examples/solutions.ts'
import { loadTask } from '../tasks/index.ts'

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
export function sft(given: SftInput, options: Starting & SftWatch = {}): Promise<SftResult> {
  return startOnExamples(recipe, given, options)
}

/**
 * Continues a run from its last checkpoint, with the same result as an uninterrupted run. The data is read again and must
 * not have changed. `model` and `data` say where they are, if they have been moved.
 */
export function resumeSft(directory: string, options: Resuming & SftWatch = {}): Promise<SftResult> {
  return resumeOnExamples(recipe, directory, options)
}

/** The amount of data. */
interface SftData extends ExampleCounts {
  /** Learned tokens of the training sequences. */
  readonly learnedTokens: number
}

export type SftWatch = ExampleWatch<SftSettings, SftData, HeldOutLoss, FinetuneStep>
export type SftResult = ExampleResult<HeldOutLoss, SftData>

const recipe: ExampleRecipe<SftInput, SftSettings, Sequence, SftData, HeldOutLoss, FinetuneStep> = {
  name: 'sft',
  resolve: resolveSftSettings,
  sourceOf: ({ data, task }) => data ?? task!,
  // demonstrations are learned as they are written
  templateOf: ({ task, template }) => (task === null ? undefined : template),
  objectiveOf: () => ({ kind: 'cross_entropy' }),

  /** Demonstrations → tokens, and a mask of the tokens to learn. */
  async read(settings, { renderer, splitBy, warn, progress }) {
    const { model, data, task, columns, maxLength, seed, questions: count } = settings
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
    return encodeRows(rows, {
      data: data ?? task!,
      model,
      renderer,
      maxLength,
      encode: ({ demonstration }) => supervise(renderer, demonstration),
      heldOutBy: 'questions',
      textsOf: ({ tokens }) => [tokens],
      hashed: ({ tokens, learned }) => [tokens, learned],
      warn,
      progress,
    })
  },
  describe: ({ training, counts }) => ({
    ...counts,
    learnedTokens: training.reduce((sum, { learned }) => sum + learned.reduce((n, one) => n + one, 0), 0),
  }),

  /** Epochs over the demonstrations: next-token prediction on the learned tokens. */
  train: (job, settings) =>
    finetune({ ...job, settings: { ...job.settings, ...enoughSteps(settings, job.training.length) } }),
}

/** The epochs of at least `minSteps` steps in all, and the steps between evaluations. */
function enoughSteps(
  { epochs, minSteps, batchSize, eval: { every } }: SftSettings,
  sequences: number,
): Pick<EpochSettings, 'epochs' | 'evalEvery'> {
  const perEpoch = Math.ceil(sequences / batchSize)
  if (epochs * perEpoch >= minSteps) return { epochs, evalEvery: every }
  return { epochs: Math.ceil(minSteps / perEpoch), evalEvery: every ?? Math.ceil(minSteps / 10) }
}
