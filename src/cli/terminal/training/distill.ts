import type { DistillResult, DistillWatch } from '../../../recipes/distill.ts'
import { type DistillSettings, usualDistillRates } from '../../../settings/distill.ts'
import { modelName, sourceName } from '../next.ts'
import type { Output } from '../output.ts'
import { summarizeStages, watchStages } from './stages.ts'

/** What each part of the run does, shown before it begins. */
const PARTS: Readonly<Record<string, string>> = {
  'teacher-data': 'The teacher answers; right and readable answers are kept',
  distill: 'Distillation: fine-tuning the student on them',
  'on-policy': 'On-policy distillation: the student answers, the teacher scores each token',
  'student-zero': 'The student again, trained by reinforcement learning alone',
}

const nameOf = ({ teacher, data }: DistillSettings): string =>
  data !== null
    ? sourceName(data)
    : typeof teacher === 'string'
      ? modelName(teacher)
      : 'baseUrl' in teacher!
        ? `${teacher.model} at ${teacher.baseUrl}`
        : teacher!.model

/** What people and programs see of the run. */
export const watchDistill = (output: Output, signal: AbortSignal): DistillWatch =>
  watchStages(output, signal, {
    headline: (settings) =>
      `distillation from ${nameOf(settings)}, seed ${settings.seed}\nstudent ${modelName(settings.student)}`,
    models: ({ student, teacher }) => [student, teacher],
    usualRates: usualDistillRates,
    parts: PARTS,
  })

/** The stage table, and what to do next. */
export const summarizeDistill = (output: Output, result: DistillResult): void =>
  summarizeStages(output, 'Distillation, stage by stage', result)
