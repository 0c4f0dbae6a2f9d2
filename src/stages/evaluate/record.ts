import type { RolloutRow, StepRecord } from '../../runs/rows.ts'
import { toRow } from '../sample/rollouts.ts'
import { type CheckedRollout, type evaluate, evaluationMetrics } from './evaluate.ts'

/** An evaluation as a record of a step: metrics under `eval/`, and its rollouts as rows of `split`. */
export function evaluationRecord(
  { evaluation, rollouts }: Awaited<ReturnType<typeof evaluate>>,
  split: string,
): StepRecord {
  return {
    metrics: evaluationMetrics(evaluation),
    rollouts: rollouts.map((rollout) => checkedRow(rollout, split)),
  }
}

/** A checked response, which no reward has scored, as a row of a split. */
export const checkedRow = (rollout: CheckedRollout, split: string): Omit<RolloutRow, 'step'> => {
  const { correct, reason } = rollout
  return toRow(rollout, { rewards: {}, total: null, correct, reason, errors: [] }, split, null)
}
