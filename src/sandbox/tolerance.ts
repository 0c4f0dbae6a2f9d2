const NUMBER = /[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/
const PARTS = new RegExp(`(${NUMBER.source})`)
const WHOLE = /^[-+]?\d+$/

/** How far a number may be from the expected one, as a share of it or, below 1, absolutely; by the expected spelling. */
export type Tolerance = (expected: string) => number

/**
 * The tolerance where the tests name none. A number with many digits after the point was rounded, and the last digits
 * depend on how: it is compared to six of them (to five, if it has no more), as graders do. Any other is compared exactly.
 */
export const ofDigits: Tolerance = (expected) => {
  const digits = /\.(\d*)/.exec(expected)?.[1]?.length ?? 0
  return digits < 5 ? 0 : digits === 5 ? 1e-5 : 1e-6
}

/** For results that are values, not text: their last binary digits depend on the order of operations. */
export const ofValues: Tolerance = (expected) =>
  WHOLE.test(expected) ? 0 : Math.max(1e-9, ofDigits(expected))

/** Is a number within the tolerance of the expected one? Two whole numbers are compared digit by digit. */
export function isNear(given: string, expected: string, tolerance: Tolerance): boolean {
  if (given === expected) return true
  const allowed = tolerance(expected)
  if (allowed === 0 || (WHOLE.test(given) && WHOLE.test(expected))) return false
  const [x, y] = [Number(given), Number(expected)]
  return Math.abs(x - y) <= allowed * Math.max(1, Math.abs(y))
}

/** Is a text the expected one, except for numbers within the tolerance? */
export function isNearText(given: string, expected: string, tolerance: Tolerance): boolean {
  if (given === expected) return true
  // Numbers are at the odd places.
  const [a, b] = [given.split(PARTS), expected.split(PARTS)]
  return (
    a.length === b.length &&
    a.every((part, i) => part === b[i] || (i % 2 === 1 && isNear(part, b[i]!, tolerance)))
  )
}
