/** Characters of scripts without spaces between words. */
const CHARACTER = '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}]'
const PART = new RegExp(`${CHARACTER}|(?:(?!${CHARACTER})[\\p{L}\\p{M}])+`, 'gu')
const IS_CHARACTER = new RegExp(`^${CHARACTER}$`, 'u')

/** Two writing systems, with the length of a phrase in words or in characters. */
const LENGTHS = { words: 3, characters: 5 }
type Writing = keyof typeof LENGTHS
const WRITINGS = Object.keys(LENGTHS) as Writing[]

/** Phrases in the answers of a step, by the writing system of most of an answer. */
export type Phrases = Readonly<Record<Writing, Written>>

interface Written {
  readonly responses: number
  readonly questions: ReadonlySet<string>
  /** Number of answers that contain each phrase. */
  readonly counts: ReadonlyMap<string, number>
}

/** Counts the answers that contain each phrase. */
export function countPhrases(
  answers: readonly { readonly question: string; readonly text: string }[],
): Phrases {
  const empty = () => ({ responses: 0, questions: new Set<string>(), counts: new Map<string, number>() })
  const phrases = { words: empty(), characters: empty() }
  for (const { question, text } of answers) {
    const { writing, found } = phrasesOf(text)
    const written = phrases[writing]
    written.responses++
    written.questions.add(question)
    for (const phrase of found) written.counts.set(phrase, (written.counts.get(phrase) ?? 0) + 1)
  }
  return phrases
}

/** The distinct phrases of a text, without numbers and symbols. */
export function phrasesOf(text: string): { writing: Writing; found: Set<string> } {
  const parts = text.toLowerCase().match(PART) ?? []
  const characters = parts.filter((part) => IS_CHARACTER.test(part))
  const words = parts.filter((part) => !IS_CHARACTER.test(part))
  const writing = characters.length > words.length ? 'characters' : 'words'
  const units = { words, characters }[writing]
  const found = new Set<string>()
  for (let i = 0; i + LENGTHS[writing] <= units.length; i++)
    found.add(units.slice(i, i + LENGTHS[writing]).join(writing === 'words' ? ' ' : ''))
  return { writing, found }
}

/** A phrase in at most this share of the answers is rare. */
const RARE = 0.2
/** Minimum number of questions for a meaningful share: all answers to one question may repeat its words. */
const QUESTIONS = 10

export interface Spread {
  readonly phrase: string
  /** Shares of the answers that contain it, in the first and in the last steps. */
  readonly was: number
  readonly is: number
}

/** The phrase that is most frequent in the last steps among those that were rare in the first steps, or null. */
export function mostSpread(first: readonly Phrases[], last: readonly Phrases[]): Spread | null {
  let most: Spread | null = null
  for (const writing of WRITINGS) {
    const then = merged(first.map((phrases) => phrases[writing]))
    const now = merged(last.map((phrases) => phrases[writing]))
    if (then.questions.size < QUESTIONS || now.questions.size < QUESTIONS) continue
    for (const [phrase, count] of now.counts) {
      const spread = {
        phrase,
        was: (then.counts.get(phrase) ?? 0) / then.responses,
        is: count / now.responses,
      }
      if (spread.was <= RARE && spread.is > (most?.is ?? 0)) most = spread
    }
  }
  return most
}

function merged(steps: readonly Written[]): Written {
  const counts = new Map<string, number>()
  for (const step of steps)
    for (const [phrase, count] of step.counts) counts.set(phrase, (counts.get(phrase) ?? 0) + count)
  return {
    responses: steps.reduce((sum, { responses }) => sum + responses, 0),
    questions: new Set(steps.flatMap(({ questions }) => [...questions])),
    counts,
  }
}
