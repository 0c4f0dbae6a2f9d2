import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { r1 as trainR1 } from '../../recipes/r1.ts'
import { resolveR1Settings } from '../../settings/r1.ts'
import { textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { layeredSettings, outputOf } from '../terminal/options.ts'
import { stagedOptions, stagedSettings } from '../terminal/training/options.ts'
import { summarizeR1, watchR1 } from '../terminal/training/r1.ts'
import { train } from '../terminal/training/train.ts'

export const r1 = command(
  defineCommand({
    meta: {
      name: 'r1',
      description:
        'Train DeepSeek-R1 in its four steps, and a distilled student, in one run that ends with the stage table',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID',
        description: 'base model (default: the embedded miniature-r1-base)',
      },
      quick: { type: 'boolean', description: 'fewer steps and rows, so that the table is ready sooner' },
      ...stagedOptions,
      set: { ...stagedOptions.set, description: 'one setting, e.g. rl1.steps=40; may be repeated' },
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const preset = textOption(values, 'preset')
    if (values.quick && preset !== undefined && preset !== 'quick')
      throw new UserError(
        `--quick means --preset quick and cannot be combined with --preset ${preset}: leave one of them out`,
        2,
      )
    const settings = layeredSettings(values, 'r1', {
      ...stagedSettings(values),
      model: textOption(values, 'model'),
      preset: values.quick ? 'quick' : preset,
    })
    resolveR1Settings(settings)
    const result = await train(output, values, (signal) =>
      trainR1(settings, { out: textOption(values, 'out'), ...watchR1(output, signal) }),
    )
    summarizeR1(output, result)
  },
)
