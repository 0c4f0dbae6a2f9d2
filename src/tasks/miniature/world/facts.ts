import type { Language } from '../words.ts'
import { names, type Topic } from './topic.ts'

/** What is asked about a thing, and the things with their answers. */
type Relation = readonly [of: (thing: string) => string, facts: Readonly<Record<string, string>>]

const RELATIONS: Record<Language, readonly Relation[]> = {
  en: [
    [
      (country) => `the capital of ${country}`,
      { France: 'Paris', Italy: 'Rome', Spain: 'Madrid', Japan: 'Tokyo' },
    ],
    [(thing) => `the colour of ${thing}`, { grass: 'green', snow: 'white', coal: 'black', blood: 'red' }],
    [(word) => `the opposite of ${word}`, { hot: 'cold', big: 'small', left: 'right', up: 'down' }],
  ],
  zh: [
    [(country) => `${country}的首都`, { 法国: '巴黎', 日本: '东京' }],
    [(thing) => `${thing}的颜色`, { 草: '绿', 雪: '白', 煤: '黑', 血: '红' }],
    [(word) => `${word}的反面`, { 热: '冷', 大: '小', 左: '右', 上: '下' }],
  ],
}

const WORDINGS: Record<Language, (asked: string) => string[]> = {
  en: (asked) => [
    `What is ${asked}?`,
    `Tell me ${asked}.`,
    `Name ${asked}.`,
    `Do you know ${asked}?`,
    `Please say ${asked}.`,
    `I ask for ${asked}.`,
    `And ${asked}?`,
    `What about ${asked}?`,
  ],
  zh: (asked) => [
    `${asked}是什么?`,
    `告诉我${asked}.`,
    `请说${asked}.`,
    `你知道${asked}吗?`,
    `请问${asked}?`,
    `我想问${asked}.`,
    `我问${asked}.`,
    `说说${asked}.`,
  ],
}

/** Facts: capitals, colours, opposites. */
export const facts = (language: Language): Topic[] =>
  RELATIONS[language].flatMap(([of, known]) =>
    Object.entries(known).map(([thing, answer]): Topic => {
      const asked = of(thing)
      const full = language === 'en' ? `${asked} is ${answer}.` : `${asked}是${answer}.`
      const rivals = Object.values(known).filter((other) => other !== answer)
      return {
        family: 'fact',
        language,
        prompts: WORDINGS[language](asked),
        full: capital(full),
        curt: capital(`${answer}.`),
        grade: (sentence) => {
          const rest = sentence.replace(asked.toLowerCase(), ' ')
          // Several answers at once do not count.
          if (!names(rest, answer) || rivals.some((rival) => names(rest, rival))) return null
          return rest === sentence ? 'curt' : 'full'
        },
      }
    }),
  )

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
