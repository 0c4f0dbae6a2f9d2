import { plural } from '../../../common/words.ts'
import type { Estimate } from '../../../evaluation/measures/interval.ts'
import type { CellResult, Results, Sampling } from '../../../evaluation/results.ts'
import { type Row, rowsOf } from '../../../evaluation/rows.ts'
import { sourceName } from '../next.ts'
import { type Output, percent, percentInterval, table } from '../output.ts'

/** Shows one model asked in one way: all that is known of its responses. */
export function showCell(output: Output, cell: CellResult, seconds: number): void {
  const { model, task, form, passAt1, samples, questions, kinds } = cell
  const template = cell.format === 'r1-zero' ? 'r1-zero' : 'chat'
  const [seed] = cell.seeds
  output.emit({
    type: 'result',
    model,
    task,
    seconds,
    template,
    ...cell.sampling,
    seed,
    passAt1: passAt1.mean,
    standardError: cell.standardError,
    low: passAt1.low,
    high: passAt1.high,
    format: form.wellFormed,
    responseTokens: cell.completionTokens.mean,
    thinkingTokens: cell.thinkingTokens.mean,
    reflection: form.reflection,
    reflectionPerResponse: form.reflectionPerResponse,
    mixed: form.mixed,
    cut: form.cut,
    questions,
    samples,
    kinds,
    families: familiesOf(cell),
  })
  if (output.json) return
  output.prose(
    `${model} on ${sourceName(task)}: ${plural(questions, 'question')}, ${plural(samples, 'sample')} per question, ${sampled(cell.sampling)}template ${template}, seed ${seed}\n`,
  )
  output.result(
    table(
      [
        ['pass@1', percentInterval(passAt1.mean, cell.standardError)],
        ['  95 % interval', interval(passAt1)],
        ...Object.entries(kinds).map(([kind, value]) => [`  ${kind}`, percent(value)]),
        ['well formed', percent(form.wellFormed)],
        ['response length (tokens)', decimals(cell.completionTokens.mean, 1)],
        ['  of which thinking', decimals(cell.thinkingTokens.mean, 1)],
        ['reflective words per response', decimals(form.reflectionPerResponse, 2)],
        ['reflective words per 1,000 tokens', decimals(form.reflection, 1)],
        ['responses mixing languages', percent(form.mixed)],
        ['cut off', percent(form.cut)],
      ],
      output.width,
    ),
  )
}

/** "T = 0.6, top-p 0.95, "; empty where the model decides. */
function sampled({ temperature, topK, topP, minP }: Sampling): string {
  return [
    temperature == null ? '' : `T = ${temperature}, `,
    topK ? `top-k ${topK}, ` : '',
    topP != null && topP < 1 ? `top-p ${topP}, ` : '',
    minP ? `min-p ${minP}, ` : '',
  ].join('')
}

/** pass@1 by family ("arithmetic"): the mean over its questions. */
function familiesOf({ kinds, kindQuestions }: CellResult): Record<string, number> {
  const family = (kind: string): string => kind.split('/')[0]!
  const names = [...new Set(Object.keys(kinds).map(family))].sort()
  return Object.fromEntries(
    names.map((name) => {
      const own = Object.keys(kinds).filter((kind) => family(kind) === name)
      const sum = own.reduce((total, kind) => total + kinds[kind]! * kindQuestions[kind]!, 0)
      return [name, sum / own.reduce((total, kind) => total + kindQuestions[kind]!, 0)]
    }),
  )
}

/** Shows a grid: one line for each accuracy. */
export function showGrid(output: Output, results: Results, files: readonly string[]): void {
  const rows = rowsOf(results.cells)
  for (const { number, cell, k, measure, accuracy, thinkingTokens } of rows) {
    const { model, task, strategy, budget, effort, training, questions, unknown } = cell
    output.emit({
      type: 'accuracy',
      number,
      model,
      task,
      strategy,
      budget,
      effort,
      k,
      measure,
      ...accuracy,
      thinkingTokens,
      training,
      questions,
      unknown,
    })
  }
  output.emit({
    type: 'result',
    // of the first line, so that programs find the same fields as of a single model
    passAt1: results.cells[0]!.passAt1.mean,
    questions: results.cells[0]!.questions,
    samples: results.cells[0]!.samples,
    seconds: results.seconds,
    cells: results.cells.length,
    files,
  })
  if (output.json) return
  for (const task of new Set(results.cells.map((cell) => cell.task))) {
    const own = rows.filter(({ cell }) => cell.task === task)
    output.prose(`${sourceName(task)}: ${heading(own)}\n`)
    output.result(table(tableOf(own), output.width))
    output.result('')
  }
}

function heading(rows: readonly Row[]): string {
  const { cell } = rows[0]!
  const samples = Math.max(...rows.map((row) => row.cell.samples))
  const seeds = cell.seeds.length > 1 ? `seeds ${cell.seeds.join(', ')}, ` : ''
  const unknown = rows.reduce((most, row) => Math.max(most, row.cell.unknown), 0)
  return `${plural(cell.questions, 'question')}, ${plural(samples, 'sample')} each, ${sampled(cell.sampling)}${seeds}with 95 % intervals${unknown > 0 ? `; up to ${plural(unknown, 'answer')} of a line could not be checked` : ''}`
}

/** The rows as cells, without the columns in which all are equal. */
function tableOf(rows: readonly Row[]): string[][] {
  const columns: { title: string; of: (row: Row) => string; always?: boolean }[] = [
    { title: 'model', of: ({ cell }) => cell.model },
    { title: 'strategy', of: ({ cell }) => cell.strategy },
    { title: 'budget', of: ({ cell }) => (cell.budget === null ? 'none' : String(cell.budget)) },
    { title: 'effort', of: ({ cell }) => cell.effort ?? '–' },
    { title: 'measure', of: ({ measure }) => measure, always: true },
    { title: 'right', of: ({ accuracy }) => percent(accuracy.mean), always: true },
    { title: 'interval', of: ({ accuracy }) => interval(accuracy), always: true },
    {
      title: 'thinking',
      of: ({ thinkingTokens }) => decimals(thinkingTokens, thinkingTokens < 100 ? 1 : 0),
      always: true,
    },
  ]
  const shown = columns.filter(({ of, always }) => always || new Set(rows.map(of)).size > 1)
  return [
    ['#', ...shown.map(({ title }) => title)],
    ...rows.map((row) => [String(row.number), ...shown.map(({ of }) => of(row))]),
  ]
}

/** "93.1–98.2 %" */
export const interval = ({ low, high }: Estimate): string =>
  Number.isNaN(low) ? '–' : `${(100 * low).toFixed(1)}–${percent(high)}`

const decimals = (value: number, digits: number): string =>
  Number.isNaN(value)
    ? '–'
    : value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
