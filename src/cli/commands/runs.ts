import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { shellWord } from '../../common/shell.ts'
import { findRun, listRuns } from '../../runs/find-run.ts'
import { RunStore, setNote, setTags } from '../../runs/store.ts'
import { integerOption, refuseOthers, textOption, type Values } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'
import type { Output } from '../terminal/output.ts'
import { removeRuns } from '../terminal/runs/remove.ts'
import { showMetric, showRun, showRuns, showSamples, withStage } from '../terminal/runs/show.ts'

/** Rollouts that --split shows without --samples. */
const SAMPLES = 5

export const runs = command(
  defineCommand({
    meta: {
      name: 'runs',
      description:
        'List the runs in this folder, show one (metrics, rollouts), add a note or tags to one, or delete runs (rm)',
    },
    args: {
      action: { type: 'positional', required: false, description: 'list (default), show, note, tag or rm' },
      words: {
        type: 'positional',
        required: false,
        description:
          'RUN, by its path or name; for note also the text, for tag the tags (a,b), where "" removes them; rm takes several runs',
      },
      dir: { type: 'string', valueHint: 'DIR', description: 'folder that holds the runs (default: runs)' },
      samples: { type: 'string', valueHint: 'N', description: 'show the N newest rollouts' },
      split: {
        type: 'string',
        valueHint: 'NAME',
        description: 'which rollouts: train, eval-before, eval-after, …',
      },
      metric: { type: 'string', valueHint: 'NAME', description: 'show one metric over the steps' },
      yes: { type: 'boolean', description: 'rm: delete without asking' },
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const root = textOption(values, 'dir') ?? 'runs'
    const action = textOption(values, 'action') ?? 'list'
    const words = (values.words ?? []) as readonly string[]
    if (!isAction(action)) throw unknownAction(action, root)
    refuseOthers(values, action, USAGES, {
      samples: ['show'],
      split: ['show'],
      metric: ['show'],
      yes: ['rm'],
    })
    return ACTIONS[action](output, words, root, values)
  },
)

type Action = (
  output: Output,
  words: readonly string[],
  root: string,
  values: Values,
) => Promise<number | undefined>

const USAGES = {
  list: 'runs',
  show: 'runs show RUN',
  note: 'runs note RUN TEXT',
  tag: 'runs tag RUN TAG,…',
  rm: 'runs rm RUN',
}
const isAction = (name: string): name is keyof typeof USAGES => Object.hasOwn(USAGES, name)

const ACTIONS: Readonly<Record<keyof typeof USAGES, Action>> = {
  async list(output, words, root) {
    exactly(words, 0, 'list')
    const all = listRuns(root, (message) => output.warn(message))
    showRuns(output, all.map(withStage), root)
    return 0
  },
  async show(output, words, root, values) {
    exactly(words, 1, 'show zero-1')
    const samples = integerOption(values, 'samples', 1)
    const metric = textOption(values, 'metric')
    const split = textOption(values, 'split')
    const other = ['samples', 'split'].find((name) => values[name] !== undefined)
    if (metric !== undefined && other !== undefined)
      throw new UserError(`--metric shows a metric and --${other} rollouts: give one of the two`, 2)
    const store = RunStore.open(findRun(words[0]!, root))
    try {
      if (metric !== undefined) showMetric(output, store, metric)
      else if (samples !== undefined || split !== undefined)
        showSamples(output, store, samples ?? SAMPLES, split)
      else showRun(output, store)
    } finally {
      store.close()
    }
    return 0
  },
  async note(output, words, root) {
    const example = 'note zero-1 "a higher learning rate"'
    if (words.length === 1)
      throw new UserError(`what is to be noted? Add a text, as in \`ruminate runs ${example}\``, 2)
    exactly(words, 2, example)
    const [name, text] = words as [string, string]
    setNote(findRun(name, root), text)
    output.say(text.trim() === '' ? `${name} has no note now` : `noted for ${name}`)
    return 0
  },
  async tag(output, words, root) {
    const example = 'tag zero-1 baseline,short'
    if (words.length === 1)
      throw new UserError(`which tags? Name them all, as in \`ruminate runs ${example}\``, 2)
    exactly(words, 2, example)
    const [name, list] = words as [string, string]
    const tags = setTags(findRun(name, root), list.split(','))
    output.say(tags.length === 0 ? `${name} has no tags now` : `tags of ${name}: ${tags.join(', ')}`)
    return 0
  },
  async rm(output, words, root, values) {
    if (words.length === 0 || words.some((word) => word.trim() === '')) throw which('rm zero-1')
    return removeRuns(output, words, root, { yes: values.yes === true })
  },
}

/** @throws UserError unless there are as many words as an action takes. */
function exactly(words: readonly string[], count: number, example: string): void {
  if (words.length < count || words[0]?.trim() === '') throw which(example)
  if (words.length > count)
    throw new UserError(`unexpected argument "${words[count]}"; write it as \`ruminate runs ${example}\``, 2)
}

const which = (example: string): UserError =>
  new UserError(`which run? Name it, as in \`ruminate runs ${example}\``, 2)

function unknownAction(action: string, root: string): UserError {
  const all = 'list, show RUN, note RUN TEXT, tag RUN TAG,…, or rm RUN…'
  try {
    findRun(action, root)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return new UserError(`unknown action "${action}" of runs: ${all}`, 2)
  }
  return new UserError(`which action? \`ruminate runs show ${shellWord(action)}\` shows this run (${all})`, 2)
}
