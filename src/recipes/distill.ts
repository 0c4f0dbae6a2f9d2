import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import { checkEngine } from '../engines/open.ts'
import { modelFolder } from '../hub/find-model.ts'
import { Renderer } from '../renderer/renderer.ts'
import { checkArguments } from '../renderer/template-arguments.ts'
import {
  fitTasks,
  loadTasks,
  type StagedResult,
  type StagedRun,
  type StagedTasks,
  type StagedWatch,
  stagedRun,
} from '../report/staged-run.ts'
import { checkLora } from '../runs/open-trainer.ts'
import { type Place, storedSettings } from '../runs/with-run.ts'
import { type DistillSettings, distillStages, resolveDistillSettings } from '../settings/distill.ts'
import type { Tree } from '../settings/layers.ts'
import { chatBase } from '../stages/data/chat-base.ts'
import { checkGenerators } from '../stages/data/generators/open-generator.ts'
import { type Teacher, teacherData } from '../stages/data/teacher-data.ts'
import { checkTeacherTokens } from '../stages/reinforce/teacher.ts'
import { askedIn, askedInStages } from '../stages/sample/fit.ts'
import { readDemonstrations } from '../tasks/examples/demonstrations.ts'
import type { Splitting } from '../tasks/examples/examples.ts'
import { type TrainingWatch, trainers, type Warned, withWarnings } from './r1.ts'
import { policyRequirements } from './zero.ts'

export interface DistillWatch extends StagedWatch<DistillSettings>, TrainingWatch {}
export type DistillResult = StagedResult

const REPORT = 'Distillation, stage by stage'

/** Where the settings of the part that is reinforcement learning are among those of the run. */
const RL_SETTINGS = { 'student-zero': 'zero', 'on-policy': 'onPolicy' }
/** What an interrupted run calls the part that it was in. */
const TITLES: Readonly<Record<string, string>> = {
  'teacher-data': 'stage 1, answers of the teacher',
  distill: 'stage 2, fine-tuning of the student',
  'on-policy': 'on-policy distillation of the student',
  'student-zero': 'stage 3, reinforcement learning of the student',
}

/**
 * Distillation: a small model learns, by supervised fine-tuning, what a larger one answers; if asked for, it then answers itself
 * and the larger one scores each token (on-policy distillation). For comparison, the same small model is trained by
 * reinforcement learning from its base.
 *
 * @example
 * const { stages, model } = await distill({ teacher: 'runs/r1-1', student: 'miniature-r1-student' })
 * @throws UserError for settings, models, tasks or data that cannot be used, before there is a run; `Interrupted`.
 */
export async function distill(
  given: Tree,
  { out, ...callbacks }: DistillWatch & { out?: string | undefined } = {},
): Promise<DistillResult> {
  const watch = withWarnings(callbacks)
  const named = resolveDistillSettings(given)
  const tasks = await loadTasks(named, watch)
  await checkData(named, watch)
  const specs = [named.judge, named.teacher].filter((spec) => spec !== null && typeof spec !== 'string')
  const generators = await checkGenerators(specs, { notice: watch.onProgress ?? (() => {}) })
  const settings = {
    ...named,
    teacher:
      typeof named.teacher === 'string' ? await chatModel(named.teacher, watch.onProgress) : named.teacher,
    student: await modelFolder(named.student, watch.onProgress),
  }
  const models = [settings.student, settings.teacher].filter((model) => typeof model === 'string')
  checkArguments([...models, ...generators], settings.chat.arguments)
  // what the engine cannot do fails before there is a run
  watch.onProgress?.('checking that the student can be trained')
  const { zero, onPolicy } = distillStages(settings)
  if (onPolicy) checkTeacherTokens(settings.student, settings.teacher as string)
  const { student: model, lora } = settings
  checkLora({ model, lora })
  // a teacher on the server must be there; one on this machine was looked for above
  const { teacher, engine } = settings
  if (typeof teacher === 'string' && engine !== 'local')
    await checkEngine({ ...settings, model: teacher }, [])
  await checkEngine({ ...settings, model }, [
    { objective: { kind: 'cross_entropy' }, lora },
    ...(settings.compare ? [policyRequirements(zero)] : []),
    ...(onPolicy ? [policyRequirements(onPolicy)] : []),
  ])
  const place = { recipe: 'distill', seed: settings.seed, settings, out }
  return inRun(place, settings, tasks, watch)
}

/** Resumes a run where it was stopped, to the same result as if it had never been stopped. */
export async function resumeDistill(directory: string, callbacks: DistillWatch = {}): Promise<DistillResult> {
  const watch = withWarnings(callbacks)
  const settings = resolveDistillSettings(storedSettings(directory, 'distill'))
  return inRun({ resume: directory }, settings, await loadTasks(settings, watch), watch)
}

function inRun(
  place: Place,
  settings: DistillSettings,
  tasks: StagedTasks,
  watch: DistillWatch & Warned,
): Promise<DistillResult> {
  const { teacher, student, compare, chat, eval: evaluation } = settings
  const { zero, onPolicy } = distillStages(settings)
  const maxTokens = Math.max(
    evaluation.maxTokens,
    compare ? zero.rl.maxTokens : 0,
    onPolicy?.rl.maxTokens ?? 0,
  )
  const models = [
    ...askedInStages(student, chat, maxTokens),
    ...(typeof teacher === 'string'
      ? [askedIn(teacher, Renderer.load(teacher, { chat, template: 'chat' }), evaluation.maxTokens)]
      : []),
  ]
  const parts = { title: REPORT, titles: TITLES, settings, tasks: fitTasks(tasks, models, watch), watch }
  return stagedRun(place, parts, (run) => teach(run, watch))
}

/** The steps of distillation. Resolves to the folder of the distilled student. */
async function teach(run: StagedRun<DistillSettings>, watch: DistillWatch & Warned): Promise<string> {
  const { settings, table, context } = run
  const { reinforce, finetune } = trainers(run.parts, watch, RL_SETTINGS)
  const stages = distillStages(settings)
  const teacher = await openTeacher(run)
  const student = await chatBase(settings.student, join(run.directory, 'student'), settings)

  // the teacher, if it is a model on this machine, and the student before it learns
  if (teacher && 'model' in teacher) await table.measure('Teacher', teacher.model)
  await table.measure('Student base', settings.student, { template: 'r1-zero', student: true })

  // what the teacher answers, where it is right and readable
  const data =
    settings.data ??
    (await run.makeData('teacher', 'What the teacher answers', () =>
      teacherData(context, { teacher: teacher!, student, settings: settings.sampling }),
    ))

  // supervised fine-tuning, and nothing else
  const given: Splitting | undefined = settings.data === null ? undefined : { splitBy: 'question' }
  const distilled = await finetune('distill', { ...stages.sft, model: student, data }, given)
  await table.measure('Distilled student', distilled, { student: true })

  // the student answers, and the teacher scores each of its tokens
  let last = distilled
  if (stages.onPolicy) {
    const teaching = { ...stages.onPolicy.teacher!, model: settings.teacher as string }
    last = await reinforce('on-policy', { ...stages.onPolicy, model: distilled, teacher: teaching })
    await table.measure('Distilled on-policy', last, { student: true })
  }

  // the same student, by reinforcement learning from its base
  if (settings.compare) {
    const alone = await reinforce('student-zero', { ...stages.zero, model: settings.student })
    await table.measure('Student, RL alone', alone, { template: 'r1-zero', student: true })
  }
  return last
}

/** The teacher of the settings; null where the student learns from existing data. */
async function openTeacher({
  settings: { teacher },
  open,
}: StagedRun<DistillSettings>): Promise<Teacher | null> {
  if (teacher === null) return null
  if (typeof teacher === 'string') return { model: teacher }
  return { generator: await open('teacher', teacher), instruction: teacher.instruction }
}

/** @throws UserError where existing data cannot be read. */
async function checkData(
  settings: DistillSettings,
  { onWarning, onProgress }: Pick<DistillWatch & Warned, 'onWarning' | 'onProgress'>,
): Promise<void> {
  if (settings.data === null) return
  const { columns, eval: evaluation } = distillStages(settings).sft
  await readDemonstrations(settings.data, {
    columns,
    heldOutShare: evaluation.share,
    warn: onWarning,
    progress: onProgress ?? (() => {}),
  })
}

/**
 * The folder of a model that answers in a chat template of its own.
 *
 * @throws UserError where the model has none, or cannot be found.
 */
async function chatModel(name: string, progress?: (line: string) => void): Promise<string> {
  const folder = await modelFolder(name, progress)
  if (Renderer.load(folder).template !== 'chat')
    throw new UserError(
      `${name} has no chat template of its own and cannot teach; give a model that was trained to answer, such as a run of \`ruminate r1\``,
    )
  return folder
}
