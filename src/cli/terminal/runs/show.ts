import { relative } from 'node:path'
import pc from 'picocolors'
import { Document, isScalar, visit } from 'yaml'
import { UserError } from '../../../common/errors.ts'
import { pathFromHere } from '../../../common/files/paths.ts'
import { editDistance } from '../../../common/nearest.ts'
import { printable } from '../../../common/printable.ts'
import { plural } from '../../../common/words.ts'
import { isPeftFolder } from '../../../models/checkpoint/peft/adapter-config.ts'
import { countStored } from '../../../models/checkpoint/peft/adapters.ts'
import type { LoraSettings } from '../../../models/lora.ts'
import { currentStage } from '../../../runs/find-run.ts'
import type { RolloutRow, RunInfo } from '../../../runs/rows.ts'
import { modelOf, type RunStore } from '../../../runs/store.ts'
import { runWord, sourceName } from '../next.ts'
import { type Output, table } from '../output.ts'
import { plot, smooth } from '../plot.ts'
import { questionReader } from '../training/question.ts'
import { displayWidth, padEnd, truncate, wrap } from '../width.ts'

/** A run in a list, with the stage that it is in, if it has stages. */
interface ListedRun extends RunInfo {
  readonly stage: RunInfo | null
}

/** Lists runs, one per line. A name that is too long for that has a line of its own, and so have its tags and its note. */
export function showRuns(output: Output, all: readonly ListedRun[], root: string): void {
  for (const run of all) output.emit({ type: 'run', ...run })
  if (output.json) return
  if (all.length === 0) return void output.result(`no runs in ${root}; \`ruminate zero\` creates one`)
  const { columns } = output
  const cells = [
    ['run', 'recipe', 'seed', 'created', 'status'],
    ...all.map((run) => [
      nameOf(run),
      run.recipe,
      `${run.seed}`,
      run.created.slice(0, 16).replace('T', ' '),
      statusOf(run),
    ]),
  ]
  const widths = [1, 2, 3].map((column) => Math.max(...cells.map((row) => row[column]!.length)))
  const rows = cells.map(([name, recipe, seed, created, status]) => {
    const facts = [
      recipe!.padEnd(widths[0]!),
      seed!.padStart(widths[1]!),
      created!.padEnd(widths[2]!),
      status,
    ]
    const rest = facts.join('  ')
    return { name: name!, rest, room: Math.max(0, columns - rest.length - 4) }
  })
  const width = Math.max(
    ...rows.map(({ name, room }) => (displayWidth(name) <= room ? displayWidth(name) : 0)),
  )
  const lines = rows.flatMap(({ name, rest, room }, i) => {
    const { note = null, tags = [] } = all[i - 1] ?? {}
    const said = [...tags.map((tag) => `#${tag}`), ...(note === null ? [] : [note])].join(' ')
    return [
      ...(displayWidth(name) <= width && width <= room
        ? [`  ${padEnd(name, width)}  ${rest}`]
        : [`  ${name}`, wrap(`  ${' '.repeat(Math.min(width, room))}  ${rest}`, columns, 2)]),
      ...(said === '' ? [] : [pc.dim(`    ${truncate(onOneLine(said), columns - 4)}`)]),
    ]
  })
  output.result(lines.join('\n'))
}

/** A run's path on one line: a line break in it is shown as ␊. */
const nameOf = ({ directory }: RunInfo): string => printable(pathFromHere(directory)).replaceAll('\n', '␊')

/** "done at step 200", or, for a run of several stages, "stopped in rl-1 at step 12". */
export function statusOf({ status, step, stage, directory }: ListedRun): string {
  if (status === 'done' || stage === null) return `${status} at step ${step}`
  return `${status} in ${relative(directory, stage.directory)} at step ${stage.step}`
}

const onOneLine = (text: string): string => printable(text.replace(/\s+/g, ' ').trim())

/** The settings of a run, and the latest value of each metric. */
export function showRun(output: Output, store: RunStore): void {
  const info = withStage(store.info())
  const latest = Object.fromEntries(store.metricNames().map((name) => [name, store.metric(name).at(-1)!]))
  output.emit({
    type: 'run',
    ...info,
    metrics: Object.fromEntries(Object.entries(latest).map(([name, { value }]) => [name, value])),
  })
  if (output.json) return
  output.prose(header(info))
  output.result(
    table(
      [
        ['metric', 'step', 'value'],
        ...Object.entries(latest).map(([name, { step, value }]) => [name, `${step}`, short(value)]),
      ],
      output.width,
    ),
  )
  for (const { step, level, message } of store.events())
    output.prose(`  ${level} at step ${step}: ${printable(message)}`)
}

/** A run with the stage that it is in. */
export const withStage = (info: RunInfo): ListedRun => ({
  ...info,
  stage: info.status === 'done' ? null : currentStage(info),
})

function header(info: ListedRun): string {
  const versions = Object.entries(info.versions).map(([name, version]) => `${name} ${version}`)
  const note = info.note === null ? '' : `  note: ${printable(info.note).replaceAll('\n', '\n  ')}\n`
  const tags = info.tags.length === 0 ? '' : `  tags: ${printable(info.tags.join(', '))}\n`
  return `${pc.bold(nameOf(info))}  ${info.recipe}, seed ${info.seed}, ${statusOf(info)}\n${note}${tags}  ${versions.join(', ')}\n${trainedLine(info)}\n${settingLines(info.settings)}`
}

/** Of a run that trains adapters, how many values these have and how to make a plain model; nothing if all weights are trained. */
function trainedLine({ settings, directory, recipe }: RunInfo): string {
  const { lora } = settings as { lora?: LoraSettings | null }
  if (!lora) return ''
  const folder = modelOf(directory)
  const merging = `\`ruminate merge ${runWord(directory)} --out DIR\` makes a plain model`
  if (!isPeftFolder(folder)) return `  LoRA of rank ${lora.rank}; when it is done, ${merging}\n`
  const values = countStored(folder).toLocaleString('en-US')
  return `  ${recipe === 'reward' ? 'LoRA and a new head' : 'LoRA'} of rank ${lora.rank}: ${values} values trained; ${merging}\n`
}

/** Settings as YAML, in the form that --config reads here; a short group takes one line. */
function settingLines(settings: unknown): string {
  const { own, ...named } = settings as { own?: { task: boolean; rewards: unknown } }
  const document = new Document(own?.task || own?.rewards ? settings : named)
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string') scalar.value = sourceName(scalar.value)
    },
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
    const names = store.metricNames()
    const near = similarNames(name, names)
    throw new UserError(
      `the run has no metric "${name}"; ${near.length > 0 ? `did you mean ${near.join(', ')}?` : `it has ${names.join(', ') || 'none yet'}`}`,
      2,
    )
  }
  for (const point of points) output.emit({ type: 'metric', name, ...point })
  if (output.json) return
  output.aside(plot(name, smooth(points, 120), { format: short, columns: output.width }))
  output.result(table(points.map(({ step, value }) => [`${step}`, short(value)])))
}

/** Names that an error suggests. */
const SUGGESTED = 5

/** The names that a misspelt or incomplete one may mean: those that have it as a part, else those that are spelt alike. */
function similarNames(name: string, names: readonly string[]): string[] {
  const parts = names.filter((other) => other.toLowerCase().includes(name.toLowerCase()))
  if (parts.length > 0) return parts.slice(0, SUGGESTED)
  const limit = Math.max(1, Math.floor(name.length / 3))
  // a name such as reward/format can be meant by its last part
  const distance = (other: string): number =>
    Math.min(editDistance(name, other), editDistance(name, other.slice(other.lastIndexOf('/') + 1)))
  return names
    .filter((other) => distance(other) <= limit)
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, SUGGESTED)
}

/**
 * The newest rollouts, of one split or of all, in full.
 *
 * @throws UserError where the run has no such split.
 */
export function showSamples(output: Output, store: RunStore, limit: number, split: string | undefined): void {
  const splits = store.splits()
  if (split !== undefined && !splits.includes(split))
    throw new UserError(
      `the run has no split "${split}"; ${splits.length > 0 ? `it has ${splits.join(', ')}` : 'it has no rollouts yet'}`,
      2,
    )
  const rows = store.rollouts({ limit, ...(split === undefined ? {} : { split }) })
  if (rows.length === 0 && !output.json) return void output.result('no rollouts')
  const question = questionReader(store.info().settings)
  for (const row of rows) {
    const { tokens, logprobs, entropies, ...rest } = row
    output.emit({
      type: 'rollout',
      ...rest,
      tokens: [...tokens],
      logprobs: [...logprobs],
      ...(entropies && { entropies: [...entropies] }),
    })
    if (!output.json) output.result(sample(row, row.asked ?? question(row.prompt), output.width))
  }
}

function sample(row: RolloutRow, question: string, width: number): string {
  const rewards = Object.entries(row.rewards).map(
    ([name, value]) => `${name} ${value === null ? '–' : short(value)}`,
  )
  const verdict = row.correct === null ? 'unknown' : row.correct ? pc.green('right') : pc.red('wrong')
  const facts = [
    `step ${row.step}`,
    row.split,
    onOneLine(row.kind),
    row.reason === undefined ? verdict : `${verdict} (${onOneLine(row.reason)})`,
    ...rewards,
    `advantage ${row.advantage === null ? '–' : short(row.advantage)}`,
    plural(row.length, 'token'),
    row.stopReason,
  ]
  const head = pc.bold(wrap(facts.join(' · '), width, 2))
  return `${head}\n${pc.dim(wrap(printable(question), width))}\n${wrap(printable(row.text.trim()), width)}\n`
}

function short(value: number): string {
  return Number.isInteger(value)
    ? String(value)
    : Math.abs(value) >= 1000
      ? value.toFixed(0)
      : String(Number(value.toPrecision(4)))
}
