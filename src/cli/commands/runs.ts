import { defineCommand } from 'citty'
import pc from 'picocolors'
import { Document, isScalar, visit } from 'yaml'
import { UserError } from '../../common/errors.ts'
import { nearest } from '../../common/nearest.ts'
import type { RolloutRow, RunInfo } from '../../runs/rows.ts'
import { listRuns, RunStore } from '../../runs/store.ts'
import { command } from '../command.ts'
import { integerOption, textOption, type Values } from '../terminal/arguments.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'
import { type Output, table } from '../terminal/output.ts'
import { plot, smooth } from '../terminal/plot.ts'

export const runs = command(
  defineCommand({
    meta: {
      name: 'runs',
      description: 'List the runs of this folder, or show one: its metrics and rollouts',
    },
    args: {
      action: { type: 'positional', required: false, description: 'list (default) or show' },
      run: { type: 'positional', required: false, description: 'folder of the run to show' },
      dir: { type: 'string', valueHint: 'DIR', description: 'where the runs are (default: runs)' },
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
    const action = textOption(values, 'action') ?? 'list'
    if (action === 'list') return list(output, textOption(values, 'dir') ?? 'runs')
    if (action !== 'show') throw new UserError(`unknown action "${action}" of runs: list, or show RUN`, 2)
    const directory = textOption(values, 'run')
    if (!directory) throw new UserError('which run? `ruminate runs show runs/zero-1`', 2)
    const store = RunStore.open(directory)
    try {
      show(output, store, values)
    } finally {
      store.close()
    }
  },
)

function list(output: Output, root: string): void {
  const all = listRuns(root, (message) => output.warn(message))
  for (const run of all) output.emit({ type: 'run', ...run })
  if (output.json) return
  if (all.length === 0) return void output.result(`no runs in ${root}; \`ruminate zero\` makes one`)
  const rows = all.map((run) => [
    run.directory,
    run.recipe,
    run.status,
    `${run.step}`,
    `${run.seed}`,
    run.created.slice(0, 16).replace('T', ' '),
  ])
  output.result(table([['run', 'recipe', 'status', 'step', 'seed', 'created'], ...rows]))
}

function show(output: Output, store: RunStore, values: Values): void {
  const samples = integerOption(values, 'samples', 1)
  const metric = textOption(values, 'metric')
  const split = textOption(values, 'split')
  if (metric !== undefined) showMetric(output, store, metric)
  else if (samples !== undefined)
    showSamples(output, store.rollouts({ limit: samples, ...(split ? { split } : {}) }))
  else showAll(output, store)
}

function showAll(output: Output, store: RunStore): void {
  const info = store.info()
  const latest = Object.fromEntries(store.metricNames().map((name) => [name, store.metric(name).at(-1)!]))
  output.emit({
    type: 'run',
    ...info,
    metrics: Object.fromEntries(Object.entries(latest).map(([name, { value }]) => [name, value])),
  })
  if (output.json) return
  output.result(header(info))
  output.result(
    table([
      ['metric', 'step', 'value'],
      ...Object.entries(latest).map(([name, { step, value }]) => [name, `${step}`, short(value)]),
    ]),
  )
  for (const { step, level, message } of store.events())
    output.result(`  ${level} at step ${step}: ${message}`)
}

function header(info: RunInfo): string {
  const versions = Object.entries(info.versions).map(([name, version]) => `${name} ${version}`)
  return `${pc.bold(info.directory)}  ${info.recipe}, seed ${info.seed}, ${info.status} at step ${info.step}\n  ${versions.join(', ')}\n\n${settingLines(info.settings)}`
}

/** Settings as YAML, as a file for --config has them; a short group stands on one line. */
function settingLines(settings: unknown): string {
  const { own, ...named } = settings as { own?: { task: boolean; rewards: unknown } }
  const document = new Document(own?.task || own?.rewards ? settings : named)
  visit(document, {
    Seq: (_, list) => {
      list.flow = true
    },
    Map: (_, map) => {
      const short = JSON.stringify(map).length <= 80
      if (map !== document.contents && map.items.every(({ value }) => isScalar(value)) && short)
        map.flow = true
    },
  })
  return document.toString({ flowCollectionPadding: false, lineWidth: 0 }).replace(/^(?=.)/gm, '  ')
}

function showMetric(output: Output, store: RunStore, name: string): void {
  const points = store.metric(name)
  if (points.length === 0) {
    const near = nearest(name, store.metricNames())
    throw new UserError(
      `the run has no metric "${name}"${near ? `; did you mean ${near}?` : `; it has ${store.metricNames().join(', ') || 'none yet'}`}`,
      2,
    )
  }
  for (const point of points) output.emit({ type: 'metric', name, ...point })
  if (output.json) return
  output.result(plot(name, smooth(points, 120), { format: short }))
  output.result(table(points.map(({ step, value }) => [`${step}`, short(value)])))
}

function showSamples(output: Output, rows: RolloutRow[]): void {
  if (rows.length === 0 && !output.json) return void output.result('no rollouts')
  for (const row of rows) {
    const { tokens, logprobs, ...rest } = row
    output.emit({ type: 'rollout', ...rest, tokens: [...tokens], logprobs: [...logprobs] })
    if (!output.json) output.result(sample(row))
  }
}

function sample(row: RolloutRow): string {
  const rewards = Object.entries(row.rewards).map(
    ([name, value]) => `${name} ${value === null ? '–' : short(value)}`,
  )
  const verdict = row.correct === null ? 'unknown' : row.correct ? pc.green('right') : pc.red('wrong')
  const facts = [
    `step ${row.step}`,
    row.split,
    row.kind,
    verdict,
    ...rewards,
    `advantage ${row.advantage === null ? '–' : short(row.advantage)}`,
    `${row.length} tokens`,
    row.stopReason,
  ]
  return `${pc.bold(facts.join(' · '))}\n${pc.dim(row.prompt)}${row.text}\n`
}

function short(value: number): string {
  return Number.isInteger(value)
    ? String(value)
    : Math.abs(value) >= 1000
      ? value.toFixed(0)
      : String(Number(value.toPrecision(4)))
}
