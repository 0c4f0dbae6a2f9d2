import type { Verdict } from '../../task.ts'
import type { Language } from '../words.ts'
import { names, plain, type Topic } from './topic.ts'

/** A topic to write a number of lines about. */
export interface Writing extends Topic {
  readonly family: 'write'
  readonly lines: number
  /** The word that every line must contain. */
  readonly about: string
  /** Lines that contain it. */
  readonly examples: readonly string[]
  /** The thinking before the lines. */
  readonly plan: string
}

const THINGS: Record<Language, readonly string[]> = {
  en: ['books', 'eggs', 'apples', 'Tom', 'Anna', 'the shop'],
  zh: ['书', '蛋', '车', '花', '鸟', '海'],
}

const WORDINGS: Record<Language, (n: number, thing: string) => string[]> = {
  en: (n, thing) => [
    `Write ${n} lines about ${thing}.`,
    `Please write ${n} lines about ${thing}.`,
    `Give me ${n} lines about ${thing}.`,
    `I need ${n} lines about ${thing}.`,
    `Can you write ${n} lines about ${thing}?`,
    `I ask for ${n} lines about ${thing}.`,
    `Say ${n} lines about ${thing}.`,
    `I want ${n} lines about ${thing}.`,
  ],
  zh: (n, thing) => [
    `写 ${n} 行${thing}.`,
    `请写 ${n} 行${thing}.`,
    `给我 ${n} 行${thing}.`,
    `我要 ${n} 行${thing}.`,
    `能写 ${n} 行${thing}吗?`,
    `说 ${n} 行${thing}.`,
    `请说 ${n} 行${thing}.`,
    `我想要 ${n} 行${thing}.`,
  ],
}

const EXAMPLES: Record<Language, (thing: string) => string[]> = {
  en: (thing) => [`I see ${thing}.`, `I like ${thing}.`, `I know ${thing}.`],
  zh: (thing) => [`我看${thing}.`, `我爱${thing}.`, `我有${thing}.`],
}

/** Requests to write two or three lines about a thing. */
export const writing = (language: Language): Writing[] =>
  THINGS[language].flatMap((about) =>
    [2, 3].map((lines) => {
      const examples = EXAMPLES[language](about)
      const full = examples.slice(0, lines).join('\n')
      return {
        family: 'write',
        language,
        prompts: WORDINGS[language](lines, about),
        lines,
        about,
        examples,
        plan: language === 'en' ? `I write ${lines} lines about ${about}.` : `我写 ${lines} 行${about}.`,
        full,
        curt: full,
        grade: (sentence) => (names(sentence, about) ? 'full' : null),
      }
    }),
  )

/** Checks the number of lines, that they differ, and that each contains the topic. */
export function checkWriting({ lines, about }: Writing, answer: string | null): Verdict {
  const written = (answer ?? '').split('\n').map(plain).filter(Boolean)
  if (written.length !== lines) return { correct: false, reason: `${written.length} lines, not ${lines}` }
  if (new Set(written).size < lines) return { correct: false, reason: 'a line comes twice' }
  const off = written.find((line) => !names(line, about))
  return off === undefined
    ? { correct: true, reason: `${lines} lines about "${about}"` }
    : { correct: false, reason: `"${off}" is not about "${about}"` }
}
