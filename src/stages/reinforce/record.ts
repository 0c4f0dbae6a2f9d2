import { subject, warner } from '../../common/warnings.ts'
import type { StepRecord } from '../../runs/rows.ts'
import type { RunStore } from '../../runs/store.ts'
import { toRow } from '../sample/rollouts.ts'
import { openAlarm, type Stop, stoppedBy } from '../watch/alarm.ts'
import { diagnose, PATIENCE, type Symptoms } from '../watch/diagnose.ts'
import {
  responseMetrics,
  rewardMetrics,
  runningTotal,
  tokenMetrics,
  zeroVarianceShare,
} from '../watch/metrics.ts'
import { givenUp, NothingToLearn, nothingToLearn } from '../watch/nothing-to-learn.ts'
import { seenBetween, seenMetrics } from '../watch/seen.ts'
import type { CurriculumTask } from './curriculum.ts'
import type { Groups } from './groups.ts'
import type { Reinforcement, ReinforceSettings } from './job.ts'
import type { ReferencePolicy } from './reference.ts'
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
  /** How many updates older the weights are that the groups were sampled with. */
  readonly staleness: number
}

/** Records the steps of a run, evaluates the policy, writes checkpoints, and decides whether the training goes on. */
interface Recorder {
  /**
   * Continues where an earlier session ended: does the evaluation after its last step, if it was stopped during that.
   * Resolves to the reason why the training has already stopped, or null.
   *
   * @throws NothingToLearn if the run was given up.
   */
  resume(): Promise<Stop | null>
  /**
   * Records the metrics, the rollouts and the warnings of a step whose update is done, then evaluates the policy and writes
   * a checkpoint if these are due. Resolves to the reason why the training stops after this step, or null.
   *
   * @throws NothingToLearn if the run is given up.
   */
  record(outcome: StepOutcome): Promise<Stop | null>
}

/** Opens the recorder of a run. The reference policy is saved in the checkpoints; the curriculum learns what was answered. */
export function openRecorder(
  job: Reinforcement,
  reference: ReferencePolicy | null,
  curriculum: Pick<CurriculumTask, 'record'>,
): Recorder {
  const { run, trainer, rewards, settings, evaluate, onStep, onWarning } = job
  const { store } = run
  const alarm = openAlarm(rewards, store)
  const warn = warner(onWarning)
  const weighted = rewards.filter(({ weight }) => weight !== 0).map(({ reward }) => reward.name)
  // in a control experiment, nothing is to be learned; a teacher teaches whatever the rewards are
  const goesOn =
    settings.whenNothingToLearn === 'continue' ||
    settings.shuffleRewards ||
    settings.rl.learningRate === 0 ||
    Boolean(job.teacher)

  const save = async (directory: string): Promise<void> => {
    await trainer.save(directory, { optimizer: true })
    await reference?.save(directory)
  }
  const endStep = (step: number, last: boolean, { metrics }: StepRecord): Promise<void> =>
    run.endStep({
      due: last || step % settings.checkpointEvery === 0,
      seconds: settings.checkpointSeconds,
      last,
      score: metrics?.['eval/pass@1'] ?? null,
    })

  return {
    async resume() {
      const { step } = store.info()
      const stopped = settings.alarm === 'stop' ? stoppedBy(store) : null
      if (step > 0 && !isEvaluated(store.metricsAt(step))) {
        const last = stopped !== null || step === settings.steps
        const evaluated = (await evaluate?.(step, last)) ?? {}
        if (isEvaluated(evaluated.metrics)) {
          run.complete(step, evaluated, save)
          await endStep(step, last, evaluated)
        }
      }
      const reason = stopped === null ? givenUp(store) : null
      if (reason !== null) throw new NothingToLearn(reason)
      return stopped
    },

    async record(outcome) {
      const { step } = outcome
      const scored = scoredRollouts(outcome)
      const before = store.metricsAt(step - 1)
      const metrics = stepMetrics(outcome, scored, before, settings)
      const rows = scored.map((one) => ({
        ...toRow(one.rollout, one, 'train', one.advantage),
        ...(one.entropies && { entropies: one.entropies }),
      }))
      const alarmed = alarm(before, metrics, rows)
      const drawn = curriculum.record(step, scored)
      Object.assign(metrics, alarmed.metrics, drawn.metrics)
      const stopping = settings.alarm === 'stop' && alarmed.signs.length > 0
      const last = stopping || step === settings.steps

      const symptoms = symptomsOf(store, outcome, {
        metrics,
        rewards: weighted,
        shuffled: settings.shuffleRewards,
        taught: Boolean(job.teacher),
        last,
      })
      const reason = goesOn ? null : nothingToLearn(symptoms)
      const warnings = newWarnings(store, [
        ...diagnose(symptoms),
        ...alarmed.signs,
        ...drawn.warnings,
      ]).filter((message) => !reason?.includes(message))
      for (const message of warnings) warn(`at step ${step}: ${message}`)
      const messages = reason === null ? warnings : [...warnings, reason]
      const events = messages.map((message) => ({ level: 'warning' as const, message }))
      run.complete(step, { metrics, rollouts: rows, events }, save)

      const evaluated = (await evaluate?.(step, last)) ?? {}
      store.record(step, evaluated)
      Object.assign(metrics, evaluated.metrics)
      onStep?.({ step, metrics, warnings, newest: scored.at(-1)!.rollout })
      await endStep(step, last, evaluated)
      if (reason !== null) throw new NothingToLearn(reason)
      return stopping ? { step, reason: alarmed.signs[0]! } : null
    },
  }
}

const isEvaluated = (metrics: Readonly<Record<string, number>> = {}): boolean =>
  Object.keys(metrics).some((name) => name.startsWith('eval/'))

type Recordable = ScoredRollout & {
  readonly advantage: number | null
  readonly entropies: Float32Array | null
}

/** The used rollouts of a step with their final rewards and advantages, then those of dropped groups. */
function scoredRollouts({ groups, rewards_P_G, advantages_P_G, updated }: StepOutcome): Recordable[] {
  let example = 0
  const used = groups.used_P_G.flatMap((scored_G, p) =>
    scored_G.map((scored, g) => {
      const advantage = advantages_P_G[p]![g]!
      const entropies = advantage === null ? null : (updated.entropies[example++] ?? null)
      return { ...scored, total: rewards_P_G[p]![g]!, advantage, entropies }
    }),
  )
  return [
    ...used,
    ...groups.dropped_P_G.flat().map((scored) => ({ ...scored, advantage: null, entropies: null })),
  ]
}

function stepMetrics(
  { step, groups, rewards_P_G, updated, staleness }: StepOutcome,
  scored: readonly Recordable[],
  before: Readonly<Record<string, number>>,
  { rl, async }: ReinforceSettings,
): Record<string, number> {
  const rollouts = scored.map(({ rollout }) => rollout)
  return {
    ...rewardMetrics(scored),
    ...responseMetrics(rollouts),
    ...tokenMetrics(updated.sequences),
    ...(rl.interruption && {
      'length/interrupted': rollouts.filter(({ inserted }) => inserted).length / rollouts.length,
    }),
    'groups/zero_variance': zeroVarianceShare([
      ...rewards_P_G,
      ...groups.dropped_P_G.map((scored_G) => scored_G.map(({ total }) => total)),
    ]),
    loss: updated.loss,
    grad_norm: updated.gradNorm ?? Number.NaN,
    ...(updated.teacherKl !== null && { 'teacher/kl': updated.teacherKl }),
    ...(async && {
      'async/staleness': staleness,
      'importance/mean': updated.importance?.mean ?? Number.NaN,
      'importance/max': updated.importance?.max ?? Number.NaN,
    }),
    learning_rate: updated.learningRate,
    'total/flops': runningTotal(before, 'total/flops', step, updated.flops),
    'total/tokens': runningTotal(before, 'total/tokens', step, updated.tokens),
    ...seenMetrics(before, step, scored, comparedRewards(groups, rl)),
    'speed/sampling': rollouts.reduce((sum, { tokens }) => sum + tokens, 0) / groups.samplingSeconds,
    'speed/training': updated.tokens / updated.seconds,
    'time/sampling': groups.samplingSeconds,
    'time/training': updated.seconds,
  }
}

/** What the diagnosis of a step reads. */
function symptomsOf(
  store: RunStore,
  { step, groups }: StepOutcome,
  given: Pick<Symptoms, 'rewards' | 'shuffled' | 'taught' | 'last'> & {
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
