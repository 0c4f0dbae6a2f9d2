import { relative } from 'node:path'
import { defineCommand } from 'citty'
import { pathFromHere } from '../../common/paths.ts'
import { engineNames } from '../../engines/open.ts'
import { EMBEDDED_BASE, modelFolder } from '../../hub/find-model.ts'
import { merge, type Tree } from '../../settings/layers.ts'
import { askedInRun, leastHeldOut } from '../../settings/of-run.ts'
import { resolveZeroSettings, type ZeroSettings } from '../../settings/zero.ts'
import { measure } from '../../stages/evaluate/measure.ts'
import { choiceOption, integerOption, numberOption, textOption, type Values } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { showEvaluation } from '../terminal/evaluation.ts'
import {
  columnsOption,
  columnsSettings,
  configLayers,
  configOption,
  heldOutShareOf,
  heldOutShareOption,
  outputOf,
  outputOptions,
  templateArguments,
  templateArgumentsOption,
  truncationOptions,
} from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'
import { warnOfThreads } from '../terminal/threads.ts'
import { engineOption, templateNames, threadsOption } from '../terminal/training/options.ts'

export const evaluation = command(
  defineCommand({
    meta: { name: 'eval', description: "pass@1 of a model on a task's held-out questions" },
    args: {
      model: {
        type: 'string',
        valueHint: 'DIR|HUB_ID',
        description: `model or run, asked in the way it was trained (default: ${EMBEDDED_BASE})`,
      },
      task: { type: 'string', valueHint: 'NAME|FILE', description: 'task (default: miniature)' },
      columns: columnsOption,
      'held-out-share': heldOutShareOption,
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
        description: `prompt template: ${templateNames.join(' or ')}, the model's own (default: the one that the model was trained with)`,
      },
      'template-arguments': templateArgumentsOption,
      'max-tokens': { type: 'string', valueHint: 'N', description: 'longest response (default 260)' },
      seed: { type: 'string', valueHint: 'N', description: 'seed of the sampling (default 0)' },
      config: configOption,
      engine: engineOption,
      threads: threadsOption,
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const given = optionsOf(values)
    const layers = configLayers(values, 'zero')
    const progress = (line: string): void => output.live(line)
    const name = merge(...layers, given).model ?? EMBEDDED_BASE
    const model = await modelFolder(String(name), progress, {
      onCheckpoint: (line) => output.say(line),
    })
    const before = layers.length > 0 ? merge(...layers) : askedBefore(model, given, output)
    const settings = withUnlearned(resolveZeroSettings(merge(before, given)), {
      model,
      share: (merge(...layers, given).eval as Tree | undefined)?.share,
      output,
    })
    const { task, columns, chat, engine, threads, seed, rl, eval: evaluation } = settings
    warnOfThreads(output, threads)
    // without settings, the template is the one that the model was trained with
    const isTemplateKnown = layers.length > 0 || merge(before, given).template !== undefined
    const asking = { ...evaluation, maxTokens: rl.maxTokens, seed }
    const measured = await measure({
      template: isTemplateKnown ? settings.template : undefined,
      chat,
      engine,
      model,
      task,
      columns,
      heldOutShare: evaluation.share,
      warn: (message) => output.warn(message),
      progress,
      threads,
      ...asking,
    })
    showEvaluation(output, { model, task, ...asking, ...measured })
  },
)

/** The options as settings of `zero`, which asks held-out questions in the same way. */
function optionsOf(values: Values): Tree {
  const columns = columnsSettings(values)
  const chat = templateArguments(values)
  return {
    model: textOption(values, 'model'),
    task: textOption(values, 'task'),
    columns: Object.keys(columns).length > 0 ? columns : undefined,
    template: choiceOption(values, 'template', templateNames),
    chat: Object.keys(chat).length > 0 ? { arguments: chat } : undefined,
    engine: choiceOption(values, 'engine', engineNames),
    threads: integerOption(values, 'threads', 1, 1024),
    seed: integerOption(values, 'seed', 0),
    rl: { maxTokens: integerOption(values, 'max-tokens', 1) },
    eval: {
      share: heldOutShareOf(values),
      questions: integerOption(values, 'questions', 1),
      samples: integerOption(values, 'samples', 1),
      temperature: numberOption(values, 'temperature', 0, 10),
      topK: integerOption(values, 'top-k', 0),
      topP: numberOption(values, 'top-p', 0.001, 1),
      minP: numberOption(values, 'min-p', 0, 1),
    },
  }
}

/**
 * The settings with the share of a table that the runs which trained the model held out, so that it is not asked what it
 * has learned. A greater share that an option or a settings file gives is kept, with a warning.
 */
function withUnlearned(
  settings: ZeroSettings,
  {
    model,
    share: given,
    output,
  }: { readonly model: string; readonly share: unknown; readonly output: Output },
): ZeroSettings {
  const least = leastHeldOut(model, settings.task)
  if (least === null || least.share >= settings.eval.share) return settings
  const { run, share } = least
  const held = `${pathFromHere(run)}, from which this model comes, held out only a share of ${share} of ${settings.task}`
  if (given !== undefined) {
    output.warn(
      `${held}: with ${settings.eval.share}, the model is also asked questions that it has learned; --held-out-share ${share} asks the others`,
    )
    return settings
  }
  output.say(`${held}: only those questions are asked`)
  return { ...settings, eval: { ...settings.eval, share } }
}

/** The settings with which the run that trained the model asked it, unless another task is given. */
function askedBefore(model: string, { task }: Tree, output: Output): Tree {
  const asked = askedInRun(model, task as string | undefined)
  if (asked === null) return {}
  const { run, settings } = asked
  output.say(`asking the held-out questions of ${settings.task} as ${relative('.', run) || run} did`)
  return settings
}
