import { defineCommand } from 'citty'
import { distill as trainDistilled } from '../../recipes/distill.ts'
import { resolveDistillSettings } from '../../settings/distill.ts'
import { textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { columnsSettings, layeredSettings, outputOf } from '../terminal/options.ts'
import { summarizeDistill, watchDistill } from '../terminal/training/distill.ts'
import { stagedOptions, stagedSettings } from '../terminal/training/options.ts'
import { train } from '../terminal/training/train.ts'

export const distill = command(
  defineCommand({
    meta: {
      name: 'distill',
      description:
        'Train a small model on the answers of a larger one, and compare it with RL on the same small model',
    },
    args: {
      teacher: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID|RUN',
        description:
          "model that answers; for a provider's model, --set teacher.baseUrl=URL --set teacher.model=NAME",
      },
      data: {
        type: 'string',
        valueHint: 'FILE|DIR|HUB_ID',
        description: 'existing demonstrations instead of a teacher, e.g. runs/r1-1/data/mixture.jsonl',
      },
      columns: {
        type: 'string',
        valueHint: 'a=b,c=d',
        description: 'columns with other names: messages=NAME, or prompt=NAME,completion=NAME',
      },
      student: {
        type: 'string',
        valueHint: 'DIR|GGUF|HUB_ID',
        description: 'base model that learns (default: the embedded miniature-r1-student)',
      },
      'on-policy': {
        type: 'boolean',
        description: 'after the fine-tuning, the student answers and the teacher scores each of its tokens',
      },
      ...stagedOptions,
      set: {
        ...stagedOptions.set,
        description: 'one setting, e.g. sampling.questions=500; may be repeated',
      },
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const settings = layeredSettings(values, 'distill', {
      ...stagedSettings(values),
      teacher: textOption(values, 'teacher'),
      data: textOption(values, 'data'),
      student: textOption(values, 'student'),
      sft: { columns: columnsSettings(values) },
      onPolicy: values['on-policy'] ? {} : undefined,
    })
    resolveDistillSettings(settings)
    const result = await train(output, values, (signal) =>
      trainDistilled(settings, { out: textOption(values, 'out'), ...watchDistill(output, signal) }),
    )
    summarizeDistill(output, result)
  },
)
