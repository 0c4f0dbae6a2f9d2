import type { Verdict } from '../../task.ts'
import type { Language } from '../words.ts'
import { names, plain, type Topic } from './topic.ts'

/** A topic to write a number of lines about. */
export interface Writing extends Topic {
  readonly family: 'write'
  readonly lines: number
  /** The word that every line must have. */
  readonly about: string
  /** Lines that do. */
  readonly examples: readonly string[]
  /** What to think before. */
  readonly plan: string
}

const THINGS: Record<Language, Readonly<Record<string, string>>> = {
  en: {
    cat: 'soft',
    dog: 'good',
    sea: 'blue',
    rain: 'cold',
    rose: 'red',
    hill: 'high',
    moon: 'round',
    wind: 'cold',
    bird: 'small',
    tree: 'high',
    snow: 'white',
    tea: 'hot',
  },
  zh: {
    猫: '软',
    狗: '好',
    海: '蓝',
    雨: '冷',
    花: '红',
    山: '高',
    月: '圆',
    风: '冷',
    鸟: '小',
    树: '高',
    雪: '白',
    茶: '热',
  },
}

const WORDINGS: Record<Language, (n: number, thing: string) => string[]> = {
  en: (n, thing) => [
    `Write ${n} lines about the ${thing}.`,
    `Please write ${n} lines about the ${thing}.`,
    `Give me ${n} lines about the ${thing}.`,
    `I need ${n} lines about the ${thing}.`,
    `Can you write ${n} lines about the ${thing}?`,
  ],
  zh: (n, thing) => [
    `写 ${n} 行${thing}.`,
    `请写 ${n} 行${thing}.`,
    `给我 ${n} 行${thing}.`,
    `我要 ${n} 行${thing}.`,
    `能写 ${n} 行${thing}吗?`,
  ],
}

const EXAMPLES: Record<Language, (thing: string, property: string) => string[]> = {
  en: (thing, property) => [`I see the ${thing}.`, `I like the ${thing}.`, `The ${thing} is ${property}.`],
  zh: (thing, property) => [`我看${thing}.`, `我爱${thing}.`, `${thing}很${property}.`],
}

/** Writing: two or three lines about a thing. */
export const writing = (language: Language): Writing[] =>
  Object.entries(THINGS[language]).flatMap(([about, property]) =>
    [2, 3].map((lines) => {
      const examples = EXAMPLES[language](about, property)
      const full = examples.slice(0, lines).join('\n')
      return {
        family: 'write',
        language,
        prompts: WORDINGS[language](lines, about),
        lines,
        about,
        examples,
        plan: language === 'en' ? `I write ${lines} lines about the ${about}.` : `我写 ${lines} 行${about}.`,
        full,
        curt: full,
        grade: (sentence) => (names(sentence, about) ? 'full' : null),
      }
    }),
  )

/** Rules count the lines, which must differ, and look for the topic in each. */
export function checkWriting({ lines, about }: Writing, answer: string | null): Verdict {
  const written = (answer ?? '').split('\n').map(plain).filter(Boolean)
  if (written.length !== lines) return { correct: false, reason: `${written.length} lines, not ${lines}` }
  if (new Set(written).size < lines) return { correct: false, reason: 'a line comes twice' }
  const off = written.find((line) => !names(line, about))
  return off === undefined
    ? { correct: true, reason: `${lines} lines about "${about}"` }
    : { correct: false, reason: `"${off}" is not about "${about}"` }
}
