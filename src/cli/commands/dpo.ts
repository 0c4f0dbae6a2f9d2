import { defineCommand } from 'citty'
import { dpo as trainDpo } from '../../recipes/dpo.ts'
import { dpoAlgorithms, dpoSettings, resolveDpoSettings } from '../../settings/dpo.ts'
import { textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { layeredSettings, outputOf } from '../terminal/options.ts'
import { summarizeDpo, watchDpo } from '../terminal/training/dpo.ts'
import { listed, tuningOptions, tuningSettings } from '../terminal/training/options.ts'
import { train } from '../terminal/training/train.ts'

export const dpo = command(
  defineCommand({
    meta: {
      name: 'dpo',
      description: 'Train a model to prefer the better of two answers, without a reward model (DPO)',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID',
        description: 'model to train, which is also the reference (default: the embedded miniature-base)',
      },
      data: {
        type: 'string',
        valueHint: 'FILE|DIR|HUB_ID',
        description: 'JSONL, CSV or Parquet with `prompt`, `chosen`, `rejected`',
      },
      columns: {
        type: 'string',
        valueHint: 'a=b,c=d',
        description: 'columns with other names: prompt=NAME,chosen=NAME,rejected=NAME',
      },
      algorithm: { type: 'string', valueHint: 'NAME', description: listed(dpoAlgorithms, 'dpo') },
      ...tuningOptions(dpoSettings.shape.preset.unwrap().options),
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = layeredSettings(values, 'dpo', {
      ...tuningSettings(values),
      algorithm: textOption(values, 'algorithm'),
    })
    resolveDpoSettings(settings)
    const result = await train(output, values, (signal) =>
      trainDpo(settings, { out: textOption(values, 'out'), ...watchDpo(output, signal) }),
    )
    summarizeDpo(output, result)
  },
)
