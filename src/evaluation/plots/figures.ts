import type { Results } from '../results.ts'
import { difficulty } from './difficulty.ts'
import type { Figure } from './figure.ts'
import { testCompute } from './test-compute.ts'
import { trainCompute } from './train-compute.ts'

/** The pictures of an evaluation, by the names of their files; null for one that would have a single point. */
export const FIGURES: Readonly<Record<string, (results: Results) => Figure | null>> = {
  'train-compute': trainCompute,
  'test-compute': testCompute,
  difficulty,
}

/** The pictures of an evaluation that there are. */
export const figuresOf = (results: Results): Figure[] =>
  Object.values(FIGURES).flatMap((of) => of(results) ?? [])
