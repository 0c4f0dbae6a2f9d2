import { stopwatch } from '../common/stopwatch.ts'
import type { Sampler, Scorer } from '../engines/contract.ts'
import type { Renderer } from '../renderer/renderer.ts'
import { type CheckedRollout, checkAll } from '../stages/evaluate/evaluate.ts'
import { rollOut } from '../stages/sample/rollouts.ts'
import type { Question, Task } from '../tasks/task.ts'

/** Sampled responses to a few questions, checked, and how long the sampling took. */
export interface Answers {
  /** One array of responses per question. */
  readonly checked_P_G: readonly (readonly CheckedRollout[])[]
  readonly seconds: number
}

interface Asking {
  /** Responses per question. */
  readonly samples: number
  readonly maxTokens: number
  readonly seed: number
}

/** Samples several responses to each question, as reinforcement learning does, and checks them. */
export async function ask(
  sampler: Sampler,
  renderer: Renderer,
  task: Task,
  questions: readonly Question[],
  { samples, maxTokens, seed }: Asking,
): Promise<Answers> {
  const seconds = stopwatch()
  const rollouts_P_G = await rollOut(sampler, renderer, task, questions, {
    group: samples,
    maxTokens,
    temperature: 1,
    stream: [seed, 'survey'],
  })
  const sampling = seconds()
  return { checked_P_G: await checkAll(rollouts_P_G), seconds: sampling }
}

/** How well a few questions were answered. */
export interface Score {
  readonly questions: number
  readonly responses: number
  readonly right: number
  /** Share of the responses that are right; NaN if none could be checked. */
  readonly passAt1: number
  /** Questions of which some responses are right and some are not: only these tell RL which responses are better. */
  readonly sometimes: number
  /** Share of the responses that the task cannot check. */
  readonly unchecked: number
  /** Share of the responses that reached the length limit. */
  readonly cut: number
  /** Mean tokens of a response, and the number that 95 % of the responses do not exceed. */
  readonly tokens: { readonly mean: number; readonly p95: number }
}

/** Counts right responses, by question and in all. */
export function score(checked_P_G: Answers['checked_P_G']): Score {
  const all = checked_P_G.flat()
  const known = all.filter(({ correct }) => correct !== null)
  const right = known.filter(({ correct }) => correct).length
  const lengths = all.map(({ tokens }) => tokens).sort((a, b) => a - b)
  const share = (count: number): number => count / all.length
  return {
    questions: checked_P_G.length,
    responses: all.length,
    right,
    passAt1: right / known.length,
    sometimes: checked_P_G.filter(
      (checked_G) =>
        checked_G.some(({ correct }) => correct === true) &&
        checked_G.some(({ correct }) => correct === false),
    ).length,
    unchecked: share(all.length - known.length),
    cut: share(all.filter(({ stopReason }) => stopReason === 'length').length),
    tokens: {
      mean: lengths.reduce((sum, n) => sum + n, 0) / all.length,
      p95: lengths[Math.ceil(0.95 * lengths.length) - 1] ?? 0,
    },
  }
}

/**
 * How well a model predicts the text of questions: −Σ log₂ π(token) over their characters, in the prompt that the model is
 * given. A model that knows the language needs 1 to 3 bits per character.
 */
export async function bitsPerCharacter(
  scorer: Scorer,
  renderer: Renderer,
  questions: readonly Question[],
): Promise<number> {
  const [before, after] = sharedTokens(renderer)
  const datums = questions.map((question) => {
    const { tokens } = renderer.prompt(question)
    const weights = new Float32Array(tokens.length - 1)
    // position t predicts token t + 1
    weights.fill(1, Math.max(before - 1, 0), Math.max(tokens.length - 1 - after, 0))
    return { tokens: tokens.subarray(0, -1), targets: tokens.subarray(1), weights }
  })
  const logprobs = await scorer.logprobs(datums)
  const nats = logprobs.flatMap((row) => [...row].filter((value) => !Number.isNaN(value)))
  const characters = questions.reduce((sum, { prompt }) => sum + [...prompt].length, 0)
  return -nats.reduce((sum, value) => sum + value, 0) / Math.LN2 / characters
}

/** Number of tokens with which every prompt begins, and ends. */
function sharedTokens(renderer: Renderer): [before: number, after: number] {
  const [one, other] = ['1', 'Q'].map((prompt) => renderer.prompt({ prompt }).tokens) as [
    Int32Array,
    Int32Array,
  ]
  const least = Math.min(one.length, other.length) - 1
  let before = 0
  while (before < least && one[before] === other[before]) before++
  let after = 0
  while (after < least - before && one.at(-1 - after) === other.at(-1 - after)) after++
  return [before, after]
}
