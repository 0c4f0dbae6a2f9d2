import { UserError } from '../common/errors.ts'
import type { Renderer } from '../renderer/renderer.ts'
import type { CheckedRollout } from '../stages/evaluate/evaluate.ts'
import { toDatum } from '../stages/reinforce/datums.ts'
import type { Sequence } from '../stages/supervise/learn.ts'
import { supervise } from '../stages/supervise/masks.ts'
import { demonstrate } from '../tasks/examples/solutions.ts'
import type { Question, Solved, Task } from '../tasks/task.ts'
import type { MeanTokens } from './estimate.ts'

/* Rows and responses of a table as tokens, and their lengths. */

/** A row as a sequence to learn. */
export interface Row {
  /** The id of its question. */
  readonly question: string
  readonly sequence: Sequence
}

/** Rows as sequences to learn; those that cannot be learned are left out. */
export async function encodeSolved(
  task: Task,
  renderer: Renderer,
  solved: readonly Solved[],
): Promise<Row[]> {
  const rows: Row[] = []
  for (const one of solved)
    try {
      const demonstration = await demonstrate(task, renderer, one)
      for (const sequence of supervise(renderer, demonstration))
        rows.push({ question: one.question.id, sequence })
    } catch (error) {
      if (!(error instanceof UserError)) throw error
    }
  return rows
}

/** A response as a sequence to learn. */
export function sequenceOf(rollout: CheckedRollout): Sequence {
  const { tokens, targets } = toDatum(rollout, 1)
  const whole = Int32Array.of(...tokens, targets.at(-1)!)
  return { tokens: whole, learned: new Uint8Array(whole.length).fill(1, rollout.promptTokens.length) }
}

/** Tokens of the prompt of a question; 0 for one that cannot be rendered, which is reported as unfit. */
export function promptTokens(renderer: Renderer, question: Question): number {
  try {
    return renderer.prompt(question).tokens.length
  } catch (error) {
    if (error instanceof UserError) return 0
    throw error
  }
}

/** Number of learned tokens. */
export const learnedTokens = ({ learned }: Sequence): number => learned.reduce((sum, one) => sum + one, 0)

/** Null if there are no sequences. */
export function meanTokens(sequences: readonly Sequence[]): MeanTokens | null {
  if (sequences.length === 0) return null
  const response = sequences.reduce((sum, one) => sum + learnedTokens(one), 0) / sequences.length
  const all = sequences.reduce((sum, { tokens }) => sum + tokens.length, 0) / sequences.length
  return { prompt: all - response, response }
}
