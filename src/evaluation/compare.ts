import { UserError } from '../common/errors.ts'
import { plural } from '../common/words.ts'
import { comparePaired, type Paired } from './measures/paired.ts'
import type { Row } from './rows.ts'

/** A question whose share of right answers changed. */
export interface Changed {
  readonly id: string
  readonly a: number
  readonly b: number
}

/** Two accuracies over the same questions. */
export interface Comparison {
  readonly a: Row
  readonly b: Row
  readonly questions: number
  readonly paired: Paired
  /** Those that changed most first. */
  readonly changed: readonly Changed[]
}

/** A side of a comparison: the lines of an evaluation's table. */
export interface Side {
  /** As a person named it. */
  readonly name: string
  readonly rows: readonly Row[]
}

/**
 * Compares two evaluations: line with line where each side has one, and otherwise the lines that were measured in the same
 * way.
 *
 * @throws UserError if lines cannot be told apart, no lines match, or two lines are about different questions.
 */
export function compare(a: Side, b: Side): Comparison[] {
  if (a.rows.length === 1 && b.rows.length === 1)
    return [compareRows([a.name, a.rows[0]!], [b.name, b.rows[0]!])]
  const [ways, others] = [byWay(a), byWay(b)]
  const common = [...ways.keys()].filter((way) => others.has(way))
  if (common.length === 0)
    throw new UserError(
      `${a.name} and ${b.name} have no line that was measured in the same way: choose one of each, as in ${a.name}:1 and ${b.name}:1`,
    )
  return common.map((way) => compareRows([a.name, ways.get(way)!], [b.name, others.get(way)!]))
}

/** The lines of a side by how they were measured. */
function byWay({ name, rows }: Side): Map<string, Row> {
  const ways = new Map<string, Row>()
  for (const row of rows) {
    const { task, strategy, budget, effort } = row.cell
    const way = JSON.stringify([task, strategy, budget, effort, row.k])
    const other = ways.get(way)
    if (other)
      throw new UserError(
        `lines ${other.number} and ${row.number} of ${name} differ only in the model: choose one, as in ${name}:${row.number}`,
        2,
      )
    ways.set(way, row)
  }
  return ways
}

function compareRows([nameA, a]: [string, Row], [nameB, b]: [string, Row]): Comparison {
  const [valuesA, valuesB] = [valuesOf(a), valuesOf(b)]
  checkSame(nameA, valuesA, nameB, valuesB)
  checkSame(nameB, valuesB, nameA, valuesA)
  const both = [...valuesA].flatMap(([key, { id, value }]) => {
    const other = valuesB.get(key)!.value
    return Number.isNaN(value) || Number.isNaN(other) ? [] : [{ id, a: value, b: other }]
  })
  if (both.length === 0) throw new UserError('no answer to a common question could be checked on both sides')
  return {
    a,
    b,
    questions: both.length,
    paired: comparePaired(
      both.map((one) => one.a),
      both.map((one) => one.b),
      a.cell.seeds[0]!,
    ),
    changed: both
      .filter((one) => one.a !== one.b)
      .sort((x, y) => Math.abs(y.b - y.a) - Math.abs(x.b - x.a) || (x.id < y.id ? -1 : 1)),
  }
}

type Values = ReadonlyMap<string, { readonly id: string; readonly value: number }>

/** Of each question, the accuracy that the line is the mean of. */
function valuesOf({ cell, k }: Row): Values {
  const at = cell.atK.findIndex((one) => one.k === k)
  const of = (one: (typeof cell.values)[number]): number => {
    // strategies that make an answer from k responses have one accuracy
    if (k === 1 || at < 0) return one.passAt1
    return cell.strategy === 'vote' ? one.cons[at]! : one.pass[at]!
  }
  return new Map(cell.values.map((one) => [one.key, { id: one.id, value: of(one) }]))
}

/** @throws UserError if one side was asked questions that the other was not. */
function checkSame(nameA: string, a: Values, nameB: string, b: Values): void {
  const missing = [...a].filter(([key]) => !b.has(key)).map(([, { id }]) => id)
  if (missing.length === 0) return
  const which =
    missing.length === a.size
      ? `${nameA} and ${nameB} were asked different questions`
      : `${nameA} was asked ${plural(missing.length, 'question')} that ${nameB} was not, such as ${missing[0]}`
  throw new UserError(
    `${which}, so they cannot be compared question by question: evaluate both with the same --task, --questions and --held-out-share`,
  )
}
