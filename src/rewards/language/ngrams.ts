import { eld } from 'eld/small'

/** In characters: more text does not make the detection more certain. */
const LONGEST = 1000

/**
 * The score of a language (ISO 639-1) for a text of these words, as a share of the best language's: 1 if it is the best;
 * `null` if no language is recognised.
 */
export function shareOfBest(words: readonly string[], language: string): number | null {
  const scores = eld.detect(words.join(' ').slice(0, LONGEST)).getScores()
  const best = Math.max(...Object.values(scores))
  return best > 0 ? (scores[language] ?? 0) / best : null
}
