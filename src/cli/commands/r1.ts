import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { type R1Result, type R1Watch, r1 as trainR1 } from '../../recipes/r1.ts'
import { resolveR1Settings } from '../../settings/r1.ts'
import { command } from '../command.ts'
import { textOption } from '../terminal/arguments.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { layeredSettings, outputOf } from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'
import { finishStages, stagedOptions, stagedSettings, watchStages } from '../terminal/stages.ts'

export const r1 = command(
  defineCommand({
    meta: {
      name: 'r1',
      description:
        'Train DeepSeek-R1 in its four steps, and a distilled student: one run, which ends with the stage table',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|HUB_ID',
        description: 'base model (default: the embedded miniature-r1-base)',
      },
      quick: { type: 'boolean', description: 'fewer steps and rows: the whole table sooner' },
      ...stagedOptions,
      set: { ...stagedOptions.set, description: 'one setting, e.g. rl1.steps=40; may be repeated' },
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const preset = textOption(values, 'preset')
    if (values.quick && preset !== undefined && preset !== 'quick')
      throw new UserError(
        `--quick is --preset quick, and --preset ${preset} is another: leave one of them out`,
        2,
      )
    const settings = layeredSettings(values, {
      ...stagedSettings(values),
      model: textOption(values, 'model'),
      preset: values.quick ? 'quick' : preset,
    })
    resolveR1Settings(settings)
    const result = await interruptible(output, (signal) =>
      trainR1(settings, { out: textOption(values, 'out'), ...watchR1(output, signal) }),
    )
    finishR1(output, result)
  },
)

/** What people see of a part of the run before it begins. */
const PARTS: Readonly<Record<string, string>> = {
  zero: 'R1-Zero: reinforcement learning from the base',
  'cold-start-data': 'Step 1: long chains from three sources',
  'cold-start': 'Step 1: fine-tuning on them',
  'rl-1': 'Step 2: reinforcement learning with a reward for one language',
  chat: 'Step 3: a chat model of the base, from the general data that is there',
  'mixture-data': 'Step 3: rejection sampling, and general data',
  mixture: 'Step 3: fine-tuning the base on the mixture',
  'preference-data': 'Step 4: preferences, by a judge',
  helpful: 'Step 4: a reward model for helpfulness',
  harmless: 'Step 4: a reward model for harmlessness',
  'rl-2': 'Step 4: reinforcement learning in all scenarios',
  distill: 'Distillation: fine-tuning the student on the data of step 3',
  'student-zero': 'The student again, by reinforcement learning from its own base',
}

export const watchR1 = (output: Output, signal: AbortSignal): R1Watch =>
  watchStages(output, signal, {
    headline: ({ task, general, seed, model }) =>
      `DeepSeek-R1 on ${task} and ${general}, seed ${seed}\nmodel ${model}`,
    parts: PARTS,
  })

export const finishR1 = (output: Output, result: R1Result): void =>
  finishStages(output, 'R1, stage by stage', result)
