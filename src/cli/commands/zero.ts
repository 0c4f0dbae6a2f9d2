import { defineCommand } from 'citty'
import { zero as trainZero } from '../../recipes/zero.ts'
import { algorithmNames, baseNames } from '../../settings/presets.ts'
import { resolveZeroSettings } from '../../settings/zero.ts'
import type { ZeroOptions } from '../../settings/zero-options.ts'
import { integerOption, textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { columnsOption, columnsSettings, layeredSettings, outputOf } from '../terminal/options.ts'
import {
  engineOption,
  listed,
  loraOption,
  loraSettings,
  templateNames,
  threadsOption,
  trainingOptions,
} from '../terminal/training/options.ts'
import { train } from '../terminal/training/train.ts'
import { summarizeZero, watchZero } from '../terminal/training/zero.ts'

/** The settings of a teacher that is named alone. */
const teacherSetting = (model: string | undefined) => (model === undefined ? undefined : { model })

const DEFAULTS = resolveZeroSettings({})

export const zero = command(
  defineCommand({
    meta: {
      name: 'zero',
      description:
        'Train R1-Zero: reinforcement learning from a base model, with rewards that rules can check',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID',
        description: `base model (default: the embedded ${DEFAULTS.model})`,
      },
      task: { type: 'string', valueHint: 'NAME|FILE', description: `task (default: ${DEFAULTS.task})` },
      columns: columnsOption,
      template: {
        type: 'string',
        valueHint: 'NAME',
        description: `prompt template: ${listed(templateNames, DEFAULTS.template)}; chat is the model's own`,
      },
      teacher: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID|RUN',
        description:
          'model with the same tokenizer that teaches each token, beside the rewards (on-policy distillation)',
      },
      engine: engineOption,
      steps: {
        type: 'string',
        valueHint: 'N',
        description: `steps of reinforcement learning (default ${DEFAULTS.steps})`,
      },
      preset: {
        type: 'string',
        valueHint: 'NAME',
        description: `scale: ${listed(baseNames, DEFAULTS.preset)}`,
      },
      algorithm: {
        type: 'string',
        valueHint: 'NAME',
        description: listed(algorithmNames, DEFAULTS.algorithm),
      },
      lora: loraOption,
      threads: threadsOption,
      ...trainingOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = layeredSettings(values, 'zero', {
      model: textOption(values, 'model'),
      task: textOption(values, 'task'),
      columns: columnsSettings(values),
      template: textOption(values, 'template'),
      teacher: teacherSetting(textOption(values, 'teacher')),
      engine: textOption(values, 'engine'),
      preset: textOption(values, 'preset'),
      algorithm: textOption(values, 'algorithm'),
      lora: loraSettings(values),
      steps: integerOption(values, 'steps', 0),
      seed: integerOption(values, 'seed', 0),
      threads: integerOption(values, 'threads', 1, 1024),
    })
    const { steps } = resolveZeroSettings(settings)
    const result = await train(output, values, (signal) =>
      trainZero({
        ...(settings as ZeroOptions),
        out: textOption(values, 'out'),
        ...watchZero(output, steps, signal),
      }),
    )
    summarizeZero(output, result, textOption(values, 'config'))
  },
)
