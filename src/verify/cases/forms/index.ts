import type { Row } from '../row.ts'
import { closings } from './closings.ts'
import { lookalikes } from './lookalikes.ts'
import { moments } from './moments.ts'
import { bases, selections, separators, shorthand } from './notations.ts'
import { compoundUnits } from './quantities.ts'
import { families, sequences } from './sequences.ts'
import { functionNames, listedIntervals, vectors } from './shapes.ts'
import { solutions } from './solutions.ts'
import { romanNumerals, spelledNumbers } from './spelled.ts'
import { chosen, statedWords } from './stated.ts'
import { boxedWords, statements } from './statements.ts'

/** Forms in which the same answer may be written, by kind. */
export const forms: Readonly<Record<string, readonly Row[]>> = {
  moments,
  statements,
  boxedWords,
  statedWords,
  chosen,
  spelledNumbers,
  romanNumerals,
  separators,
  bases,
  selections,
  shorthand,
  compoundUnits,
  sequences,
  families,
  listedIntervals,
  functionNames,
  vectors,
  solutions,
  lookalikes,
  closings,
}
