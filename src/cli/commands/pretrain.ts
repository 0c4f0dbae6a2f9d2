import { defineCommand } from 'citty'
import { pretrain as trainBase } from '../../recipes/pretrain.ts'
import { checkSettings } from '../../settings/layers.ts'
import { pretrainSettings } from '../../settings/pretrain.ts'
import { integerOption, textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { layeredSettings, outputOf } from '../terminal/options.ts'
import { threadsOption, trainingOptions } from '../terminal/training/options.ts'
import { summarizePretrain, watchPretrain } from '../terminal/training/pretrain.ts'

const DEFAULTS = checkSettings(pretrainSettings, {})

export const pretrain = command(
  defineCommand({
    meta: {
      name: 'pretrain',
      description: "Make the miniature's base model: corpus, tokenizer, next-token prediction",
    },
    args: {
      tokens: {
        type: 'string',
        valueHint: 'N',
        description: `tokens to train on (default ${DEFAULTS.tokens})`,
      },
      threads: threadsOption,
      ...trainingOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = layeredSettings(values, null, {
      tokens: integerOption(values, 'tokens', 1),
      seed: integerOption(values, 'seed', 0),
      threads: integerOption(values, 'threads', 1, 1024),
    })
    const { tokens } = checkSettings(pretrainSettings, settings)
    const result = await interruptible(output, (signal) =>
      trainBase(settings, { out: textOption(values, 'out'), ...watchPretrain(output, tokens, signal) }),
    )
    summarizePretrain(output, result)
  },
)
