import type { Task } from '../../tasks/task.ts'
import { withModel } from '../sample/open-model.ts'
import { fromSampler } from './candidates.ts'
import type { DataContext } from './context.ts'
import { mixture } from './mixture.ts'
import { rejectionSample } from './rejection.ts'
import { type DataRow, type DataSet, requireKept } from './rows.ts'

interface MixedDataSettings {
  /** Number of reasoning questions, responses per question, and how many of these are kept at most. */
  readonly questions: number
  readonly samples: number
  readonly perQuestion: number
  /** Number of general prompts that the chat model answers. */
  readonly synthetic: number
  /** Reasoning rows per general row. */
  readonly ratio: number
}

/**
 * Step 3's demonstrations (DeepSeek-R1, Nature 645): the right and readable responses of step 2's model to reasoning
 * questions, mixed with general data that is reused or written by a chat model.
 *
 * @throws UserError if step 2's model has no response to keep, or one side of the mixture is empty.
 */
export async function mixedData(
  context: DataContext,
  {
    policy,
    chatModel,
    reused,
    settings,
  }: {
    /** Folder of step 2's model. */
    readonly policy: string
    /** Folder of the model that answers general prompts; null: none are answered. */
    readonly chatModel: string | null
    readonly reused: readonly DataRow[]
    readonly settings: MixedDataSettings
  },
): Promise<DataSet> {
  const { judge, limits, maxTokens, seed } = context
  const { questions, samples, perQuestion, synthetic, ratio } = settings
  const answers = (model: string, task: Task, count: number, each: number, source: string) =>
    withModel(model, { ...context, template: 'chat' }, ({ sampler, renderer }) =>
      rejectionSample({
        sample: fromSampler({
          sampler,
          renderer,
          samples: each,
          maxTokens,
          temperature: 1,
          progress: context.progress,
        }),
        task,
        questions: task.training({ seed: seed + 1, step: 1, count }),
        stream: [seed, 'mixture', source],
        source,
        limits,
        judge,
        perQuestion,
      }),
    )
  const reasoning = await answers(policy, context.reasoning, questions, samples, 'reasoning')
  requireKept("Step 2's reasoning", reasoning.rows)
  const written =
    chatModel === null ? null : await answers(chatModel, context.general, synthetic, 1, 'synthetic')
  const { rows, used, given } = mixture({
    reasoning: reasoning.kept,
    general: [...reused, ...(written?.kept ?? [])],
    ratio,
    seed,
  })
  return {
    rows: [...reasoning.rows, ...reused, ...(written?.rows ?? [])],
    kept: rows,
    made: {
      'reasoning by': policy,
      'general by': chatModel ?? 'none',
      judge: judge.identity,
      seed,
      ...settings,
      used,
    },
    summary: { used, given },
  }
}
