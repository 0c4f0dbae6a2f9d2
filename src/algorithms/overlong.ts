/**
 * DAPO's soft overlong punishment, added to the reward of a response of `length` tokens: 0 up to maxTokens − buffer, then
 * linearly down to −1 at maxTokens (arXiv 2503.14476, eq. 13).
 *
 * @throws Error unless 0 < buffer ≤ maxTokens.
 */
export function overlongPunishment(length: number, maxTokens: number, buffer: number): number {
  if (!(buffer > 0 && buffer <= maxTokens))
    throw new Error(`overlong: the buffer must be 1 … ${maxTokens} tokens (maxTokens), got ${buffer}`)
  const soft = maxTokens - buffer
  if (length <= soft) return 0
  // ((L_max − L_cache) − |y|) / L_cache, and −1 beyond L_max
  return Math.max((soft - length) / buffer, -1)
}
