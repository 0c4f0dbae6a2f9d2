import type { RecordedPoint, Results, TrainingPoint } from '../results.ts'
import { type Row, rowsOf } from '../rows.ts'
import type { Figure, Panel, Point, Series } from './figure.ts'
import { short } from './short.ts'

/** What the horizontal axis shows: the first of these that is known for all points. */
const AXES = [
  { label: 'training compute (FLOPs)', of: ({ flops }: TrainingPoint) => flops },
  { label: 'training tokens', of: ({ tokens }: TrainingPoint) => tokens },
  { label: 'training step', of: ({ step }: TrainingPoint) => step },
] as const

/**
 * Accuracy against training compute: of the checkpoints that were asked, and of the evaluations that the runs recorded. null
 * if there are fewer than two points.
 */
export function trainCompute({ cells, recorded }: Results): Figure | null {
  const all = rowsOf(cells).filter(({ cell }) => cell.training !== null)
  const ks = all.map(({ k }) => k)
  const rows = all.filter(({ k }) => k === Math.min(...ks) || k === Math.max(...ks))
  const tasks = [...new Set([...rows.map(({ cell }) => cell.task), ...recorded.map(({ task }) => task)])]
  const panels = tasks.flatMap((task) => {
    const own = rows.filter(({ cell }) => cell.task === task)
    const panel = taskPanel(
      task,
      own,
      recorded.filter((point) => point.task === task),
    )
    return panel === null ? [] : [panel]
  })
  if (panels.length === 0) return null
  return {
    title: 'Accuracy against training compute',
    note:
      recorded.length > 0
        ? 'Vertical lines and bands are 95 % intervals over the questions. Dashed: what the run recorded while it trained, with two standard errors.'
        : 'Vertical lines and bands are 95 % intervals over the questions.',
    panels,
  }
}

function taskPanel(task: string, rows: readonly Row[], recorded: readonly RecordedPoint[]): Panel | null {
  const trained: TrainingPoint[] = [...rows.map(({ cell }) => cell.training!), ...recorded]
  if (new Set(trained.map(({ run, step }) => `${run} ${step}`)).size < 2) return null
  const axis = AXES.find(({ of }) => trained.every((point) => of(point) !== null))!
  const amounts = trained.map((point) => axis.of(point)!).filter((amount) => amount > 0)
  const [least, most] = [Math.min(...amounts), Math.max(...amounts)]
  // a logarithmic axis has no 0: the untrained model has a place of its own, a little to the left
  const zero = least / (most / least) ** 0.15 / 1.3
  const x = (point: TrainingPoint): number => axis.of(point) || zero
  const several = new Set(trained.map(({ run }) => run)).size > 1
  const named = (run: string, what: string): string => (several ? `${run}: ${what}` : what)
  const series = new Map<string, Point[]>()
  const add = (name: string, point: Point): void => {
    series.set(name, [...(series.get(name) ?? []), point])
  }
  for (const { cell, measure, accuracy } of rows) {
    const budget = cell.budget === null ? '' : `, at most ${cell.budget} thinking tokens`
    add(named(cell.training!.run, `${measure}${budget}`), {
      x: x(cell.training!),
      y: accuracy.mean,
      low: accuracy.low,
      high: accuracy.high,
      of: { cell, measure, difficulty: null },
    })
  }
  const measured = new Set(series.keys())
  for (const point of recorded) {
    const spread = Number.isNaN(point.standardError) ? 0 : 2 * point.standardError
    add(named(point.run, 'recorded while training'), {
      x: x(point),
      y: point.passAt1,
      low: Math.max(0, point.passAt1 - spread),
      high: Math.min(1, point.passAt1 + spread),
    })
  }
  const lines: Series[] = [...series].map(([name, points]) => ({
    name,
    points: points.toSorted((a, b) => a.x - b.x),
    dashed: !measured.has(name),
  }))
  const hasZero = trained.some((point) => axis.of(point) === 0)
  return {
    title: task,
    x: {
      label: axis.label,
      scale: 'log',
      ticks: new Map([
        ...(hasZero ? [[zero, '0'] as const] : []),
        ...rounded(least, most).map((t) => [t, short(t)] as const),
      ]),
    },
    y: { label: 'right answers', share: true },
    series: lines,
  }
}

/** Round numbers between two, about five, evenly spaced on a logarithmic axis. */
function rounded(low: number, high: number): number[] {
  const found: number[] = []
  for (let p = Math.floor(Math.log10(low)); p <= Math.log10(high); p++)
    for (const factor of high / low > 100 ? [1] : [1, 2, 5]) found.push(factor * 10 ** p)
  return found.filter((tick) => tick >= 0.99 * low && tick <= 1.01 * high)
}
