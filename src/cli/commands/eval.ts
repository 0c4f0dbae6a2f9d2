import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { EMBEDDED_BASE, modelFolder } from '../../hub/find-model.ts'
import { checkSettings } from '../../settings/layers.ts'
import { columnSettings } from '../../settings/zero.ts'
import { measure } from '../../stages/evaluate/measure.ts'
import { command } from '../command.ts'
import { integerOption, numberOption, textOption } from '../terminal/arguments.ts'
import { COLUMNS, columnsOption, outputOf, outputOptions } from '../terminal/options.ts'
import { percent, percentInterval, table } from '../terminal/output.ts'

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
      columns: COLUMNS,
      questions: { type: 'string', valueHint: 'N', description: 'held-out questions (default 300)' },
      samples: { type: 'string', valueHint: 'N', description: 'responses a question (default 1)' },
      temperature: {
        type: 'string',
        valueHint: 'T',
        description: 'sampling temperature; 0 is greedy (default 1)',
      },
      'top-p': { type: 'string', valueHint: 'P', description: 'nucleus sampling (default 1: off)' },
      template: {
        type: 'string',
        valueHint: 'NAME',
        description: 'r1-zero or chat, the model’s own (default: the one that the model knows)',
      },
      'max-tokens': { type: 'string', valueHint: 'N', description: 'longest response (default 260)' },
      seed: { type: 'string', valueHint: 'N', description: 'seed of the sampling (default 0)' },
      threads: { type: 'string', valueHint: 'N', description: 'threads (default: all cores)' },
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const options = {
      questions: integerOption(values, 'questions', 1) ?? 300,
      samples: integerOption(values, 'samples', 1) ?? 1,
      temperature: numberOption(values, 'temperature', 0, 10) ?? 1,
      topP: numberOption(values, 'top-p', 0.001, 1) ?? 1,
      maxTokens: integerOption(values, 'max-tokens', 1) ?? 260,
      seed: integerOption(values, 'seed', 0) ?? 0,
    }
    const template = textOption(values, 'template')
    if (template !== undefined && template !== 'r1-zero' && template !== 'chat')
      throw new UserError(`--template is "${template}"; it is r1-zero or chat`, 2)
    const threads = integerOption(values, 'threads', 1, 1024)
    const watch = {
      warn: (message: string) => output.warn(message),
      progress: (line: string) => output.live(line),
    }
    const model = await modelFolder(textOption(values, 'model') ?? EMBEDDED_BASE, watch.progress)
    const task = textOption(values, 'task') ?? 'miniature'
    const { evaluation, seconds, ...asked } = await measure({
      template,
      model,
      task,
      columns: checkSettings(columnSettings, columnsOption(values)),
      ...watch,
      ...(threads ? { threads } : {}),
      ...options,
    })
    output.emit({
      type: 'result',
      model,
      task,
      seconds,
      template: asked.template,
      temperature: options.temperature,
      seed: options.seed,
      ...evaluation,
    })
    if (output.json) return
    output.result(
      `${model} on ${task}: n = ${evaluation.questions}, ${options.samples} sample${options.samples === 1 ? '' : 's'} a question, T = ${options.temperature}, template ${asked.template}, seed ${options.seed}\n`,
    )
    output.result(
      table([
        ['pass@1', percentInterval(evaluation.passAt1, evaluation.standardError)],
        ...Object.entries(evaluation.kinds).map(([kind, value]) => [`  ${kind}`, percent(value)]),
        ['well formed', percent(evaluation.format)],
        ['response length (tokens)', evaluation.responseTokens.toFixed(1)],
        ['reflective words a response', evaluation.reflectionPerResponse.toFixed(2)],
        ['reflective words per 1,000 tokens', evaluation.reflection.toFixed(1)],
        ['responses mixing languages', percent(evaluation.mixed)],
        ['cut off', percent(evaluation.cut)],
      ]),
    )
  },
)
