import type { ArgsDef } from 'citty'
import { UserError } from '../../../common/errors.ts'
import type { Condition } from '../../../evaluation/results.ts'
import { EFFORTS } from '../../../thinking/strategies/effort.ts'
import { STRATEGIES, type StrategyName } from '../../../thinking/strategies/strategy.ts'
import { choicesOption, integersOption, listOption, type Values } from '../arguments.ts'

/** Options of the grid, besides models and tasks. */
export const gridOptions = {
  strategy: {
    type: 'string',
    valueHint: 'NAME,…',
    description: `how an answer is made: ${STRATEGIES.join(', ')} (default sample)`,
  },
  samples: {
    type: 'string',
    valueHint: 'N,…',
    description: 'responses per question (default 1); several numbers: the accuracy with each',
  },
  budget: {
    type: 'string',
    valueHint: 'N,…',
    description: 'thinking tokens at most, after which the answer is asked for; none: no limit (default)',
  },
  effort: {
    type: 'string',
    valueHint: 'NAME,…',
    description: `in place of a budget: ${EFFORTS.join(', ')}`,
  },
  seeds: { type: 'string', valueHint: 'N,…', description: 'several seeds of the sampling, taken together' },
  checkpoints: {
    type: 'string',
    valueHint: 'RUN,…',
    description: "every checkpoint that a run kept, against training compute, with the run's own evaluations",
  },
  'reward-model': {
    type: 'string',
    valueHint: 'DIR',
    description: 'best-of-n: the reward model that chooses',
  },
  judge: { type: 'string', valueHint: 'MODEL', description: 'best-of-n: the model that chooses' },
  out: {
    type: 'string',
    valueHint: 'DIR',
    description:
      'folder for every answer, results.json and the pictures; what it has already is not asked again',
  },
} satisfies ArgsDef

/** The conditions that the options ask for: strategies × budgets × efforts. */
export function conditionsOf(values: Values): Condition[] {
  const strategies = choicesOption(values, 'strategy', STRATEGIES) ?? (['sample'] satisfies StrategyName[])
  const budgets = budgetsOf(values)
  const efforts = choicesOption(values, 'effort', EFFORTS)
  if (budgets !== undefined && efforts !== undefined)
    throw new UserError('--budget and --effort both limit the thinking: give one of them', 2)
  const chooses = values['reward-model'] !== undefined || values.judge !== undefined
  if (strategies.includes('best-of-n') && !chooses)
    throw new UserError(
      '--strategy best-of-n needs something that chooses: --reward-model DIR or --judge MODEL',
      2,
    )
  if (values['reward-model'] !== undefined && values.judge !== undefined)
    throw new UserError('--reward-model and --judge both choose the best response: give one of them', 2)
  if (!strategies.includes('best-of-n') && chooses)
    throw new UserError(
      `--${values.judge === undefined ? 'reward-model' : 'judge'} chooses the best of several responses: add --strategy best-of-n`,
      2,
    )
  return strategies.flatMap((strategy) =>
    (budgets ?? [null]).flatMap((budget) =>
      (efforts ?? [null]).map((effort) => ({ strategy, budget, effort })),
    ),
  )
}

/** Budgets from small to large, no limit last. */
function budgetsOf(values: Values): (number | null)[] | undefined {
  const names = listOption(values, 'budget')
  if (names === undefined) return undefined
  const numbers = names.filter((name) => name !== 'none')
  const given =
    integersOption({ budget: numbers.join(',') || undefined }, 'budget', 0, undefined, ', or none') ?? []
  return names.includes('none') ? [...given, null] : given
}
