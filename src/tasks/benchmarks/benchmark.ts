import type { Columns } from '../table/columns.ts'

/** A published set of questions: a dataset with known columns. */
export interface Benchmark {
  readonly name: string
  readonly description: string
  /** A dataset of the Hugging Face hub, optionally with a path inside it. */
  readonly dataset: string
  readonly columns: Columns
  /** All questions are for evaluation, whatever the names of the files. */
  readonly evaluationOnly?: true
  /** An example of a question and its gold. */
  readonly sample: { readonly prompt: string; readonly gold: string }
}
