import { isAbsolute, relative } from 'node:path'
import pc from 'picocolors'
import { Document, isScalar, visit } from 'yaml'
import { UserError } from '../../common/errors.ts'
import { nearest } from '../../common/nearest.ts'
import { plural } from '../../common/words.ts'
import type { RolloutRow, RunInfo } from '../../runs/rows.ts'
import type { RunStore } from '../../runs/store.ts'
import { type Output, table } from './output.ts'
import { plot, smooth } from './plot.ts'
import { questionReader } from './training/question.ts'

/** One line per run. */
export function showRuns(output: Output, all: readonly RunInfo[], root: string): void {
  for (const run of all) output.emit({ type: 'run', ...run })
  if (output.json) return
  if (all.length === 0) return void output.result(`no runs in ${root}; \`ruminate zero\` creates one`)
  const rows = all.map((run) => [
    shown(run.directory),
    run.recipe,
    run.status,
    `${run.step}`,
    `${run.seed}`,
    run.created.slice(0, 16).replace('T', ' '),
  ])
  output.result(table([['run', 'recipe', 'status', 'step', 'seed', 'created'], ...rows]))
}

/** A folder as a path from here, if it is inside the current folder. */
function shown(directory: string): string {
  const path = relative(process.cwd(), directory)
  return path === '' || path.startsWith('..') || isAbsolute(path) ? directory : path
}

/** The settings of a run, and the latest value of each metric. */
export function showRun(output: Output, store: RunStore): void {
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

/** Settings as YAML, in the form that --config reads; a short group takes one line. */
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

/**
 * One metric over the steps.
 *
 * @throws UserError where the run has no such metric.
 */
export function showMetric(output: Output, store: RunStore, name: string): void {
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
  output.result(plot(name, smooth(points, 120), { format: short, columns: output.width }))
  output.result(table(points.map(({ step, value }) => [`${step}`, short(value)])))
}

/** Rollouts in full. */
export function showSamples(output: Output, rows: readonly RolloutRow[], settings: unknown): void {
  if (rows.length === 0 && !output.json) return void output.result('no rollouts')
  const question = questionReader(settings)
  for (const row of rows) {
    const { tokens, logprobs, ...rest } = row
    output.emit({ type: 'rollout', ...rest, tokens: [...tokens], logprobs: [...logprobs] })
    if (!output.json) output.result(sample(row, question(row.prompt)))
  }
}

function sample(row: RolloutRow, question: string): string {
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
    plural(row.length, 'token'),
    row.stopReason,
  ]
  return `${pc.bold(facts.join(' · '))}\n${pc.dim(question)}\n${row.text.trim()}\n`
}

function short(value: number): string {
  return Number.isInteger(value)
    ? String(value)
    : Math.abs(value) >= 1000
      ? value.toFixed(0)
      : String(Number(value.toPrecision(4)))
}
