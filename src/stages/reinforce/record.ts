import type { StepRecord } from '../../runs/rows.ts'
import type { RunStore } from '../../runs/store.ts'
import { type RolloutScores, toRow } from '../sample/rollouts.ts'
import { openAlarm, type Stop } from '../watch/alarm.ts'
import { diagnose } from '../watch/diagnose.ts'
import {
  responseMetrics,
  rewardMetrics,
  runningTotal,
  tokenMetrics,
  zeroVarianceShare,
} from '../watch/metrics.ts'
import type { Groups } from './groups.ts'
import type { Reinforcement } from './job.ts'
import type { ScoredRollout } from './score.ts'
import type { Updated } from './update.ts'

/** The results of a step. */
interface StepOutcome {
  readonly step: number
  readonly groups: Groups
  /** The rewards that the advantages were computed from. */
  readonly rewards_P_G: readonly (readonly (number | null)[])[]
  readonly advantages_P_G: readonly (readonly (number | null)[])[]
  readonly updated: Updated
  readonly trainingSeconds: number
}

interface Recorded {
  /** Was this the last step? */
  readonly last: boolean
  /** Why the alarm ends the training at this step, or null. */
  readonly stop: Stop | null
  /** From the evaluation after this step, or null if there was none. */
  readonly passAt1: number | null
}

/**
 * Opens the recorder of a run. For each step it computes the metrics, collects warnings from the alarm and the diagnosis,
 * records them, and then evaluates the policy if that is due. `save` writes a checkpoint of the step.
 */
export function openRecorder({
  run,
  rewards,
  settings,
  evaluate,
  onStep,
}: Reinforcement): (outcome: StepOutcome, save: (directory: string) => Promise<void>) => Promise<Recorded> {
  const { store } = run
  const alarm = openAlarm(rewards, store)
  return async (outcome, save) => {
    const { step } = outcome
    const scored = scoredRollouts(outcome)
    const before = store.metricsAt(step - 1)
    const metrics = stepMetrics(outcome, scored, before)
    const rows = scored.map((one) => toRow(one.rollout, one, 'train', one.advantage))
    const alarmed = alarm(before, metrics, rows)
    Object.assign(metrics, alarmed.metrics)
    const stopping = settings.alarm === 'stop' && alarmed.signs.length > 0
    const last = stopping || step === settings.steps
    const warnings = newWarnings(store, metrics, scored, alarmed.signs)
    const events = warnings.map((message) => ({ level: 'warning' as const, message }))
    run.complete(step, { metrics, rollouts: rows, events }, save)
    const evaluated: StepRecord = (await evaluate?.(step, last)) ?? {}
    store.record(step, evaluated)
    Object.assign(metrics, evaluated.metrics)
    onStep?.({ step, metrics, warnings, newest: scored.at(-1)!.rollout })
    return {
      last,
      stop: stopping ? { step, reason: alarmed.signs[0]! } : null,
      passAt1: evaluated.metrics?.['eval/pass@1'] ?? null,
    }
  }
}

type Recordable = ScoredRollout & { readonly advantage: number | null }

/** The used rollouts of a step with their final rewards and advantages, then those of dropped groups. */
function scoredRollouts({ groups, rewards_P_G, advantages_P_G }: StepOutcome): Recordable[] {
  const used = groups.used_P_G.flatMap((scored_G, p) =>
    scored_G.map((scored, g) => ({
      ...scored,
      total: rewards_P_G[p]![g]!,
      advantage: advantages_P_G[p]![g]!,
    })),
  )
  return [...used, ...groups.dropped_P_G.flat().map((scored) => ({ ...scored, advantage: null }))]
}

function stepMetrics(
  { step, groups, rewards_P_G, updated, trainingSeconds }: StepOutcome,
  scored: readonly Recordable[],
  before: Readonly<Record<string, number>>,
): Record<string, number> {
  const rollouts = scored.map(({ rollout }) => rollout)
  return {
    ...rewardMetrics(scored),
    ...responseMetrics(rollouts),
    ...tokenMetrics(updated.sequences),
    'groups/zero_variance': zeroVarianceShare([
      ...rewards_P_G,
      ...groups.dropped_P_G.map((scored_G) => scored_G.map(({ total }) => total)),
    ]),
    loss: updated.loss,
    grad_norm: updated.gradNorm ?? Number.NaN,
    learning_rate: updated.learningRate,
    'total/flops': runningTotal(before, 'total/flops', step, updated.flops),
    'total/tokens': runningTotal(before, 'total/tokens', step, updated.tokens),
    'speed/sampling': rollouts.reduce((sum, { tokens }) => sum + tokens, 0) / groups.samplingSeconds,
    'speed/training': updated.tokens / trainingSeconds,
    'time/sampling': groups.samplingSeconds,
    'time/training': trainingSeconds,
  }
}

/** Steps without change after which the diagnosis reports that a run does not learn. */
const PATIENCE = 5

/** The diagnosis and the alarm's signs, without warnings that this run already has. */
function newWarnings(
  store: RunStore,
  metrics: Readonly<Record<string, number>>,
  scored: readonly (Pick<ScoredRollout, 'rollout'> & RolloutScores)[],
  signs: readonly string[],
): string[] {
  const { step } = store.info()
  const window: Readonly<Record<string, number>>[] = [metrics]
  for (let s = step; s > step - PATIENCE + 1 && s >= 1; s--) window.unshift(store.metricsAt(s))
  const samples = scored.map(({ rollout, total, correct }) => ({
    ...rollout,
    text: rollout.response,
    total,
    correct,
  }))
  const errors = scored.flatMap((one) => one.errors)
  const given = new Set(store.events().map(({ message }) => cause(message)))
  const causes = diagnose({ window: window.length < PATIENCE ? [] : window, samples, errors })
  return [...causes, ...signs].filter((message) => !given.has(cause(message)))
}

/** A warning without its numbers and examples, to compare warnings. */
function cause(message: string): string {
  return message.replace(/(For example|The first): .*$/s, '').replace(/[\d.]+/g, '#')
}
