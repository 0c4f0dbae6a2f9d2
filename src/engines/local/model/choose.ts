import { Random } from '../../../common/random.ts'

export interface Choice {
  readonly token: number
  /**
   * log-prob under the distribution that the token was drawn from; equals the model's at temperature 1 without
   * truncation.
   */
  readonly samplingLogprob: number
}

/** The random stream of one sequence: token t depends only on (seed, index, t). */
export const streamOf = (seed: number, index: number): Random => new Random(seed, 'sample', index)

/**
 * Draws from the row `probs[at … at+size)` (which sums to 1) by temperature, then top-k, then top-p (the smallest set of
 * likeliest tokens with mass ≥ p). Temperature 0 takes the likeliest token.
 */
export function choose(
  probs: Float32Array,
  at: number,
  size: number,
  { temperature, topK, topP }: { temperature: number; topK: number; topP: number },
  random: Random,
): Choice {
  if (temperature === 0) {
    let best = 0
    for (let i = 1; i < size; i++) if (probs[at + i]! > probs[at + best]!) best = i
    return { token: best, samplingLogprob: 0 }
  }
  if (temperature === 1 && topK === 0 && topP === 1) {
    const token = draw(probs, at, size, random.uniform())
    return { token, samplingLogprob: Math.log(probs[at + token]!) }
  }
  let top = 0
  for (let i = 0; i < size; i++) top = Math.max(top, probs[at + i]!)
  // p^(1/T), scaled so that the likeliest token has 1
  const mass = Float64Array.from({ length: size }, (_, i) => (probs[at + i]! / top) ** (1 / temperature))
  let order = Array.from(mass.keys())
  if (topK > 0 || topP < 1) order.sort((a, b) => mass[b]! - mass[a]! || a - b)
  if (topK > 0) order = order.slice(0, topK)
  if (topP < 1) {
    const limit = topP * order.reduce((s, i) => s + mass[i]!, 0)
    let kept = 0
    for (let sum = 0; kept < order.length && sum < limit; kept++) sum += mass[order[kept]!]!
    order = order.slice(0, Math.max(1, kept))
  }
  const total = order.reduce((s, i) => s + mass[i]!, 0)
  const shares = Float64Array.from(order, (i) => mass[i]! / total)
  const token = order[draw(shares, 0, shares.length, random.uniform())]!
  return { token, samplingLogprob: Math.log(mass[token]! / total) }
}

/**
 * Inverse of the cumulative distribution `p[at … at+size)`. Rounding may leave a remainder above the sum, which selects
 * the last possible item.
 */
function draw(p: Float32Array | Float64Array, at: number, size: number, u: number): number {
  let left = u
  let last = 0
  for (let i = 0; i < size; i++) {
    const share = p[at + i]!
    if (share > 0) last = i
    left -= share
    if (left < 0) return i
  }
  return last
}
