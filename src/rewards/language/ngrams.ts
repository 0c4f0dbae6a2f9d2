import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { eld } from 'eld/small'

/** In characters: more text does not make the detection more certain. */
const LONGEST = 1000

/**
 * The score of a language (ISO 639-1) for a text of these words, as a share of the best language's: 1 if it is the best;
 * `null` if no language is recognised.
 */
export function shareOfBest(words: readonly string[], language: string): number | null {
  const scores = detector().detect(words.join(' ').slice(0, LONGEST)).getScores()
  const best = Math.max(...Object.values(scores))
  return best > 0 ? (scores[language] ?? 0) / best : null
}

let loaded: typeof eld | undefined

/** The detector, loaded when it is first needed: its data takes 140 MB of memory and 0.2 s or more. */
function detector(): typeof eld {
  if (loaded === undefined) {
    // The package has no entry for `require`, which is given the file of the other.
    const file = fileURLToPath(import.meta.resolve('eld/small'))
    loaded = (createRequire(import.meta.url)(file) as { eld: typeof eld }).eld
  }
  return loaded
}
