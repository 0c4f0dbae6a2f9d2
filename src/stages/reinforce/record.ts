import { subject, warner } from '../../common/warnings.ts'
import type { StepRecord } from '../../runs/rows.ts'
import type { RunStore } from '../../runs/store.ts'
import { toRow } from '../sample/rollouts.ts'
import { openAlarm, type Stop } from '../watch/alarm.ts'
import { diagnose, PATIENCE, type Symptoms } from '../watch/diagnose.ts'
import {
  responseMetrics,
  rewardMetrics,
  runningTotal,
  tokenMetrics,
  zeroVarianceShare,
} from '../watch/metrics.ts'
import { nothingToLearn } from '../watch/nothing-to-learn.ts'
import { seenBetween, seenMetrics } from '../watch/seen.ts'
import type { Groups } from './groups.ts'
import type { Reinforcement } from './job.ts'
import type { RlSettings } from './rl-settings.ts'
import type { ScoredRollout } from './score.ts'
import { comparedRewards } from './shape.ts'
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
  /** Why the run is given up, since there is nothing to learn from; null if it is not. */
  readonly givenUp: string | null
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
  onWarning,
}: Reinforcement): (outcome: StepOutcome, save: (directory: string) => Promise<void>) => Promise<Recorded> {
  const { store } = run
  const alarm = openAlarm(rewards, store)
  const warn = warner(onWarning)
  const weighted = rewards.filter(({ weight }) => weight !== 0).map(({ reward }) => reward.name)
  // in a control experiment, nothing is to be learned
  const goesOn =
    settings.whenNothingToLearn === 'continue' || settings.shuffleRewards || settings.rl.learningRate === 0
  return async (outcome, save) => {
    const { step } = outcome
    const scored = scoredRollouts(outcome)
    const before = store.metricsAt(step - 1)
    const metrics = stepMetrics(outcome, scored, before, settings.rl)
    const rows = scored.map((one) => toRow(one.rollout, one, 'train', one.advantage))
    const alarmed = alarm(before, metrics, rows)
    Object.assign(metrics, alarmed.metrics)
    const stopping = settings.alarm === 'stop' && alarmed.signs.length > 0
    const last = stopping || step === settings.steps
    const symptoms = symptomsOf(store, outcome, {
      metrics,
      rewards: weighted,
      shuffled: settings.shuffleRewards,
      last,
    })
    const givenUp = goesOn ? null : nothingToLearn(symptoms)
    const warnings = newWarnings(store, [...diagnose(symptoms), ...alarmed.signs]).filter(
      (message) => !givenUp?.includes(message),
    )
    for (const message of warnings) warn(`at step ${step}: ${message}`)
    const messages = givenUp === null ? warnings : [...warnings, givenUp]
    const events = messages.map((message) => ({ level: 'warning' as const, message }))
    run.complete(step, { metrics, rollouts: rows, events }, save)
    const evaluated: StepRecord = (await evaluate?.(step, last)) ?? {}
    store.record(step, evaluated)
    Object.assign(metrics, evaluated.metrics)
    onStep?.({ step, metrics, warnings, newest: scored.at(-1)!.rollout })
    return {
      last,
      stop: stopping ? { step, reason: alarmed.signs[0]! } : null,
      givenUp,
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
  rl: RlSettings,
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
    ...seenMetrics(before, step, scored, comparedRewards(groups, rl)),
    'speed/sampling': rollouts.reduce((sum, { tokens }) => sum + tokens, 0) / groups.samplingSeconds,
    'speed/training': updated.tokens / trainingSeconds,
    'time/sampling': groups.samplingSeconds,
    'time/training': trainingSeconds,
  }
}

/** What the diagnosis of a step reads. */
function symptomsOf(
  store: RunStore,
  { step, groups }: StepOutcome,
  given: Pick<Symptoms, 'rewards' | 'shuffled' | 'last'> & {
    readonly metrics: Readonly<Record<string, number>>
  },
): Symptoms {
  const { metrics, ...rest } = given
  const metricsAt = (s: number) => (s === step ? metrics : store.metricsAt(s))
  const from = Math.max(0, step - PATIENCE)
  return {
    window: Array.from({ length: step - from }, (_, i) => metricsAt(from + 1 + i)),
    samples: [...groups.used_P_G, ...groups.dropped_P_G].flat().map(({ rollout, ...scores }) => ({
      ...scores,
      question: rollout.question.prompt,
      gold: rollout.question.gold,
      text: rollout.response,
      answer: rollout.answer,
      stopReason: rollout.stopReason,
    })),
    all: seenBetween(metricsAt, 0, step),
    recent: seenBetween(metricsAt, from, step),
    ...rest,
  }
}

/** Those of the messages that this run does not have as warnings yet. */
function newWarnings(store: RunStore, messages: readonly string[]): string[] {
  const given = new Set(store.events().map(({ message }) => subject(message)))
  return messages.filter((message) => !given.has(subject(message)))
}
