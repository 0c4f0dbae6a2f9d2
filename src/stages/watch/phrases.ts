/** Characters of scripts that put no spaces between words. */
const CHARACTER = '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}]'
const PART = new RegExp(`${CHARACTER}|(?:(?!${CHARACTER})[\\p{L}\\p{M}])+`, 'gu')
const IS_CHARACTER = new RegExp(`^${CHARACTER}$`, 'u')

/** Two ways of writing, each with phrases of its own: so many words, or so many characters. */
const LENGTHS = { words: 3, characters: 5 }
type Writing = keyof typeof LENGTHS
const WRITINGS = Object.keys(LENGTHS) as Writing[]

/** The phrases of a step's responses, by the way in which most of a response is written. */
export type Phrases = Readonly<Record<Writing, Written>>

interface Written {
  readonly responses: number
  readonly questions: ReadonlySet<string>
  /** Phrase → the responses in which it stands. */
  readonly counts: ReadonlyMap<string, number>
}

/** Counts in how many responses each phrase stands. */
export function countPhrases(said: readonly { readonly question: string; readonly text: string }[]): Phrases {
  const empty = () => ({ responses: 0, questions: new Set<string>(), counts: new Map<string, number>() })
  const phrases = { words: empty(), characters: empty() }
  for (const { question, text } of said) {
    const { writing, found } = phrasesOf(text)
    const written = phrases[writing]
    written.responses++
    written.questions.add(question)
    for (const phrase of found) written.counts.set(phrase, (written.counts.get(phrase) ?? 0) + 1)
  }
  return phrases
}

/** The phrases of a text, each once. Numbers and signs are no part of them. */
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

/** A phrase that stands in no more of the responses has not taken over. */
const RARE = 0.2
/** Questions without which a share says nothing: all responses to one question may well have its words. */
const QUESTIONS = 10

export interface Spread {
  readonly phrase: string
  /** Share of the responses in which it stands. */
  readonly was: number
  readonly is: number
}

/** The phrase that stands in most responses of the last steps, of those that were rare in the first. */
export function mostSpread(first: readonly Phrases[], last: readonly Phrases[]): Spread | null {
  let most: Spread | null = null
  for (const writing of WRITINGS) {
    const then = together(first.map((phrases) => phrases[writing]))
    const now = together(last.map((phrases) => phrases[writing]))
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

function together(steps: readonly Written[]): Written {
  const counts = new Map<string, number>()
  for (const step of steps)
    for (const [phrase, count] of step.counts) counts.set(phrase, (counts.get(phrase) ?? 0) + count)
  return {
    responses: steps.reduce((sum, { responses }) => sum + responses, 0),
    questions: new Set(steps.flatMap(({ questions }) => [...questions])),
    counts,
  }
}
