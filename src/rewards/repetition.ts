import { UserError } from '../common/errors.ts'
import type { Reward } from './reward.ts'

/** Units of an n-gram: honest solutions hardly ever repeat sixteen in a row, a loop does. */
export const NGRAM = 16

/** A word, an ideograph, a number, a sign, a run of white space; what goes on without a break is cut into pieces. */
const UNIT =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{M}]{1,16}|\p{N}{1,16}|\s{2,16}|\S/gu

/** A text in its units. */
export const unitsOf = (text: string): string[] => text.toLowerCase().match(UNIT) ?? []

/** Share of a text's n-grams that stood in it before; 0 where it is shorter than one. */
export function repeatedShare(text: string, n: number): number {
  const units = unitsOf(text)
  const total = units.length - n + 1
  if (total < 1) return 0
  const seen = new Set<string>()
  for (let i = 0; i < total; i++) seen.add(units.slice(i, i + n).join(' '))
  return 1 - seen.size / total
}

/**
 * Punishes repetition: −(repeated n-grams / n-grams) of the whole response. Yeo et al. (arXiv 2502.03373, §4.5) mark
 * repeated 40-grams of tokens, against responses that grow long by saying the same again.
 *
 * Range −1 … 0. Fooled by: a loop whose words change (a counter every few words); cycles longer than the response.
 */
export function repetition({ n = NGRAM }: { n?: number } = {}): Reward {
  if (!(Number.isInteger(n) && n >= 1))
    throw new UserError(`repetition: n must be a whole number of at least 1, not ${n}`, 2)
  return { name: 'repetition', score: ({ response }) => 0 - repeatedShare(response, n) }
}
