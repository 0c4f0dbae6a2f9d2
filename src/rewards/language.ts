import { isLatin, isWrittenIn, type LatinLanguage } from './latin.ts'

const LATIN = /\p{Script=Latin}/u
const HAN = /\p{Script=Han}/u
const KANA = /[\p{Script=Hiragana}\p{Script=Katakana}]/u
const SCRIPTS = {
  zh: HAN,
  ja: /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u,
  ko: /\p{Script=Hangul}/u,
  ru: /\p{Script=Cyrillic}/u,
}

/** A language that thinking can be measured in. */
export type Language = LatinLanguage | keyof typeof SCRIPTS

const scriptOf = (language: Language): RegExp => (isLatin(language) ? LATIN : SCRIPTS[language])

/** What belongs to no language: code, LaTeX, tags, numbers. Code and LaTeX that are never closed do not match. */
const NEUTRAL =
  /```[\s\S]*?```|`[^`\n]*`|\$\$[\s\S]*?\$\$|\\\[(?:(?!\\\[)[\s\S])*?\\\]|\\\((?:(?!\\\()[\s\S])*?\\\)|\$[^$\n]*\$|\\[a-zA-Z]+|<\/?\w+>|\d+(?:[.,]\d+)*/g

const segmenter = new Intl.Segmenter('en', { granularity: 'word' })
const LETTER = /\p{L}/u
/** A single letter is a variable, except that an ideograph or a syllable is a word. */
const VARIABLE = /^(?![\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}])\p{L}\p{M}*$/u
const ASCII = /^[\p{ASCII}]*$/u

/**
 * The share of the words of a text that are in a language, or `null` if there are no words. Words are told apart by their
 * script, and languages of the same script line by line; a line that is too short to tell counts like the whole text.
 * Code, LaTeX and numbers are not words. Neither are words in another script that are single letters (variables) or occur
 * in the `question` (names).
 */
export function languageShare(text: string, language: Language, { question = '' } = {}): number | null {
  const plain = text.replace(NEUTRAL, ' ')
  if (!LETTER.test(plain)) return null
  const lines = plain.split(/\n+/)
  const whole = isForeign(plain, language) ?? false
  const foreign = lines.map((line) => isForeign(line, language) ?? whole)
  // Pure ASCII with every line in the language: the share is 1 without a segmentation.
  if (isLatin(language) && ASCII.test(plain) && !foreign.includes(true)) return 1
  const script = scriptOf(language)
  const names = new Set(wordsOf(question))
  let words = 0
  let inLanguage = 0
  for (const [i, line] of lines.entries())
    for (const word of wordsOf(line)) {
      const inScript = script.test(word)
      if (!inScript && (VARIABLE.test(word) || names.has(word))) continue
      words++
      if (inScript && !foreign[i]) inLanguage++
    }
  return words === 0 ? null : inLanguage / words
}

/** Whether a text is in another language of the same script; `null` if there is too little text to tell. */
function isForeign(text: string, language: Language): boolean | null {
  if (language === 'zh') return KANA.test(text)
  if (!isLatin(language)) return null
  const written = isWrittenIn(text, language)
  return written === null ? null : !written
}

/** The words of a text. It is segmented in pieces, since the time of a segmentation grows with the square of the length. */
function wordsOf(text: string): string[] {
  return (text.match(/[\s\S]{1,1000}/gu) ?? []).flatMap((piece) =>
    Array.from(segmenter.segment(piece), ({ segment }) => segment).filter((word) => LETTER.test(word)),
  )
}

/** Whether a text mixes languages: it has both Latin and Han characters outside code, LaTeX and numbers. */
export function isMixed(text: string): boolean {
  if (ASCII.test(text)) return false
  const plain = text.replace(NEUTRAL, ' ')
  return LATIN.test(plain) && HAN.test(plain)
}
