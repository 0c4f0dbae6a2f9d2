import { defineCommand } from 'citty'
import { reward as trainReward } from '../../recipes/reward.ts'
import { resolveRewardSettings, rewardSettings } from '../../settings/reward.ts'
import { textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { layeredSettings, outputOf } from '../terminal/options.ts'
import { tuningOptions, tuningSettings } from '../terminal/training/options.ts'
import { summarizeReward, watchReward } from '../terminal/training/reward.ts'
import { train } from '../terminal/training/train.ts'

export const reward = command(
  defineCommand({
    meta: {
      name: 'reward',
      description: 'Train a reward model on preferences: pairs of answers, or answers with a label',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID',
        description: 'model to which a scalar head is added (default: the embedded miniature-base)',
      },
      data: {
        type: 'string',
        valueHint: 'FILE|DIR|HUB_ID',
        description:
          'JSONL, CSV or Parquet with `prompt`, `chosen`, `rejected`, or `prompt`, `response`, `label`',
      },
      columns: {
        type: 'string',
        valueHint: 'a=b,c=d',
        description: 'columns with other names: prompt=NAME,chosen=NAME,rejected=NAME',
      },
      ...tuningOptions(rewardSettings.shape.preset.unwrap().options),
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = layeredSettings(values, 'reward', tuningSettings(values))
    resolveRewardSettings(settings)
    const result = await train(output, values, (signal) =>
      trainReward(settings, { out: textOption(values, 'out'), ...watchReward(output, signal) }),
    )
    summarizeReward(output, result)
  },
)
