import { defineCommand } from 'citty'
import { engineNames } from '../../engines/open.ts'
import { EMBEDDED_BASE, modelFolder } from '../../hub/find-model.ts'
import { columnSettings } from '../../settings/fields.ts'
import { checkSettings } from '../../settings/layers.ts'
import { measure } from '../../stages/evaluate/measure.ts'
import { choiceOption, integerOption, numberOption, textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { showEvaluation } from '../terminal/evaluation.ts'
import {
  columnsOption,
  columnsSettings,
  outputOf,
  outputOptions,
  templateArguments,
  templateArgumentsOption,
  truncationOf,
  truncationOptions,
} from '../terminal/options.ts'
import { engineOption, templateNames, threadsOption } from '../terminal/training/options.ts'

export const evaluation = command(
  defineCommand({
    meta: { name: 'eval', description: "pass@1 of a model on a task's held-out questions" },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|HUB_ID',
        description: `model or run (default: ${EMBEDDED_BASE})`,
      },
      task: { type: 'string', valueHint: 'NAME|FILE', description: 'task (default: miniature)' },
      columns: columnsOption,
      questions: { type: 'string', valueHint: 'N', description: 'held-out questions (default 300)' },
      samples: { type: 'string', valueHint: 'N', description: 'responses per question (default 1)' },
      temperature: {
        type: 'string',
        valueHint: 'T',
        description: 'sampling temperature; 0 is greedy (default 1)',
      },
      ...truncationOptions,
      template: {
        type: 'string',
        valueHint: 'NAME',
        description: `prompt template: ${templateNames.join(' or ')}, the model's own (default: the one that the model knows)`,
      },
      'template-arguments': templateArgumentsOption,
      'max-tokens': { type: 'string', valueHint: 'N', description: 'longest response (default 260)' },
      seed: { type: 'string', valueHint: 'N', description: 'seed of the sampling (default 0)' },
      engine: engineOption,
      threads: threadsOption,
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const asking = {
      questions: integerOption(values, 'questions', 1) ?? 300,
      samples: integerOption(values, 'samples', 1) ?? 1,
      temperature: numberOption(values, 'temperature', 0, 10) ?? 1,
      ...truncationOf(values),
      maxTokens: integerOption(values, 'max-tokens', 1) ?? 260,
      seed: integerOption(values, 'seed', 0) ?? 0,
    }
    const template = choiceOption(values, 'template', templateNames)
    const engine = choiceOption(values, 'engine', engineNames)
    const threads = integerOption(values, 'threads', 1, 1024)
    const progress = (line: string): void => output.live(line)
    const model = await modelFolder(textOption(values, 'model') ?? EMBEDDED_BASE, progress, {
      onCheckpoint: (line) => output.say(line),
    })
    const task = textOption(values, 'task') ?? 'miniature'
    const measured = await measure({
      template,
      chat: { arguments: templateArguments(values) },
      engine,
      model,
      task,
      columns: checkSettings(columnSettings, columnsSettings(values)),
      warn: (message) => output.warn(message),
      progress,
      ...(threads ? { threads } : {}),
      ...asking,
    })
    showEvaluation(output, { model, task, ...asking, ...measured })
  },
)
