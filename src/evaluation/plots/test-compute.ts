import type { Results } from '../results.ts'
import { latest, type Row, rowsOf } from '../rows.ts'
import type { Figure, Panel, Point, Series } from './figure.ts'
import { namesOf } from './names.ts'

/** Accuracy against samples, thinking budget and thinking tokens. null if none of them was varied. */
export function testCompute({ cells }: Results): Figure | null {
  const rows = rowsOf(latest(cells))
  const panels = [againstSamples(rows), againstBudget(rows), againstTokens(rows)].filter(
    (one) => one !== null,
  )
  if (panels.length === 0) return null
  return {
    title: 'Accuracy against compute at test time',
    note: 'Vertical lines and bands are 95 % intervals over the questions, drawn again with replacement.',
    panels,
  }
}

const pointOf = ({ accuracy, cell, measure }: Row, x: number): Point => ({
  x,
  y: accuracy.mean,
  low: accuracy.low,
  high: accuracy.high,
  of: { cell, measure, difficulty: null },
})

/** Lines of at least two points, by the name of each row; each sorted from left to right. */
function lines(rows: readonly Row[], name: (row: Row) => string, x: (row: Row) => number): Series[] {
  const byName = new Map<string, Point[]>()
  for (const row of rows) byName.set(name(row), [...(byName.get(name(row)) ?? []), pointOf(row, x(row))])
  return [...byName].map(([name, points]) => ({ name, points: points.toSorted((a, b) => a.x - b.x) }))
}

function againstSamples(rows: readonly Row[]): Panel | null {
  const ks = [...new Set(rows.map(({ k }) => k))].sort((a, b) => a - b)
  if (ks.length < 2) return null
  const name = namesOf(
    rows.map(({ cell }) => cell),
    [],
  )
  const voting = rows.every(({ cell }) => cell.strategy === 'vote')
  return {
    title: voting ? 'Votes' : 'Samples',
    x: {
      label: voting ? 'votes per question' : 'samples per question',
      scale: 'log',
      ticks: new Map(ks.map((k) => [k, String(k)])),
    },
    y: { label: 'right answers', share: true },
    series: lines(
      rows,
      ({ cell }) => name(cell),
      ({ k }) => k,
    ),
  }
}

function againstBudget(rows: readonly Row[]): Panel | null {
  const budgets = [...new Set(rows.flatMap(({ cell }) => cell.budget ?? []))].sort((a, b) => a - b)
  if (new Set(rows.map(({ cell }) => cell.budget)).size < 2 || budgets.length === 0) return null
  // one response, and as many as there are
  const ks = [...new Set(rows.map(({ k }) => k))]
  const shown = rows.filter(({ k }) => k === Math.min(...ks) || k === Math.max(...ks))
  const model = namesOf(
    rows.map(({ cell }) => cell),
    ['budget'],
  )
  const several = new Set(rows.map(({ cell }) => model(cell))).size > 1
  const unlimited = 2 * budgets.at(-1)!
  const least = budgets.find((budget) => budget > 0) ?? 1
  const place = (budget: number | null): number =>
    budget === null ? unlimited : budget === 0 ? least / 2 : budget
  const all = rows.some(({ cell }) => cell.budget === null) ? [...budgets, null] : budgets
  return {
    title: 'Thinking budget',
    x: {
      label: 'thinking tokens at most',
      scale: 'log',
      ticks: new Map(all.map((budget) => [place(budget), budget === null ? 'no limit' : String(budget)])),
    },
    y: { label: 'right answers', share: true },
    series: lines(
      shown,
      ({ cell, measure }) => (several ? `${model(cell)}, ${measure}` : measure),
      ({ cell }) => place(cell.budget),
    ),
  }
}

function againstTokens(rows: readonly Row[]): Panel | null {
  const known = rows.filter(({ thinkingTokens }) => thinkingTokens > 0)
  if (new Set(known.map(({ thinkingTokens }) => thinkingTokens.toPrecision(3))).size < 2) return null
  const cells = known.map(({ cell }) => cell)
  const perCell = new Set(known.map(({ k }) => k)).size > 1
  const name = namesOf(cells, perCell ? [] : ['budget'])
  return {
    title: 'Thinking tokens',
    x: { label: 'thinking tokens per question', scale: 'log' },
    y: { label: 'right answers', share: true },
    series: lines(
      known,
      ({ cell }) => name(cell),
      ({ thinkingTokens }) => thinkingTokens,
    ),
  }
}
