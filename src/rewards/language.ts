import type { Reward } from './reward.ts'

const SCRIPTS = { en: /\p{Script=Latin}/u, zh: /\p{Script=Han}/u }
/** A language that thinking can be measured in. */
export type Language = keyof typeof SCRIPTS

/** What belongs to no language: code, LaTeX, tags, numbers. */
const NEUTRAL =
  /```[\s\S]*?(?:```|$)|`[^`\n]*`|\$\$[\s\S]*?\$\$|\\\[[\s\S]*?\\\]|\\\([\s\S]*?\\\)|\$[^$\n]*\$|\\[a-zA-Z]+|<\/?\w+>|\d+(?:[.,]\d+)*/g

const segmenter = new Intl.Segmenter('en', { granularity: 'word' })
const LETTER = /\p{L}/u
const ASCII = /^[\p{ASCII}]*$/u

/**
 * Share of the words of a text that are in a language, told by their script (English: Latin, Chinese: Han).
 * `null`: there are no words; code, LaTeX and numbers are none.
 */
export function languageShare(text: string, language: Language): number | null {
  const plain = text.replace(NEUTRAL, ' ')
  if (!LETTER.test(plain)) return null
  // Latin alone: the share is known without a segmentation.
  if (ASCII.test(plain)) return Number(language === 'en')
  let words = 0
  let inLanguage = 0
  for (const { segment } of segmenter.segment(plain)) {
    if (!LETTER.test(segment)) continue
    words++
    if (SCRIPTS[language].test(segment)) inLanguage++
  }
  return inLanguage / words
}

/** Whether a text mixes languages: it has both Latin and Han words outside code, LaTeX and numbers. */
export function isMixed(text: string): boolean {
  if (ASCII.test(text)) return false
  const plain = text.replace(NEUTRAL, ' ')
  return SCRIPTS.en.test(plain) && SCRIPTS.zh.test(plain)
}

/**
 * Language consistency: words of the thinking in the task's language / words (DeepSeek-R1, Nature 645, Methods). No or
 * empty thinking has 0; thinking without words (sums alone) mixes nothing and has 1.
 */
export const language: Reward = {
  name: 'language',
  score: ({ thinking, task }) => (thinking ? (languageShare(thinking, task.language) ?? 1) : 0),
}
