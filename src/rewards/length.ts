import { overlongPunishment } from '../algorithms/overlong.ts'
import { UserError } from '../common/errors.ts'
import { plural } from '../common/words.ts'
import { CHECK_TIMEOUT_MS } from './accuracy.ts'
import type { Reward } from './reward.ts'

/**
 * DAPO's soft overlong punishment as a reward: 0 up to `maxTokens − buffer` tokens, then linearly down to −1.
 *
 * Range −1 … 0. Fooled by: a short wrong answer, which costs nothing; combine it with accuracy.
 *
 * @throws UserError unless 1 ≤ buffer ≤ maxTokens.
 */
export function overlong({ maxTokens, buffer }: { maxTokens: number; buffer: number }): Reward {
  if (!(buffer >= 1 && buffer <= maxTokens))
    throw new UserError(
      `overlong: the buffer must be 1 to ${maxTokens} tokens (rl.maxTokens), not ${buffer}`,
      2,
    )
  return {
    name: 'overlong',
    score: ({ tokens }) => overlongPunishment(tokens, maxTokens, buffer),
    reason: ({ tokens }) => `${plural(tokens, 'token')}; more than ${maxTokens - buffer} are punished`,
  }
}

/** The paper's numbers. */
export const COSINE = { correct: [2, 1], wrong: [-10, 0], exceeded: -10 } as const

export interface CosineOptions {
  /** Scores of a right answer of length 0 and of the maximum length. */
  readonly correct?: readonly [short: number, long: number]
  /** Scores of a wrong answer of length 0 and of the maximum length. */
  readonly wrong?: readonly [short: number, long: number]
  /** Score of a response that was cut off. */
  readonly exceeded?: number
}

/**
 * Accuracy that varies with the length along a cosine (Yeo et al., arXiv 2502.03373, §4.2): a right answer scores higher
 * the shorter the response is, a wrong one the longer it is. Use it instead of accuracy.
 *
 * Range −10 … 2 with the paper's numbers; `null` if the task cannot tell. Fooled by: padding a wrong answer, most easily by
 * repetition, which is why the paper combines it with a repetition penalty.
 *
 * @throws UserError if some wrong answer could score as much as a right one.
 */
export function cosine({
  maxTokens,
  correct = COSINE.correct,
  wrong = COSINE.wrong,
  exceeded = COSINE.exceeded,
}: CosineOptions & { maxTokens: number }): Reward {
  if (Math.min(...correct) <= Math.max(...wrong))
    throw new UserError(
      `cosine: a wrong answer must never pay as much as a right one (correct ${correct.join(' … ')}, wrong ${wrong.join(' … ')})`,
      2,
    )
  return {
    name: 'cosine',
    timeoutMs: CHECK_TIMEOUT_MS,
    async score({ verdict, tokens, stopReason }) {
      if (stopReason === 'length') return exceeded
      const isCorrect = (await verdict()).correct
      if (isCorrect === null) return null
      const [short, long] = isCorrect ? correct : wrong
      // long + (short − long) / 2 · (1 + cos(π · tokens / maxTokens))
      return long + ((short - long) / 2) * (1 + Math.cos((Math.PI * tokens) / maxTokens))
    },
    async reason({ verdict, tokens, stopReason }) {
      if (stopReason === 'length') return `cut off after ${plural(tokens, 'token')}`
      return `${(await verdict()).reason}; ${tokens} of at most ${plural(maxTokens, 'token')}`
    },
  }
}
