import { adversarial } from './adversarial.ts'
import { intervals, lists, matrices, sets, tuples } from './collections.ts'
import { complex, exponentials, roots } from './constants.ts'
import { algebra, polynomials, trigonometry } from './expressions.ts'
import { forms } from './forms/index.ts'
import { hedges } from './hedges.ts'
import { decimals, fractions, integers } from './numbers.ts'
import { angles, money, percent, units } from './quantities.ts'
import { equations, inequalities } from './relations.ts'
import { boxes, phrases, spellings } from './responses.ts'
import type { Row } from './row.ts'
import { traps } from './traps.ts'
import { choices, dates, ratios, texts } from './words.ts'

export { traps } from './traps.ts'
export { unknown } from './unknown.ts'

export const tables: Readonly<Record<string, readonly Row[]>> = {
  integers,
  decimals,
  fractions,
  percent,
  money,
  units,
  angles,
  roots,
  exponentials,
  complex,
  polynomials,
  algebra,
  trigonometry,
  equations,
  inequalities,
  intervals,
  sets,
  lists,
  tuples,
  matrices,
  choices,
  texts,
  dates,
  ratios,
  boxes,
  phrases,
  spellings,
  ...forms,
  ...traps,
  adversarial,
  hedges,
}

export interface Case {
  readonly table: string
  readonly gold: string
  readonly answer: string
  readonly equal: boolean
}

export const cases: readonly Case[] = Object.entries(tables).flatMap(([table, rows]) =>
  rows.flatMap(([gold, right, wrong]) =>
    [true, false].flatMap((equal) =>
      (equal ? right : wrong).map((answer) => ({ table, gold, answer, equal })),
    ),
  ),
)
