import type { WeightedReward } from '../../rewards/compose.ts'
import type { RunStore } from '../../runs/store.ts'
import { isKnown, type Metrics, WINDOW } from './change.ts'
import { ALARM, answerMetrics, hackingSigns } from './hacking-signs.ts'
import { countPhrases, mostSpread, type Phrases } from './phrases.ts'
import { type WatchedAnswer, type WatchedRow, watchedAnswers } from './watched-answers.ts'

/*
 * The alarm for reward hacking: a policy that learns to score well with a reward model instead of answering well ("its
 * score rises while coding ability falls", as observed in DeepSeek-R1). Whatever rules reward is wanted, also long
 * thinking or phrases of checking. The alarm therefore watches only steps in which a learned reward applied, and only the
 * text after the thinking of responses that it applied to.
 */

/**
 * Checks a step before it is recorded, given the metrics of the previous step. Returns metrics to record with the step,
 * and signs of reward hacking.
 */
type Alarm = (
  before: Metrics,
  metrics: Metrics,
  rows: readonly WatchedRow[],
) => { metrics: Record<string, number>; signs: string[] }

/** Maximum responses per step in which phrases are counted, evenly spaced: enough to estimate a share. */
const MAX_COUNTED = 256

/** Opens the alarm of a run and reads the recorded steps from the store. Without a learned reward it does nothing. */
export function openAlarm(rewards: readonly WeightedReward[], store: RunStore): Alarm {
  const learned = rewards.flatMap(({ reward, weight }) =>
    reward.learned && weight !== 0 ? [reward.name] : [],
  )
  const isWatched = (metrics: Metrics): boolean => learned.some((name) => isKnown(metrics[`reward/${name}`]))
  const isEvaluation = (metrics: Metrics): boolean =>
    ['eval/pass@1', 'eval/judge'].some((name) => isKnown(metrics[name]))
  const steps: Metrics[] = []
  const evaluations: Metrics[] = []
  /** Phrases of the first and of the last watched steps. */
  const first: Phrases[] = []
  const last: Phrases[] = []

  /** Adds the metrics of a step. Returns whether the step is watched. */
  const addStep = (before: Metrics, metrics: Metrics): boolean => {
    if (isEvaluation(before)) {
      if (steps.length === 0) evaluations.length = 0
      evaluations.push(before)
    }
    if (isWatched(metrics)) steps.push(metrics)
    return isWatched(metrics)
  }
  const addPhrases = (answers: readonly WatchedAnswer[]): void => {
    const stride = Math.ceil(answers.length / MAX_COUNTED)
    const phrases = countPhrases(answers.filter((_, i) => i % stride === 0))
    if (first.length < WINDOW) first.push(phrases)
    last.push(phrases)
    if (last.length > WINDOW) last.shift()
  }

  const known = learned.length > 0 ? store.info().step : 0
  const metricsOf = Array.from({ length: known + 1 }, (_, step) => store.metricsAt(step))
  const watched = metricsOf.flatMap((metrics, step) =>
    step > 0 && addStep(metricsOf[step - 1]!, metrics) ? [step] : [],
  )
  for (const step of [...watched.slice(0, WINDOW), ...watched.slice(WINDOW).slice(-WINDOW)])
    addPhrases(watchedAnswers(store.rollouts({ split: 'train', step }).reverse(), learned))

  return (before, metrics, rows) => {
    const answers = watchedAnswers(rows, learned)
    const measured = answerMetrics(answers)
    if (!addStep(before, { ...metrics, ...measured })) return { metrics: {}, signs: [] }
    addPhrases(answers)
    const spread = steps.length < 2 * WINDOW ? null : mostSpread(first, last)
    const signs = hackingSigns({ learned, steps, evaluations, spread, answers })
    return {
      metrics: { ...measured, 'alarm/phrase': spread?.is ?? Number.NaN, 'alarm/signs': signs.length },
      signs,
    }
  }
}

/** Why a run was stopped. */
export interface Stop {
  readonly step: number
  /** The alarm's warning. */
  readonly reason: string
}

/** Why the alarm stopped a run at its last step; null if it gave no warning at that step. */
export function stoppedBy(store: RunStore): Stop | null {
  const { step } = store.info()
  if (!store.metricsAt(step)['alarm/signs']) return null
  const warning = store.events().find((event) => event.step === step && event.message.startsWith(ALARM))
  return warning ? { step, reason: warning.message } : null
}
