/**
 * pass@k: the probability that at least one of k responses to a question is right, estimated without bias from n ≥ k
 * responses of which c are right (Chen et al. 2021, arXiv 2107.03374, equation 1).
 *
 * @returns NaN, unknown, if there are fewer than k responses.
 */
export function passAtK(n: number, c: number, k: number): number {
  if (k > n) return Number.NaN
  // 1 − C(n−c, k) / C(n, k) = 1 − Π_{i = n−c+1}^{n} (1 − k/i), a product without large numbers
  let none = 1
  for (let i = n - c + 1; i <= n; i++) none *= Math.max(0, 1 - k / i)
  return 1 - none
}

/**
 * best-of-k: the probability that the response with the highest score among k is right, estimated without bias from n ≥ k
 * scored responses. Of equal scores, the response that comes first wins.
 *
 * @returns NaN, unknown, if there are fewer than k responses.
 */
export function bestOfK(
  responses: readonly { readonly score: number; readonly right: boolean }[],
  k: number,
): number {
  const n = responses.length
  if (k > n) return Number.NaN
  const ranked = responses.toSorted((a, b) => b.score - a.score)
  // Σ_r right_r · C(n−r, k−1) / C(n, k), where r = 1, 2, … is the rank; the first ratio is k / n
  let wins = k / n
  let sum = 0
  for (const [i, { right }] of ranked.entries()) {
    sum += right ? wins : 0
    // C(n−r−1, k−1) / C(n−r, k−1) = (n−r−k+1) / (n−r)
    const left = n - i - 1
    wins *= left > 0 ? Math.max(0, left - k + 1) / left : 0
  }
  return sum
}
