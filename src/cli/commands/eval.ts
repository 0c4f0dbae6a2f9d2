import { type ArgsDef, defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { engineNames } from '../../engines/open.ts'
import { EMBEDDED_BASE } from '../../hub/find-model.ts'
import type { Tree } from '../../settings/layers.ts'
import {
  choiceOption,
  integerOption,
  integersOption,
  listOption,
  numberOption,
  refuseOthers,
  shareOption,
  textOption,
  type Values,
} from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { compareEvaluations } from '../terminal/eval/compare.ts'
import { gridOptions } from '../terminal/eval/options.ts'
import { runEvaluation } from '../terminal/eval/run.ts'
import { showAnswers } from '../terminal/eval/show-answers.ts'
import {
  columnsOption,
  columnsSettings,
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
import { engineOption, templateNames, threadsOption } from '../terminal/training/options.ts'

const options = {
  action: {
    type: 'positional',
    required: false,
    description: 'run (default), show or compare',
  },
  words: {
    type: 'positional',
    required: false,
    description:
      'for show: DIR, the folder of an evaluation; for compare: A B, two evaluations (DIR, or DIR:N for line N of its table) or two models',
  },
  model: {
    type: 'string',
    valueHint: 'DIR|GGUF|HUB_ID|PROVIDER:NAME,…',
    description: `models or runs, asked in the way they were trained (default: ${EMBEDDED_BASE})`,
  },
  task: { type: 'string', valueHint: 'NAME|FILE,…', description: 'tasks (default: miniature)' },
  columns: columnsOption,
  'held-out-share': heldOutShareOption,
  questions: { type: 'string', valueHint: 'N', description: 'held-out questions (default 300)' },
  ...gridOptions,
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
  wrong: { type: 'boolean', description: 'show: only answers that are not right' },
  question: {
    type: 'string',
    valueHint: 'ID',
    description: 'show: only this question, by its id or the last word of it',
  },
  line: { type: 'string', valueHint: 'N', description: 'show: only this line of the table' },
  config: configOption,
  engine: engineOption,
  threads: threadsOption,
  ...outputOptions,
} satisfies ArgsDef

export const evaluation = command(
  defineCommand({
    meta: {
      name: 'eval',
      description:
        "Measure the accuracy of models on a task's held-out questions: against training, samples and thinking. `eval show DIR` shows the answers of an evaluation that was kept with --out; `eval compare A B` tells which of two is better",
    },
    args: options,
  }),
  async (values) => {
    const output = outputOf(values)
    const action = textOption(values, 'action') ?? 'run'
    const words = (values.words ?? []) as readonly string[]
    if (!isAction(action))
      throw new UserError(`unknown action "${action}" of eval: run, show DIR, or compare A B`, 2)
    refuseOthers(values, action, USAGES, TAKES)
    return ACTIONS[action](output, words, values)
  },
)

type Action = (output: Output, words: readonly string[], values: Values) => Promise<void>

const USAGES = { run: 'eval', show: 'eval show DIR', compare: 'eval compare A B' }
type ActionName = keyof typeof USAGES
const isAction = (name: string): name is ActionName => Object.hasOwn(USAGES, name)

/** Options of `show` alone, and of every action. */
const SHOW = ['wrong', 'question', 'line']
const ALL = ['action', 'words', ...Object.keys(outputOptions)]
/** The actions that take each option. */
const TAKES = Object.fromEntries(
  Object.keys(options)
    .filter((name) => !ALL.includes(name))
    .map((name): [string, ActionName[]] => [name, SHOW.includes(name) ? ['show'] : ['run', 'compare']]),
)

const ACTIONS: Readonly<Record<ActionName, Action>> = {
  async run(output, words, values) {
    if (words.length > 0) throw new UserError(`unexpected argument "${words[0]}"`, 2)
    await runEvaluation(output, values, optionsOf(values))
  },
  async show(output, words, values) {
    if (words.length !== 1 || words[0]!.trim() === '')
      throw new UserError('which evaluation? Name its folder: `ruminate eval show DIR`', 2)
    showAnswers(output, words[0]!, {
      wrong: values.wrong === true,
      question: textOption(values, 'question'),
      line: integerOption(values, 'line', 1),
    })
  },
  async compare(output, words, values) {
    if (words.length !== 2 || words.some((word) => word.trim() === ''))
      throw new UserError('which two? Name folders of evaluations, or models: `ruminate eval compare A B`', 2)
    await compareEvaluations(output, words as [string, string], values, optionsOf(values))
  },
}

/** The options as settings of `zero`, which asks held-out questions in the same way. */
function optionsOf(values: Values): Tree {
  const columns = columnsSettings(values)
  const chat = templateArguments(values)
  const samples = integersOption(values, 'samples', 1)
  return {
    model: listOption(values, 'model')?.[0],
    task: listOption(values, 'task')?.[0],
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
      samples: samples && Math.max(...samples),
      temperature: numberOption(values, 'temperature', 0, 10),
      topK: integerOption(values, 'top-k', 0),
      topP: shareOption(values, 'top-p', { whole: true }),
      minP: numberOption(values, 'min-p', 0, 1),
    },
  }
}
