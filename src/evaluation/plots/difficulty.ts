import type { Results } from '../results.ts'
import { latest } from '../rows.ts'
import type { Figure, Panel, Series } from './figure.ts'
import { namesOf } from './names.ts'

/** Accuracy and thinking tokens by difficulty, for the first task. null if there is only one difficulty. */
export function difficulty({ cells, difficulty }: Results): Figure | null {
  const task = cells[0]?.task
  const own = latest(cells).filter((cell) => cell.task === task && cell.difficulties.length > 1)
  if (task === undefined || own.length === 0) return null
  const name = namesOf(own, [])
  const kinds = [...new Set(own.flatMap(({ difficulties }) => difficulties.map((one) => one.name)))]
  const ticks = new Map(kinds.map((kind, i) => [i, kind.replace('/', '\n')]))
  const panel = (
    title: string,
    label: string,
    share: boolean,
    field: 'accuracy' | 'thinkingTokens',
  ): Panel => ({
    title,
    x: { label: '', scale: 'point', ticks },
    y: { label, share },
    series: own.map(
      (cell): Series => ({
        name: name(cell),
        points: cell.difficulties
          .map((one) => ({
            x: kinds.indexOf(one.name),
            y: one[field].mean,
            low: one[field].low,
            high: one[field].high,
            of: { cell, measure: 'pass@1', difficulty: one.name },
          }))
          .filter(({ y }) => !Number.isNaN(y)),
      }),
    ),
  })
  const panels = [
    panel('Right answers', 'right answers (pass@1)', true, 'accuracy'),
    panel('Thinking', 'thinking tokens', false, 'thinkingTokens'),
  ].filter(({ series }) => series.some(({ points }) => points.some(({ high }) => high > 0)))
  return {
    title: `${task}: accuracy and thinking by ${difficulty[task] === 'kind' ? 'kind of question' : 'measured difficulty'}`,
    note:
      difficulty[task] === 'kind'
        ? 'Vertical lines are 95 % intervals over the questions.'
        : 'The task does not say how hard its questions are. They are in quarters by the share of right answers among the even-numbered samples of all models here, and measured with the odd-numbered ones. Vertical lines are 95 % intervals.',
    panels,
  }
}
