import { UserError } from '../../common/errors.ts'
import type { TextModel } from '../model.ts'
import { type Choose, highest, withBestOf } from './best-of.ts'
import { type BudgetOptions, withBudget } from './budget.ts'
import { type Effort, withEffort } from './effort.ts'
import type { Same } from './majority.ts'
import { withRefinement } from './refine.ts'
import { type Score, withVote } from './vote.ts'

/** The strategies, by the names that the command line gives them. */
export const STRATEGIES = ['sample', 'vote', 'best-of-n', 'refine'] as const
export type StrategyName = (typeof STRATEGIES)[number]

/** How a model is used at test time, as data. */
export interface StrategySpec {
  /** One response, a majority vote, the best of several, or an answer that is checked. By default `sample`. */
  readonly kind?: StrategyName | undefined
  /** Responses of `vote` and `best-of-n`. */
  readonly samples?: number | undefined
  /** Does the score weigh the votes of `vote`? */
  readonly weighted?: boolean | undefined
  /** Rounds of `refine`. */
  readonly rounds?: number | undefined
  /** Thinking tokens of each response. */
  readonly budget?: BudgetOptions | undefined
  /** In place of a budget. */
  readonly effort?: Effort | undefined
}

/** What strategies need from elsewhere. */
export interface StrategyParts {
  readonly same: Same
  /** For weighted votes, and for `best-of-n` without `choose`. */
  readonly score?: Score | undefined
  readonly choose?: Choose | undefined
}

/**
 * A model that is used as `spec` says: a vote, for example, over responses each of which has a budget.
 *
 * @throws UserError for a spec that contradicts itself, that needs a part that is not given, or that the model cannot honour.
 */
export function withStrategy(
  model: TextModel,
  spec: StrategySpec,
  { same, score, choose }: StrategyParts,
): TextModel {
  const { kind = 'sample', samples, rounds, weighted = false } = spec
  const each = withThinking(model, spec)
  const needs = (name: 'samples' | 'rounds', value: number | undefined): number => {
    if (value !== undefined) return value
    throw new UserError(`the strategy ${kind} needs a number of ${name}`, 2)
  }
  if (weighted && kind !== 'vote')
    throw new UserError(`only a vote can be weighted, not the strategy ${kind}`, 2)
  switch (kind) {
    case 'sample':
      return each
    case 'vote':
      if (weighted && !score) throw new UserError('a weighted vote needs a reward model', 2)
      return withVote(each, { samples: needs('samples', samples), same, score: weighted ? score : undefined })
    case 'best-of-n': {
      const by = choose ?? (score && highest(score))
      if (!by)
        throw new UserError(
          'the best of several responses is chosen by a reward model or a judge: give one',
          2,
        )
      return withBestOf(each, { samples: needs('samples', samples), choose: by })
    }
    case 'refine':
      return withRefinement(each, { rounds: needs('rounds', rounds), same })
  }
}

function withThinking(model: TextModel, { budget, effort }: StrategySpec): TextModel {
  if (budget !== undefined && effort !== undefined)
    throw new UserError('give a budget or an effort, not both', 2)
  if (effort !== undefined) return withEffort(model, effort)
  if (budget?.max === undefined && !budget?.min) return model
  return withBudget(model, budget)
}
