import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import { modelFolder } from '../hub/find-model.ts'
import { Tokenizer } from '../models/tokenizer.ts'
import type { Generator } from '../providers/generator.ts'
import { keepData, someKept } from '../report/keep-data.ts'
import {
  finetuneIn,
  readTasks,
  reinforceIn,
  type StagedResult,
  type StagedRun,
  type StagedWatch,
  stagedRun,
} from '../report/staged-run.ts'
import { RunStore } from '../runs/store.ts'
import { type DistillSettings, distillStages, resolveDistillSettings } from '../settings/distill.ts'
import type { Tree } from '../settings/layers.ts'
import { fromGenerator, fromSampler, type Sample } from '../stages/data/candidates.ts'
import { chatBase } from '../stages/data/chat-base.ts'
import { mixture } from '../stages/data/mixture.ts'
import { rejectionSample, type Sifted } from '../stages/data/rejection.ts'
import { Opened } from '../stages/sample/opened.ts'
import { type TextCodec, templateOf } from '../stages/sample/rollouts.ts'
import { readDemonstrations } from '../tasks/demonstrations.ts'
import type { Task } from '../tasks/task.ts'

export type DistillWatch = StagedWatch<DistillSettings>
export type DistillResult = StagedResult

/**
 * Distillation: a small model learns, by supervised fine-tuning alone, what a larger one answers; and, to compare, the
 * same small model is trained by reinforcement learning from its base.
 *
 * @example
 * const { stages, model } = await distill({ teacher: 'runs/r1-1', student: 'miniature-r1-student' })
 */
export async function distill(
  given: Tree,
  { out, ...watch }: DistillWatch & { out?: string | undefined } = {},
): Promise<DistillResult> {
  const named = resolveDistillSettings(given)
  // what cannot be read fails here, before there is a run
  await readTasks(named, watch)
  const tell = { warn: watch.onWarning ?? (() => {}), progress: watch.onProgress ?? (() => {}) }
  if (named.data !== null) {
    const { columns, eval: evaluation } = distillStages(named).sft
    await readDemonstrations(named.data, { columns, heldOutShare: evaluation.share, ...tell })
  }
  const settings = {
    ...named,
    teacher:
      typeof named.teacher === 'string' ? await chatModel(named.teacher, watch.onProgress) : named.teacher,
    student: await modelFolder(named.student, watch.onProgress),
  }
  const store = RunStore.create({
    recipe: 'distill',
    seed: settings.seed,
    settings,
    ...(out ? { out } : {}),
  })
  return stagedRun(store, settings, watch, teach, { title: REPORT })
}

/** Goes on with a run where it was stopped, to the same result as if it had never been. */
export async function resumeDistill(directory: string, watch: DistillWatch = {}): Promise<DistillResult> {
  const store = RunStore.open(directory, { write: true })
  try {
    const settings = resolveDistillSettings(store.info().settings as Tree)
    return await stagedRun(store, settings, watch, teach, { title: REPORT })
  } finally {
    store.close()
  }
}

const REPORT = 'Distillation, stage by stage'

type House = StagedRun<DistillSettings>

/** The teacher, the student as it was, as it is taught, and as reinforcement learning alone makes it. */
async function teach(house: House): Promise<string> {
  const { settings, store, table } = house
  const { teacher } = settings
  const stages = distillStages(settings)
  const provider =
    teacher !== null && typeof teacher === 'object' ? await house.open('teacher', teacher) : null
  const student = await chatBase(settings.student, join(store.directory, 'student'))

  if (typeof teacher === 'string') await table.measure('Teacher', teacher)
  await table.measure('Student base', settings.student, 'r1-zero', { student: true })

  // what the teacher answers, where it is right and readable
  const data = settings.data ?? join(store.directory, 'data', 'teacher.jsonl')
  if (settings.data === null) await teacherData(house, { provider, student, file: data })

  // supervised fine-tuning, and nothing else
  const distilled = await finetuneIn(house, 'distill', { ...stages.sft, model: student, data })
  await table.measure('Distilled student', distilled.model, 'chat', { student: true })

  // the same student, by reinforcement learning from its base
  if (settings.compare) {
    const alone = await reinforceIn(house, 'student-zero', { ...stages.zero, model: settings.student })
    await table.measure('Student, RL alone', alone.model, 'r1-zero', { student: true })
  }
  return distilled.model
}

/** The demonstrations: rejection sampling from the teacher, on reasoning and on general prompts. */
async function teacherData(
  house: House,
  { provider, student, file }: { provider: Generator | null; student: string; file: string },
): Promise<void> {
  const { settings, pipeline, reasoning, general, judge } = house
  const { questions, samples, perQuestion, general: prompts, ratio } = settings.sampling
  const { seed, readable: limits } = settings
  await pipeline.make('teacher-data', async (step) => {
    const teacher = await openTeacher(house, provider, Tokenizer.load(student))
    try {
      const answers = (task: Task, count: number, each: number, source: 'reasoning' | 'general') =>
        rejectionSample({
          sample: teacher.sample(each, source),
          task,
          questions: task.training({ seed: seed + 1, step: 1, count }),
          stream: [seed, 'distill', source],
          source,
          limits,
          judge,
          perQuestion,
        })
      const reasoned = await answers(reasoning, questions, samples, 'reasoning')
      const other = prompts > 0 ? await answers(general, prompts, 1, 'general') : null
      someKept("The teacher's reasoning", reasoned.rows)
      if (other) someKept("The teacher's answers to general prompts", other.rows)
      const kept = other
        ? mixture({ reasoning: reasoned.kept, general: other.kept, ratio, seed }).rows
        : reasoned.kept
      keepData(house, step, {
        name: 'teacher',
        title: 'What the teacher answers',
        rows: [...reasoned.rows, ...(other?.rows ?? [])],
        kept,
        file,
        made: { teacher: teacher.identity, judge: judge.identity, seed, ...settings.sampling, limits },
      })
      return { rows: kept.length, reasoning: yieldOf(reasoned), general: other && yieldOf(other) }
    } finally {
      await teacher.close()
    }
  })
}

const yieldOf = ({ sampled, kept, rejected }: Sifted) => ({ sampled, kept: kept.length, rejected })

interface Teacher {
  readonly identity: string
  /** Answers so many times a question. */
  sample(samples: number, source: 'reasoning' | 'general'): Sample
  close(): Promise<void>
}

async function openTeacher(
  { settings, tell }: House,
  provider: Generator | null,
  codec: TextCodec,
): Promise<Teacher> {
  const { teacher, threads } = settings
  const { maxTokens } = settings.eval
  if (typeof teacher === 'string') {
    const open = await Opened.open(teacher, threads)
    return {
      identity: teacher,
      sample: (samples) => fromSampler({ ...open, template: 'chat', samples, maxTokens, temperature: 1 }),
      close: open.close,
    }
  }
  const { instruction } = teacher!
  return {
    identity: provider!.identity,
    sample: (samples, source) =>
      fromGenerator({
        generator: provider!,
        codec,
        samples,
        onReply: (done, all) => tell.progress(`${source}: ${done} of ${all} replies of the teacher`),
        messages: (question) => [
          {
            role: 'user',
            content:
              instruction !== null && source === 'reasoning' ? `${question}\n\n${instruction}` : question,
          },
        ],
      }),
    close: async () => {},
  }
}

/** The folder of a model that answers in a chat template of its own. */
async function chatModel(name: string, progress?: (line: string) => void): Promise<string> {
  const folder = await modelFolder(name, progress)
  if (templateOf(Tokenizer.load(folder)) !== 'chat')
    throw new UserError(
      `${name} is a base model, without a chat template of its own, and cannot teach; give a model that was trained to answer, such as a run of \`ruminate r1\``,
    )
  return folder
}
