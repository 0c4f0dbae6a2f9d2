import type { Columns } from './table/columns.ts'

/** A published set of questions: a table whose place and columns are known. */
export interface Benchmark {
  readonly name: string
  readonly description: string
  /** A dataset of the Hugging Face hub, with the path inside it. */
  readonly dataset: string
  readonly columns: Columns
  /** All of it is for evaluation, whatever its files are called. */
  readonly evaluationOnly?: true
  /** A question and gold in its manner. */
  readonly sample: { readonly prompt: string; readonly gold: string }
}
