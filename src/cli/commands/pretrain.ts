import { defineCommand } from 'citty'
import { pretrain as trainBase } from '../../recipes/pretrain.ts'
import { checkSettings } from '../../settings/layers.ts'
import { pretrainSettings, resolvePretrainSettings } from '../../settings/pretrain.ts'
import { integerOption, textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { layeredSettings, outputOf } from '../terminal/options.ts'
import { warnOfThreads } from '../terminal/threads.ts'
import { threadsOption, trainingOptions } from '../terminal/training/options.ts'
import { summarizePretrain, watchPretrain } from '../terminal/training/pretrain.ts'
import { train } from '../terminal/training/train.ts'

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
    const { tokens, threads } = resolvePretrainSettings(settings)
    warnOfThreads(output, threads)
    const result = await train(output, values, (signal) =>
      trainBase(settings, { out: textOption(values, 'out'), ...watchPretrain(output, tokens, signal) }),
    )
    summarizePretrain(output, result)
  },
)
