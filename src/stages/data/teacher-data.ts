import { plural } from '../../common/words.ts'
import type { Generator } from '../../providers/generator.ts'
import { Renderer } from '../../renderer/renderer.ts'
import type { Task } from '../../tasks/task.ts'
import { withModel } from '../sample/open-model.ts'
import { fromGenerator, fromSampler, type Sample } from './candidates.ts'
import type { DataContext } from './context.ts'
import { mixture } from './mixture.ts'
import { type RejectionSampled, rejectionSample } from './rejection.ts'
import { type DataSet, requireKept } from './rows.ts'

/** The teacher: the model in a folder, prompted in its chat template, or a generator. */
export type Teacher =
  | { readonly model: string }
  | {
      readonly generator: Generator
      /** Added to reasoning questions; null adds nothing. */
      readonly instruction: string | null
    }

interface TeacherDataSettings {
  /** Number of reasoning questions, responses per question, and how many of these are kept at most. */
  readonly questions: number
  readonly samples: number
  readonly perQuestion: number
  /** Number of general prompts, with one response each. */
  readonly general: number
  /** Reasoning rows per general row. */
  readonly ratio: number
}

type Source = 'reasoning' | 'general'

/**
 * The demonstrations of distillation (DeepSeek-R1, Nature 645): rejection sampling from the teacher, on reasoning
 * questions and on general prompts.
 *
 * @throws UserError if the teacher has no response to keep, or cannot be reached.
 */
export async function teacherData(
  context: DataContext,
  {
    teacher,
    student,
    settings,
  }: {
    readonly teacher: Teacher
    /** Folder of the student, whose tokenizer counts the tokens of replies. */
    readonly student: string
    readonly settings: TeacherDataSettings
  },
): Promise<DataSet> {
  const { judge, limits, seed } = context
  const { questions, samples, perQuestion, general: prompts, ratio } = settings
  return withTeacher(teacher, { context, student }, async ({ identity, sample }) => {
    const answers = (task: Task, count: number, each: number, source: Source) =>
      rejectionSample({
        sample: sample(each, source),
        task,
        questions: task.training({ seed: seed + 1, step: 1, count }),
        stream: [seed, 'distill', source],
        source,
        limits,
        judge,
        perQuestion,
      })
    const reasoning = await answers(context.reasoning, questions, samples, 'reasoning')
    const general = prompts > 0 ? await answers(context.general, prompts, 1, 'general') : null
    requireKept("The teacher's reasoning", reasoning.rows)
    if (general) requireKept("The teacher's answers to general prompts", general.rows)
    const kept = general
      ? mixture({ reasoning: reasoning.kept, general: general.kept, ratio, seed }).rows
      : reasoning.kept
    return {
      rows: [...reasoning.rows, ...(general?.rows ?? [])],
      kept,
      made: { teacher: identity, judge: judge.identity, seed, ...settings, limits },
      summary: { rows: kept.length, reasoning: counts(reasoning), general: general && counts(general) },
    }
  })
}

const counts = ({ sampled, kept, rejected }: RejectionSampled) => ({
  sampled,
  kept: kept.length,
  rejected,
})

interface OpenTeacher {
  readonly identity: string
  /** Samples `samples` responses per question. */
  sample(samples: number, source: Source): Sample
}

/** Runs `work` with a teacher. A model is closed afterwards; a generator stays open. */
function withTeacher<T>(
  teacher: Teacher,
  { context, student }: { readonly context: DataContext; readonly student: string },
  work: (teacher: OpenTeacher) => Promise<T>,
): Promise<T> {
  if ('model' in teacher)
    return withModel(teacher.model, { ...context, template: 'chat' }, ({ folder, sampler, renderer }) =>
      work({
        identity: folder,
        sample: (samples) =>
          fromSampler({
            sampler,
            renderer,
            samples,
            maxTokens: context.maxTokens,
            temperature: 1,
            progress: context.progress,
          }),
      }),
    )
  const { generator, instruction } = teacher
  const renderer = Renderer.load(student, context)
  return work({
    identity: generator.identity,
    sample: (samples, source) =>
      fromGenerator({
        generator,
        renderer,
        samples,
        onReply: (done, all) =>
          context.progress(`${source}: ${done} of ${plural(all, 'reply', 'replies')} from the teacher`),
        messages: (question) => [
          {
            role: 'user',
            content:
              instruction !== null && source === 'reasoning' ? `${question}\n\n${instruction}` : question,
          },
        ],
      }),
  })
}
