import { Random } from '../../../../common/random.ts'
import type { SampleOptions } from '../../../contract.ts'
import { Candidates, checked, draw } from './candidates.ts'

export interface Choice {
  readonly token: number
  /** log-prob under the distribution that the token was drawn from: see `SampledSequence.samplingLogprobs`. */
  readonly samplingLogprob: number
}

/** The random stream of one sequence: token t depends only on (seed, index, t). */
export const streamOf = (seed: number, index: number): Random => new Random(seed, 'sample', index)

const candidates = new Candidates()

/**
 * Draws from the row `probs[at … at+size)`, which is a softmax at the temperature, truncated by top-k, then top-p, then
 * min-p: see `Truncation`. Temperature 0 takes the likeliest token.
 *
 * @throws UserError if the row is not a distribution.
 */
export function choose(
  probs: Float32Array,
  at: number,
  size: number,
  {
    temperature,
    topK = 0,
    topP = 1,
    minP = 0,
  }: Pick<SampleOptions, 'temperature' | 'topK' | 'topP' | 'minP'>,
  random: Random,
): Choice {
  if (temperature === 0) return { token: likeliest(probs, at, size), samplingLogprob: 0 }
  const all = topK === 0 || topK >= size
  if (all && topP === 1 && minP === 0) {
    const token = draw(probs, at, size, random.uniform())
    return { token, samplingLogprob: Math.log(probs[at + token]!) }
  }
  candidates.load(probs, at, size)
  if (!all) candidates.keepCount(topK)
  if (topP < 1) candidates.keepShare(topP)
  if (minP > 0) candidates.keepNearTop(minP)
  const { token, probability } = candidates.draw(random.uniform())
  return { token, samplingLogprob: Math.log(probability) }
}

/** The `count` likeliest tokens of a row, likeliest first (the lower id first if two are equally likely). */
export function likeliestTokens(
  probs: Float32Array,
  at: number,
  size: number,
  count: number,
): { token: number; logprob: number }[] {
  candidates.load(probs, at, size)
  candidates.keepCount(count)
  return candidates.tokens
    .map((token) => ({ token, logprob: Math.log(probs[at + token]!) }))
    .sort((a, b) => b.logprob - a.logprob || a.token - b.token)
}

function likeliest(probs: Float32Array, at: number, size: number): number {
  let best = 0
  for (let i = 1; i < size; i++) if (probs[at + i]! > probs[at + best]!) best = i
  return checked(probs, at, best)
}
