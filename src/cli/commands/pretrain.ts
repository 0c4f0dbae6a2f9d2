import { defineCommand } from 'citty'
import {
  type PretrainResult,
  type PretrainWatch,
  pretrainSettings,
  pretrain as trainBase,
} from '../../recipes/pretrain.ts'
import { checkSettings } from '../../settings/layers.ts'
import { command } from '../command.ts'
import { integerOption, textOption } from '../terminal/arguments.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { layeredSettings, outputOf, trainingOptions } from '../terminal/options.ts'
import { clock, type Output } from '../terminal/output.ts'
import { showPretraining } from '../terminal/progress.ts'

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
      threads: { type: 'string', valueHint: 'N', description: 'threads (default: one a core)' },
      ...trainingOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = layeredSettings(values, {
      tokens: integerOption(values, 'tokens', 1),
      seed: integerOption(values, 'seed', 0),
      threads: integerOption(values, 'threads', 1, 1024),
    })
    const { tokens } = checkSettings(pretrainSettings, settings)
    const result = await interruptible(output, (signal) =>
      trainBase(settings, { out: textOption(values, 'out'), ...watchPretrain(output, tokens, signal) }),
    )
    finishPretrain(output, result)
  },
)

export function watchPretrain(output: Output, tokens: number, signal: AbortSignal): PretrainWatch {
  return {
    signal,
    onStart: (run, { vocabulary, parameters }) => {
      output.emit({ type: 'start', run, vocabulary, parameters })
      output.say(
        `a decoder of ${parameters.toLocaleString('en')} parameters, ${vocabulary} tokens in its vocabulary\nrun ${run}`,
      )
    },
    onStep: showPretraining(output, tokens),
  }
}

export function finishPretrain(output: Output, result: PretrainResult): void {
  output.emit({ type: 'result', ...result })
  if (output.json) return
  output.result(
    `${result.tokens.toLocaleString('en')} tokens in ${clock(result.seconds)}, final loss ${result.loss.toFixed(4)}\nmodel ${result.model}\n\nNext\n  npx ruminate zero --model ${result.model}`,
  )
}
