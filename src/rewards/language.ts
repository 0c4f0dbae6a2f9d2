import { isLatin, isWrittenIn, type LatinLanguage } from './latin.ts'
import type { Reward } from './reward.ts'

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

/** What belongs to no language: code, LaTeX, tags, numbers. What is opened and never closed is not taken out. */
const NEUTRAL =
  /```[\s\S]*?```|`[^`\n]*`|\$\$[\s\S]*?\$\$|\\\[(?:(?!\\\[)[\s\S])*?\\\]|\\\((?:(?!\\\()[\s\S])*?\\\)|\$[^$\n]*\$|\\[a-zA-Z]+|<\/?\w+>|\d+(?:[.,]\d+)*/g

const segmenter = new Intl.Segmenter('en', { granularity: 'word' })
const LETTER = /\p{L}/u
/** A letter that stands alone is a variable or a sign; an ideograph or a syllable is a word. */
const SIGN = /^(?![\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}])\p{L}\p{M}*$/u
const ASCII = /^[\p{ASCII}]*$/u

/**
 * Share of the words of a text that are in a language: by their script, and among languages of one script line by line
 * (a line that is too short to tell is as the whole text). `null`: there are no words. Code, LaTeX and numbers are no
 * words, nor is, in another script than the language's, a lone letter or a word of the `question` (a name).
 */
export function languageShare(text: string, language: Language, { question = '' } = {}): number | null {
  const plain = text.replace(NEUTRAL, ' ')
  if (!LETTER.test(plain)) return null
  const lines = plain.split(/\n+/)
  const whole = isForeign(plain, language) ?? false
  const foreign = lines.map((line) => isForeign(line, language) ?? whole)
  // Latin alone, every line in the language: the share is known without a segmentation.
  if (isLatin(language) && ASCII.test(plain) && !foreign.includes(true)) return 1
  const script = scriptOf(language)
  const names = new Set(wordsOf(question))
  let words = 0
  let inLanguage = 0
  for (const [i, line] of lines.entries())
    for (const word of wordsOf(line)) {
      const ofScript = script.test(word)
      if (!ofScript && (SIGN.test(word) || names.has(word))) continue
      words++
      if (ofScript && !foreign[i]) inLanguage++
    }
  return words === 0 ? null : inLanguage / words
}

/** Is a text in another language of the same script? `null`: there is too little to tell. */
function isForeign(text: string, language: Language): boolean | null {
  if (language === 'zh') return KANA.test(text)
  if (!isLatin(language)) return null
  const own = isWrittenIn(text, language)
  return own === null ? null : !own
}

/** In pieces, since the time of a segmentation grows with the square of the length. */
function wordsOf(text: string): string[] {
  return (text.match(/[\s\S]{1,1000}/gu) ?? []).flatMap((piece) =>
    Array.from(segmenter.segment(piece), ({ segment }) => segment).filter((word) => LETTER.test(word)),
  )
}

/** Whether a text mixes languages: it has both Latin and Han words outside code, LaTeX and numbers. */
export function isMixed(text: string): boolean {
  if (ASCII.test(text)) return false
  const plain = text.replace(NEUTRAL, ' ')
  return LATIN.test(plain) && HAN.test(plain)
}

/**
 * Language consistency: words of the thinking in the question's language / words (DeepSeek-R1, Nature 645, Methods). No or
 * empty thinking has 0; thinking without words (sums alone) mixes nothing and has 1.
 *
 * Range 0 … 1. Fooled by: sums without words; words inside code or LaTeX; words of the question; a language that
 * borrows the script (pinyin, a Latin language without a list of function words).
 */
export const language: Reward = {
  name: 'language',
  score: ({ thinking, task, question }) =>
    thinking
      ? (languageShare(thinking, question.language ?? task.language, { question: question.prompt }) ?? 1)
      : 0,
}
