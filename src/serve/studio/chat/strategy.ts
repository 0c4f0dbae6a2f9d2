import { z } from 'zod'
import { STRATEGIES, type StrategySpec } from '../../../thinking/strategies/strategy.ts'
import { RequestError } from '../../problem.ts'

/** How a model is to be used: parameters of the address that it is talked to at. */
export const strategyQuery = z.object({
  strategy: z.enum(STRATEGIES).default('sample'),
  /** Responses of `vote` and `best-of-n`. */
  samples: z.coerce.number().int().min(1).max(64).default(8),
  /** Rounds of `refine`. */
  rounds: z.coerce.number().int().min(1).max(16).default(2),
  /** The run whose reward model chooses among responses, or weighs votes. */
  reward: z.string().optional(),
  /** The model that chooses among responses, by a name as in `ChatModel`. */
  judge: z.string().optional(),
})
export type StrategyQuery = z.output<typeof strategyQuery>

/** @throws RequestError where the parameters contradict each other. */
export function specOf({ strategy: kind, samples, rounds, reward, judge }: StrategyQuery): StrategySpec {
  const wrong = (field: string, message: string): RequestError =>
    new RequestError('invalid', message, { field })
  const isChosen = kind === 'best-of-n'
  if (reward !== undefined && !isChosen && kind !== 'vote')
    throw wrong('reward', 'a reward model belongs to the strategies vote and best-of-n')
  if (judge !== undefined && !isChosen) throw wrong('judge', 'a judge belongs to the strategy best-of-n')
  if (isChosen && (reward === undefined) === (judge === undefined))
    throw wrong(
      'strategy',
      'the best of several responses is chosen by a reward model or a judge; give one of them',
    )
  return {
    kind,
    ...((kind === 'vote' || isChosen) && { samples }),
    ...(kind === 'vote' && reward !== undefined && { weighted: true }),
    ...(kind === 'refine' && { rounds }),
  }
}
