import { extract, verify } from '../../verify/index.ts'

/**
 * Are two responses' answers the same? They are found in the responses as `extract` does, and compared with `verify`, each
 * as the gold of the other. Answers that verify cannot read are the same if their text is.
 */
export function sameAnswer(a: string, b: string): boolean {
  const [x, y] = [a, b].map((text) => extract(text) ?? text.trim()) as [string, string]
  return x === y || verify(x, y).equal === true || verify(y, x).equal === true
}
