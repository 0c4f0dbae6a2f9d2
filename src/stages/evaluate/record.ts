import type { StepRecord } from '../../runs/rows.ts'
import { toRow } from '../sample/rollouts.ts'
import { type evaluate, evaluationMetrics } from './evaluate.ts'

/** An evaluation as a record of a step: metrics under `eval/`, and its rollouts as rows of `split`. */
export function evaluationRecord(
  { evaluation, rollouts }: Awaited<ReturnType<typeof evaluate>>,
  split: string,
): StepRecord {
  return {
    metrics: evaluationMetrics(evaluation),
    rollouts: rollouts.map((rollout) =>
      toRow(rollout, { rewards: {}, total: null, correct: rollout.correct, errors: [] }, split, null),
    ),
  }
}
