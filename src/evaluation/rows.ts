import type { StrategyName } from '../thinking/strategies/strategy.ts'
import type { Estimate } from './measures/interval.ts'
import type { CellResult } from './results.ts'

/** An accuracy of a cell: one line of the table, one point of a picture. */
export interface Row {
  /** Its number in the table, from 1. */
  readonly number: number
  readonly cell: CellResult
  /** Responses to a question. */
  readonly k: number
  /** Which accuracy it is: pass@1, pass@k, cons@k, best of k, or after k rounds. */
  readonly measure: string
  readonly accuracy: Estimate
  /** Mean thinking tokens of all k responses together; NaN if unknown. */
  readonly thinkingTokens: number
}

/** The accuracies of an evaluation in the order of the grid. */
export function rowsOf(cells: readonly CellResult[]): Row[] {
  return cells
    .flatMap((cell) =>
      rowsOfCell(cell).filter(({ accuracy }) => !Number.isNaN(accuracy.mean) || cell.questions === 0),
    )
    .map((row, i) => ({ number: i + 1, ...row }))
}

/** Names of the accuracy of an answer that a strategy made from `n` responses. */
const MEASURES: Readonly<Record<Exclude<StrategyName, 'sample' | 'vote'>, (n: number) => string>> = {
  'best-of-n': (n) => `best of ${n}`,
  refine: (n) => `refined ≤ ${n}×`,
}

function rowsOfCell(cell: CellResult): Omit<Row, 'number'>[] {
  const { strategy, responses, atK, passAt1, thinkingTokens } = cell
  const tokens = thinkingTokens.mean
  if (strategy !== 'sample' && strategy !== 'vote')
    return [
      {
        cell,
        k: responses,
        measure: MEASURES[strategy](responses),
        accuracy: passAt1,
        thinkingTokens: tokens,
      },
    ]
  // one response of several is measured by all of them
  const one = { cell, k: 1, measure: 'pass@1', accuracy: passAt1, thinkingTokens: tokens }
  const more = atK
    .filter(({ k }) => k > 1)
    .map(({ k, pass, cons }) => ({
      cell,
      k,
      ...(strategy === 'vote'
        ? { measure: `cons@${k}`, accuracy: cons }
        : { measure: `pass@${k}`, accuracy: pass }),
      thinkingTokens: k * tokens,
    }))
  return [one, ...more]
}

/** The cells without the earlier checkpoints of each run: those of which pictures of test-time compute are drawn. */
export function latest(cells: readonly CellResult[]): CellResult[] {
  const last = (run: string): number =>
    Math.max(...cells.flatMap(({ training }) => (training?.run === run ? [training.step] : [])))
  return cells.filter(({ training }) => training === null || training.step === last(training.run))
}
