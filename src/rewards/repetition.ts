import { UserError } from '../common/errors.ts'
import type { Reward } from './reward.ts'

/** The default length of an n-gram in units. Honest solutions almost never repeat sixteen in a row; loops do. */
export const NGRAM = 16

/** A word, an ideograph, a number, a punctuation mark or a run of white space; long runs are cut into pieces. */
const UNIT =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{M}]{1,16}|\p{N}{1,16}|\s{2,16}|\S/gu

/** Splits a text into units, ignoring case. */
export const unitsOf = (text: string): string[] => text.toLowerCase().match(UNIT) ?? []

/** The share of a text's n-grams that have occurred in it before; 0 if the text is shorter than one n-gram. */
export function repeatedShare(text: string, n: number): number {
  const units = unitsOf(text)
  const total = units.length - n + 1
  if (total < 1) return 0
  const seen = new Set<string>()
  for (let i = 0; i < total; i++) seen.add(units.slice(i, i + n).join(' '))
  return 1 - seen.size / total
}

/**
 * A penalty on repetition: −(repeated n-grams / n-grams) of the whole response. Yeo et al. (arXiv 2502.03373, §4.5)
 * penalise repeated 40-grams of tokens, so that responses do not grow longer by repeating themselves.
 *
 * Range −1 … 0. Fooled by: a loop with changing words (such as a counter); text that repeats itself only beyond the end.
 *
 * @throws UserError unless n is a whole number of at least 1.
 */
export function repetition({ n = NGRAM }: { n?: number } = {}): Reward {
  if (!(Number.isInteger(n) && n >= 1))
    throw new UserError(`repetition: n must be a whole number of at least 1, not ${n}`, 2)
  return {
    name: 'repetition',
    score: ({ response }) => 0 - repeatedShare(response, n),
    reason: (_, score) =>
      score === 0
        ? `no ${n} words in a row are repeated`
        : `${Math.round(-100 * score!)} % of its runs of ${n} words are repetitions`,
  }
}
