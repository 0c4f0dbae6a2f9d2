import { defineCommand } from 'citty'
import { sft as trainSft } from '../../recipes/sft.ts'
import { resolveSftSettings, sftSettings } from '../../settings/sft.ts'
import { textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { interruptible } from '../terminal/interrupt.ts'
import { outputOf } from '../terminal/options.ts'
import { tuningOptions, tuningSettings } from '../terminal/training/options.ts'
import { summarizeSft, watchSft } from '../terminal/training/sft.ts'

export const sft = command(
  defineCommand({
    meta: {
      name: 'sft',
      description: 'Fine-tune a model on demonstrations: conversations, or prompts and completions',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|HUB_ID',
        description: 'model (default: the embedded miniature-base)',
      },
      data: {
        type: 'string',
        valueHint: 'FILE|DIR|HUB_ID',
        description: 'demonstrations: JSONL, CSV or Parquet with `messages`, or `prompt` and `completion`',
      },
      columns: {
        type: 'string',
        valueHint: 'a=b,c=d',
        description: 'columns with other names: messages=NAME, or prompt=NAME,completion=NAME',
      },
      ...tuningOptions(sftSettings.shape.preset.unwrap().options),
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = tuningSettings(values)
    resolveSftSettings(settings)
    const result = await interruptible(output, (signal) =>
      trainSft(settings, { out: textOption(values, 'out'), ...watchSft(output, signal) }),
    )
    summarizeSft(output, result)
  },
)
