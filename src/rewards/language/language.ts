import { chineseOrJapanese } from './han.ts'
import { isCertainlyOther, isLatin, isWrittenIn, type LatinLanguage, lead, longWords } from './latin.ts'
import { shareOfBest } from './ngrams.ts'
import { proseOf, sentencesOf } from './prose.ts'

const LATIN = /\p{Script=Latin}/u
const HAN = /\p{Script=Han}/u
const SCRIPTS = {
  zh: HAN,
  ja: /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u,
  ko: /\p{Script=Hangul}/u,
  ru: /\p{Script=Cyrillic}/u,
}

/** A language that thinking can be measured in. */
export type Language = LatinLanguage | keyof typeof SCRIPTS

const scriptOf = (language: Language): RegExp => (isLatin(language) ? LATIN : SCRIPTS[language])

const segmenter = new Intl.Segmenter('en', { granularity: 'word' })
const LETTER = /\p{L}/u
/** A single letter is a variable, except that an ideograph or a syllable is a word. */
const VARIABLE = /^(?![\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}])\p{L}\p{M}*$/u
const KANA = /^[\p{Script=Hiragana}\p{Script=Katakana}ー]+$/u
/** Units and functions, which all languages write in the same way. */
const SYMBOLS = new Set(
  'mm cm dm km mg kg ml dl hl kW kWh Hz kHz MHz GHz kB MB GB min sin cos tan cot log ln exp lim max min mod gcd lcm'.split(
    ' ',
  ),
)
/** Points of a figure, or an abbreviation: GCD, ABCD. */
const CAPITALS = /^\p{Lu}{2,4}$/u
const ASCII = /^[\p{ASCII}]*$/u

/** Fewest words in Latin script whose language should be recognisable. */
const ENOUGH_LATIN = 8
/** Fewest words of a clause that is in the language, within a sentence that is not. */
const ENOUGH_CLAUSE = 5

/**
 * The share of the words of a text that are in a language; `null` if there are no words or, in Latin script, if their
 * language is unknown. Words are classified by their script, and languages of the same script clause by clause. A clause
 * that is too short to classify counts like its sentence, such a sentence like the whole text, and a text of fewer than
 * eight words as in the language. Code, formulas and numbers are not words, except for sentences inside them. Neither are
 * words in another script that are symbols (variables, units, points) or occur in the `question` (names).
 */
export function languageShare(text: string, language: Language, { question = '' } = {}): number | null {
  const prose = proseOf(text)
  if (!LETTER.test(prose)) return null
  const whole = isForeign(prose, language)
  const sentences = sentencesOf(prose).map((text) => ({ text, foreign: isForeign(text, language) }))
  const clauses = sentences.flatMap(({ text, foreign }) => {
    if (!isLatin(language)) return [{ text, foreign: foreign ?? whole ?? false }]
    return clausesOf(text, language, foreign ?? (whole === true && (lead(text, language) ?? 0) <= 0))
  })
  if (isLatin(language) && hasEnoughLatin(prose) && (lead(prose, language) ?? -1) < 0) {
    const isKnown =
      whole !== null ||
      sentences.some(({ foreign }) => foreign !== null) ||
      clauses.some(({ foreign }) => foreign)
    if (!isKnown) return null
  }
  // Pure ASCII with every clause in the language: the share is 1 without a segmentation.
  if (isLatin(language) && ASCII.test(prose) && !clauses.some(({ foreign }) => foreign)) return 1
  const script = scriptOf(language)
  const names = new Set(wordsOf(question))
  let words = 0
  let inLanguage = 0
  for (const { text, foreign } of clauses) {
    const all = wordsOf(text)
    for (const [i, word] of all.entries()) {
      const inScript = script.test(word)
      if (!inScript && (names.has(word) || isSymbol(word, all[i - 1], all[i + 1]))) continue
      words++
      // Kana are Japanese also in a Chinese sentence.
      if (inScript && (!foreign || (language === 'ja' && KANA.test(word)))) inLanguage++
    }
  }
  return words === 0 ? null : inLanguage / words
}

/**
 * The language consistency of a text: the share of its words that are in a language. A text without words, such as plain
 * arithmetic, is consistent. `null` if the language of its words is unknown.
 */
export function consistencyOf(
  text: string,
  language: Language,
  options: { question?: string } = {},
): number | null {
  const share = languageShare(text, language, options)
  return share === null && !(isLatin(language) && hasEnoughLatin(proseOf(text))) ? 1 : share
}

const hasEnoughLatin = (prose: string): boolean => longWords(prose).length >= ENOUGH_LATIN

/** Whether a word in another script is a symbol; capitals are one where they stand alone. */
function isSymbol(word: string, before = '', after = ''): boolean {
  if (VARIABLE.test(word) || SYMBOLS.has(word)) return true
  return CAPITALS.test(word) && !LATIN.test(before) && !LATIN.test(after)
}

/** The clauses of a sentence in Latin script. A clause may be in another language than the rest. */
function clausesOf(
  sentence: string,
  language: LatinLanguage,
  foreign: boolean,
): readonly { readonly text: string; readonly foreign: boolean }[] {
  const parts = sentence.split(/(?<=[,;:()—])/)
  if (parts.length === 1) return [{ text: sentence, foreign }]
  return parts.map((text) => ({
    text,
    foreign: foreign
      ? longWords(text).length < ENOUGH_CLAUSE || isWrittenIn(text, language) !== true
      : isCertainlyOther(text, language),
  }))
}

/** Whether a text is in another language of the same script; `null` if there is too little text to tell. */
function isForeign(text: string, language: Language): boolean | null {
  if (isLatin(language)) {
    const written = isWrittenIn(text, language)
    return written === null ? null : !written
  }
  if (language === 'ru') return isNotRussian(text)
  if (language === 'ko') return null
  const seen = chineseOrJapanese(text)
  return seen === null ? null : seen !== language
}

const CYRILLIC = /\p{Script=Cyrillic}{2,}/gu
const NOT_RUSSIAN = /(?![а-яё])\p{Script=Cyrillic}/iu
/** Fewest words of which n-grams tell Russian from the other languages in Cyrillic script. */
const ENOUGH_CYRILLIC = 6

/** Whether a text in Cyrillic script is not Russian: by its letters, or by n-grams. `null` if there is too little text. */
function isNotRussian(text: string): boolean | null {
  const words = text.match(CYRILLIC) ?? []
  const others = words.filter((word) => NOT_RUSSIAN.test(word)).length
  if (others >= 2 && others > words.length / 10) return true
  const share = words.length < ENOUGH_CYRILLIC ? null : shareOfBest(words, 'ru')
  return share === null ? null : share < 1
}

/** The words of a text. It is segmented in pieces, since the time of a segmentation grows with the square of the length. */
function wordsOf(text: string): string[] {
  return (text.match(/[\s\S]{1,1000}/gu) ?? []).flatMap((piece) =>
    Array.from(segmenter.segment(piece), ({ segment }) => segment).filter((word) => LETTER.test(word)),
  )
}
