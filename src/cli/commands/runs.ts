import { defineCommand } from 'citty'
import { UserError } from '../../common/errors.ts'
import { findRun, listRuns, RunStore } from '../../runs/store.ts'
import { integerOption, textOption } from '../terminal/arguments.ts'
import { command } from '../terminal/command.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'
import { showMetric, showRun, showRuns, showSamples } from '../terminal/runs.ts'

export const runs = command(
  defineCommand({
    meta: {
      name: 'runs',
      description: 'List the runs of this folder, or show one: its metrics and rollouts',
    },
    args: {
      action: { type: 'positional', required: false, description: 'list (default) or show' },
      run: { type: 'positional', required: false, description: 'folder or name of the run to show' },
      dir: { type: 'string', valueHint: 'DIR', description: 'folder that holds the runs (default: runs)' },
      samples: { type: 'string', valueHint: 'N', description: 'show the N newest rollouts' },
      split: {
        type: 'string',
        valueHint: 'NAME',
        description: 'which rollouts: train, eval-before, eval-after, …',
      },
      metric: { type: 'string', valueHint: 'NAME', description: 'show one metric over the steps' },
      ...outputOptions,
    },
  }),
  async (values) => {
    const output = outputOf(values)
    const root = textOption(values, 'dir') ?? 'runs'
    const action = textOption(values, 'action') ?? 'list'
    if (action === 'list')
      return showRuns(
        output,
        listRuns(root, (message) => output.warn(message)),
        root,
      )
    if (action !== 'show') throw new UserError(`unknown action "${action}" of runs: list, or show RUN`, 2)
    const name = textOption(values, 'run')
    if (!name) throw new UserError('which run? Name one, as in `ruminate runs show zero-1`', 2)
    const samples = integerOption(values, 'samples', 1)
    const metric = textOption(values, 'metric')
    const split = textOption(values, 'split')
    const store = RunStore.open(findRun(name, root))
    try {
      if (metric !== undefined) showMetric(output, store, metric)
      else if (samples !== undefined)
        showSamples(
          output,
          store.rollouts({ limit: samples, ...(split ? { split } : {}) }),
          store.info().settings,
        )
      else showRun(output, store)
    } finally {
      store.close()
    }
  },
)
