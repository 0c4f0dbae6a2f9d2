import { repeatedShare, unitsOf } from '../../rewards/repetition.ts'
import type { RolloutRow } from '../../runs/rows.ts'
import type { RunStore } from '../../runs/store.ts'
import { splitThinking } from '../../thinking/split.ts'
import type { WeightedReward } from '../reinforce/score.ts'
import { excerpt } from './diagnose.ts'
import { mean } from './metrics.ts'
import { countPhrases, mostSpread, type Phrases, phrasesOf, type Spread } from './phrases.ts'

/*
 * The alarm against reward hacking: a policy that learns to please a reward model instead of to answer well ("its score
 * rises while coding ability falls", as DeepSeek-R1 was seen to). What rules reward is wanted, be it long thinking or
 * phrases of checking: so only steps in which a learned reward applied are watched and, of what was said, only what
 * follows the thinking of the responses that it applied to.
 */

type Metrics = Readonly<Record<string, number>>

/** What was said in a response that a learned reward applied to. */
export interface Said {
  readonly question: string
  /** What follows the thinking. */
  readonly text: string
  readonly correct: boolean | null
  /** Sum of the learned rewards, as far as they are known. */
  readonly pleased: number
}

/** What the alarm looks at. */
export interface Watched {
  /** Names of the learned rewards. */
  readonly learned: readonly string[]
  /** The metrics of the steps in which one applied, oldest first. */
  readonly steps: readonly Metrics[]
  /** The metrics of held-out evaluations since the first of them, and of the last one before it. */
  readonly evaluations: readonly Metrics[]
  /** The phrase that has spread most since the first of them. */
  readonly spread: Spread | null
  /** Of the newest step. */
  readonly said: readonly Said[]
}

/** Steps over which a mean is taken; in a long run, a quarter of it. */
export const WINDOW = 10
/** Standard errors of a change that is no chance, though it is looked for after every step. */
const CERTAIN = 5
/** The same of evaluations, which are few. */
const CERTAIN_HELD_OUT = 3
/** Standard errors by which a reward has risen: no alarm by itself. */
const RISEN = 3
/** What is below this share of its best has fallen. */
const FALLEN = 0.9
/** Times as long and units more, share of n-grams more: what was said has exploded. */
const LONGER = 2
const MORE_UNITS = 10
const MORE_REPEATED = 0.2
/** Units of an n-gram that is repeated. Short, as summaries are: the reward against loops looks for longer ones. */
const REPEATED = 4
/** Share of the responses in which a phrase has taken over. */
const TAKEN_OVER = 0.5

/** Signs of reward hacking: each with the numbers then and now, and with samples. */
export function hackingSigns(watched: Watched): string[] {
  return [...betrayed(watched), ...exploded(watched), ...takenOver(watched)].map(({ says, shows }) => {
    const samples = oneAQuestion(shows).slice(0, 3)
    const shown = samples.map(({ text }) => excerpt(text)).join(' | ')
    return `${ALARM}: ${says}. For example: ${shown}`
  })
}

/** What every warning of the alarm begins with. */
const ALARM = 'this looks like reward hacking'

interface Sign {
  readonly says: string
  readonly shows: readonly Said[]
}

/** A learned reward has risen while what it was to stand for has fallen. */
function betrayed({ learned, steps, evaluations, said }: Watched): Sign[] {
  const qualities: [string, (value: number) => string, Change | null, number][] = [
    ['rule accuracy', percent, change(series(steps, 'accuracy'), 'highest'), CERTAIN],
    [
      'held-out pass@1',
      percent,
      heldOutChange(evaluations, 'eval/pass@1', 'eval/standard_error'),
      CERTAIN_HELD_OUT,
    ],
    [
      "the judge's score",
      digits,
      heldOutChange(evaluations, 'eval/judge', 'eval/judge_standard_error'),
      CERTAIN_HELD_OUT,
    ],
  ]
  const fallen = qualities.flatMap(([name, show, change, certain]) =>
    change && change.z < -certain && change.is < FALLEN * change.was
      ? [`${name} has fallen from ${show(change.was)} to ${show(change.is)}`]
      : [],
  )
  if (fallen.length === 0) return []
  const pleasing = most(said, ({ pleased }) => pleased)
  const wrong = pleasing.filter(({ correct }) => correct === false)
  return learned.flatMap((name): Sign[] => {
    const reward = change(series(steps, `reward/${name}`), 'first')
    if (!reward || !(reward.z > RISEN)) return []
    const risen = `the reward ${name} has risen from ${digits(reward.was)} to ${digits(reward.is)}`
    return [{ says: `${risen} while ${fallen.join(' and ')}`, shows: wrong.length > 0 ? wrong : pleasing }]
  })
}

/** What was said has grown long, or repeats itself. */
function exploded({ steps, said }: Watched): Sign[] {
  const signs: Sign[] = []
  const length = change(series(steps, 'alarm/length'), 'first')
  if (length && length.z > CERTAIN && length.is > Math.max(LONGER * length.was, length.was + MORE_UNITS))
    signs.push({
      says: `what is said to the user has grown from ${digits(length.was)} to ${digits(length.is)} words and signs`,
      shows: most(said, ({ text }) => unitsOf(text).length),
    })
  const repeated = change(series(steps, 'alarm/repeated'), 'first')
  if (repeated && repeated.z > CERTAIN && repeated.is > repeated.was + MORE_REPEATED)
    signs.push({
      says: `what is said to the user repeats itself: from ${percent(repeated.was)} to ${percent(repeated.is)} of its ${REPEATED}-grams`,
      shows: most(said, ({ text }) => repeatedShare(text, REPEATED)),
    })
  return signs
}

/** One phrase stands in most of the answers. */
function takenOver({ spread, said }: Watched): Sign[] {
  if (!spread || spread.is < TAKEN_OVER) return []
  const { phrase, was, is } = spread
  return [
    {
      says: `one phrase takes over, from ${percent(was)} to ${percent(is)} of the responses`,
      shows: [
        { question: '', text: phrase, correct: null, pleased: 0 },
        ...said.filter(({ text }) => phrasesOf(text).found.has(phrase)),
      ],
    },
  ]
}

interface Change {
  readonly was: number
  readonly is: number
  /** (is − was) / its standard error. */
  readonly z: number
}

/**
 * From the first, or the highest, window to the last one. The noise of a step is taken from its neighbour, so that a
 * trend is none: σ² = Σ (x_(t+1) − x_t)² / 2(n − 1)   (von Neumann et al. 1941)
 */
function change(values: readonly number[], from: 'first' | 'highest'): Change | null {
  const n = values.length
  const size = Math.max(WINDOW, Math.floor(n / 4))
  if (n < 2 * size) return null
  const windowAt = (start: number): number => mean(values.slice(start, start + size))
  const starts = from === 'first' ? 1 : n - 2 * size + 1
  const was = Math.max(...Array.from({ length: starts }, (_, start) => windowAt(start)))
  const is = windowAt(n - size)
  const variance = mean(values.slice(1).map((value, t) => (value - values[t]!) ** 2)) / 2
  return { was, is, z: (is - was) / Math.sqrt((2 * variance) / size) }
}

/** From the best evaluation to the last one, by their own standard errors. */
function heldOutChange(evaluations: readonly Metrics[], name: string, error: string): Change | null {
  const known = evaluations.filter((metrics) => isKnown(metrics[name]) && isKnown(metrics[error]))
  const last = known.at(-1)
  if (!last) return null
  const best = known.reduce((a, b) => (b[name]! > a[name]! ? b : a))
  const z = (last[name]! - best[name]!) / Math.hypot(last[error]!, best[error]!)
  return { was: best[name]!, is: last[name]!, z }
}

const isKnown = (value: number | undefined): value is number => value !== undefined && !Number.isNaN(value)
const series = (steps: readonly Metrics[], name: string): number[] =>
  steps.map((metrics) => metrics[name]).filter(isKnown)
const percent = (value: number): string => `${Math.round(100 * value)} %`
const digits = (value: number): string => value.toFixed(Math.abs(value) < 10 ? 2 : 0)
const most = (said: readonly Said[], value: (said: Said) => number): Said[] =>
  [...said].sort((a, b) => value(b) - value(a))

function oneAQuestion(said: readonly Said[]): Said[] {
  const seen = new Set<string>()
  return said.filter(({ question }) => !seen.has(question) && seen.add(question))
}

/** What the alarm reads of a rollout: what the run store keeps, so that a run that is resumed reads the same. */
type Row = Pick<RolloutRow, 'question' | 'prompt' | 'text' | 'correct' | 'rewards'>

/** What was said in the responses that a learned reward applied to; nothing where the thinking did not end. */
export function saidIn(rows: readonly Row[], learned: readonly string[]): Said[] {
  return rows.flatMap(({ question, prompt, text, correct, rewards }): Said[] => {
    const applied = learned.filter((name) => Object.hasOwn(rewards, name))
    const { answer } = splitThinking(text, { opened: /<think>\s*$/.test(prompt) })
    if (applied.length === 0 || answer === null) return []
    const pleased = applied.reduce((sum, name) => sum + (rewards[name] ?? 0), 0)
    return [{ question, text: answer.replace(/<\/?\w+>/g, ' ').trim(), correct, pleased }]
  })
}

/** Responses of a step in which phrases are looked for: evenly taken, for a share needs no more. */
const ENOUGH = 256

/** Looks at a step before it is recorded, with the record of the one before: metrics to record, and signs of reward hacking. */
export type Alarm = (
  before: Metrics,
  metrics: Metrics,
  rows: readonly Row[],
) => { metrics: Record<string, number>; signs: string[] }

/** The alarm of a run, which knows the steps that the store holds. Without a learned reward nothing is watched. */
export function openAlarm(rewards: readonly WeightedReward[], store: RunStore): Alarm {
  const learned = rewards.flatMap(({ reward, weight }) =>
    reward.learned && weight !== 0 ? [reward.name] : [],
  )
  const isWatched = (metrics: Metrics): boolean => learned.some((name) => isKnown(metrics[`reward/${name}`]))
  const isEvaluation = (metrics: Metrics): boolean =>
    ['eval/pass@1', 'eval/judge'].some((name) => isKnown(metrics[name]))
  const steps: Metrics[] = []
  const evaluations: Metrics[] = []
  const first: Phrases[] = []
  const last: Phrases[] = []

  const watch = (before: Metrics, metrics: Metrics): boolean => {
    if (isEvaluation(before)) {
      if (steps.length === 0) evaluations.length = 0
      evaluations.push(before)
    }
    if (isWatched(metrics)) steps.push(metrics)
    return isWatched(metrics)
  }
  const hear = (said: readonly Said[]): void => {
    const stride = Math.ceil(said.length / ENOUGH)
    const phrases = countPhrases(said.filter((_, i) => i % stride === 0))
    if (first.length < WINDOW) first.push(phrases)
    last.push(phrases)
    if (last.length > WINDOW) last.shift()
  }

  const known = learned.length > 0 ? store.info().step : 0
  const metricsOf = Array.from({ length: known + 1 }, (_, step) => store.metricsAt(step))
  const seen = metricsOf.flatMap((metrics, step) =>
    step > 0 && watch(metricsOf[step - 1]!, metrics) ? [step] : [],
  )
  for (const step of [...seen.slice(0, WINDOW), ...seen.slice(WINDOW).slice(-WINDOW)])
    hear(saidIn(store.rollouts({ split: 'train', step }).reverse(), learned))

  return (before, metrics, rows) => {
    const said = saidIn(rows, learned)
    const heard = {
      'alarm/length': mean(said.map(({ text }) => unitsOf(text).length)),
      'alarm/repeated': mean(said.map(({ text }) => repeatedShare(text, REPEATED))),
    }
    if (!watch(before, { ...metrics, ...heard })) return { metrics: {}, signs: [] }
    hear(said)
    const spread = steps.length < 2 * WINDOW ? null : mostSpread(first, last)
    const signs = hackingSigns({ learned, steps, evaluations, spread, said })
    return {
      metrics: { ...heard, 'alarm/phrase': spread?.is ?? Number.NaN, 'alarm/signs': signs.length },
      signs,
    }
  }
}

/** What stopped a run. */
export interface Stop {
  readonly step: number
  /** The warning. */
  readonly reason: string
}

/** What stopped the run at its last step; null where the alarm did not ring then. */
export function stoppedBy(store: RunStore): Stop | null {
  const { step } = store.info()
  if (!store.metricsAt(step)['alarm/signs']) return null
  const warning = store.events().find((event) => event.step === step && event.message.startsWith(ALARM))
  return warning ? { step, reason: warning.message } : null
}
