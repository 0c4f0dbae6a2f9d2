import type { Datum } from '../../engines/contract.ts'
import type { SampledResponse } from '../sample/rollouts.ts'

/**
 * A rollout as a training sequence of T = prompt + response − 1 positions. It has exactly the sampled tokens: text is
 * never encoded again. Prompt positions have weight 0, and so have tokens that were put in; the response's i-th token is the
 * target of position prompt − 1 + i.
 */
export function toDatum(rollout: SampledResponse, weight: number): Datum & { logprobs: Float32Array } {
  const { promptTokens, sequence, inserted } = rollout
  const first = promptTokens.length - 1
  const length = first + sequence.tokens.length
  const all = new Int32Array(length + 1)
  all.set(promptTokens)
  all.set(sequence.tokens, promptTokens.length)
  const weights = new Float32Array(length).fill(weight, first)
  if (inserted) weights.fill(0, first + inserted.from, first + inserted.to)
  return {
    tokens: all.subarray(0, length),
    targets: all.subarray(1),
    weights,
    logprobs: perPosition(rollout, sequence.logprobs),
  }
}

/** An array with one value for each token of the response, as a per-position array: 0 for the prompt. */
export function perPosition({ promptTokens }: SampledResponse, values: Float32Array): Float32Array {
  const first = promptTokens.length - 1
  const positions = new Float32Array(first + values.length)
  positions.set(values, first)
  return positions
}

/** The values of a per-position array at the tokens that the policy sampled. */
export function sampledPart(
  { promptTokens, inserted }: SampledResponse,
  positions: Float32Array,
): Float32Array {
  const response = positions.subarray(promptTokens.length - 1)
  return inserted ? response.filter((_, i) => i < inserted.from || i >= inserted.to) : response
}

/** The number of tokens that the policy sampled. */
export const sampledTokens = ({ sequence, inserted }: SampledResponse): number =>
  sequence.tokens.length - (inserted ? inserted.to - inserted.from : 0)
