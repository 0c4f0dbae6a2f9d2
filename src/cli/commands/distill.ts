import { defineCommand } from 'citty'
import { type DistillResult, type DistillWatch, distill as trainDistilled } from '../../recipes/distill.ts'
import { type DistillSettings, resolveDistillSettings } from '../../settings/distill.ts'
import { command } from '../command.ts'
import { textOption } from '../terminal/arguments.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { columnsOption, layeredSettings, outputOf } from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'
import { finishStages, stagedOptions, stagedSettings, watchStages } from '../terminal/stages.ts'

export const distill = command(
  defineCommand({
    meta: {
      name: 'distill',
      description:
        'Teach a small model what a larger one answers, and compare it with RL on the same small model',
    },
    args: {
      teacher: {
        type: 'string',
        valueHint: 'DIR|HUB_ID|RUN',
        description: "model that answers; a provider's: --set teacher.baseUrl=URL --set teacher.model=NAME",
      },
      data: {
        type: 'string',
        valueHint: 'FILE|DIR|HUB_ID',
        description: 'instead of answers, demonstrations that are there, e.g. runs/r1-1/data/mixture.jsonl',
      },
      columns: {
        type: 'string',
        valueHint: 'a=b,c=d',
        description: 'their columns of other names: messages=NAME, or prompt=NAME,completion=NAME',
      },
      student: {
        type: 'string',
        valueHint: 'DIR|HUB_ID',
        description: 'base model that learns (default: the embedded miniature-r1-student)',
      },
      ...stagedOptions,
      set: {
        ...stagedOptions.set,
        description: 'one setting, e.g. sampling.questions=500; may be repeated',
      },
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = layeredSettings(values, {
      ...stagedSettings(values),
      teacher: textOption(values, 'teacher'),
      data: textOption(values, 'data'),
      student: textOption(values, 'student'),
      sft: { columns: columnsOption(values) },
    })
    resolveDistillSettings(settings)
    const result = await interruptible(output, (signal) =>
      trainDistilled(settings, { out: textOption(values, 'out'), ...watchDistill(output, signal) }),
    )
    finishDistill(output, result)
  },
)

/** What people see of a part of the run before it begins. */
const PARTS: Readonly<Record<string, string>> = {
  'teacher-data': 'The teacher answers; what is right and readable is kept',
  distill: 'Distillation: fine-tuning the student on it',
  'student-zero': 'The student again, by reinforcement learning from its own base',
}

const nameOf = ({ teacher, data }: DistillSettings): string =>
  data ?? (typeof teacher === 'string' ? teacher : `${teacher!.model} at ${teacher!.baseUrl}`)

export const watchDistill = (output: Output, signal: AbortSignal): DistillWatch =>
  watchStages(output, signal, {
    headline: (settings) =>
      `distillation from ${nameOf(settings)}, seed ${settings.seed}\nstudent ${settings.student}`,
    parts: PARTS,
  })

export const finishDistill = (output: Output, result: DistillResult): void =>
  finishStages(output, 'Distillation, stage by stage', result)
