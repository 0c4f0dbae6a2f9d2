import { defineCommand } from 'citty'
import { sft as trainSft } from '../../recipes/sft.ts'
import { merge, readSettingsFile } from '../../settings/layers.ts'
import { resolveSftSettings, sftSettings, withOneSource } from '../../settings/sft.ts'
import { textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { outputOf, settingsLayers } from '../terminal/options.ts'
import { listed, templateNames, tuningOptions, tuningSettings } from '../terminal/training/options.ts'
import { summarizeSft, watchSft } from '../terminal/training/sft.ts'
import { train } from '../terminal/training/train.ts'

export const sft = command(
  defineCommand({
    meta: {
      name: 'sft',
      description:
        'Fine-tune a model on demonstrations: conversations, prompts and completions, or the answers of a task',
    },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID',
        description: 'model (default: the embedded miniature-base)',
      },
      data: {
        type: 'string',
        valueHint: 'FILE|DIR|HUB_ID',
        description: 'demonstrations: JSONL, CSV or Parquet with `messages`, or `prompt` and `completion`',
      },
      task: {
        type: 'string',
        valueHint: 'NAME|FILE',
        description: 'in place of data: the questions of a task with their gold answers',
      },
      columns: {
        type: 'string',
        valueHint: 'a=b,c=d',
        description:
          'columns with other names: messages=NAME; prompt=NAME,completion=NAME; of a task question=NAME,answer=NAME,thinking=NAME',
      },
      template: {
        type: 'string',
        valueHint: 'NAME',
        description: `template of a task's questions: ${listed(templateNames, sftSettings.shape.template.unwrap().options[0]!)}`,
      },
      ...tuningOptions(sftSettings.shape.preset.unwrap().options),
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = merge(
      ...withOneSource(
        settingsLayers(values, 'sft', {
          ...tuningSettings(values),
          task: textOption(values, 'task'),
          template: textOption(values, 'template'),
        }),
        // the top of a settings file
        values.config === undefined ? 0 : 1,
      ),
    )
    const { task } = resolveSftSettings(settings)
    const result = await train(output, values, (signal) =>
      trainSft(settings, { out: textOption(values, 'out'), ...watchSft(output, signal) }),
    )
    const config = textOption(values, 'config')
    // a settings file with a section for zero goes on with it
    const goesOn = task !== null && config !== undefined && 'zero' in readSettingsFile(config)
    summarizeSft(output, result, goesOn ? config : undefined)
  },
)
