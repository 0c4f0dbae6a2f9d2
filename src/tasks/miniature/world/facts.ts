import type { Language } from '../words.ts'
import { names, type Topic } from './topic.ts'

/** What is asked of a thing, and the things with their answers. */
type Relation = readonly [of: (thing: string) => string, facts: Readonly<Record<string, string>>]

const RELATIONS: Record<Language, readonly Relation[]> = {
  en: [
    [
      (country) => `the capital of ${country}`,
      {
        France: 'Paris',
        Italy: 'Rome',
        Spain: 'Madrid',
        Japan: 'Tokyo',
        China: 'Beijing',
        Egypt: 'Cairo',
        Russia: 'Moscow',
        England: 'London',
      },
    ],
    [
      (thing) => `the colour of ${thing}`,
      { grass: 'green', snow: 'white', coal: 'black', blood: 'red', gold: 'yellow', water: 'blue' },
    ],
    [
      (animal) => `the child of a ${animal}`,
      { cat: 'a kitten', dog: 'a puppy', cow: 'a calf', sheep: 'a lamb', hen: 'a chick', horse: 'a foal' },
    ],
    [
      (word) => `the opposite of ${word}`,
      {
        hot: 'cold',
        big: 'small',
        old: 'new',
        fast: 'slow',
        up: 'down',
        day: 'night',
        open: 'shut',
        in: 'out',
      },
    ],
  ],
  zh: [
    [
      (country) => `${country}的首都`,
      {
        法国: '巴黎',
        英国: '伦敦',
        德国: '柏林',
        日本: '东京',
        中国: '北京',
        韩国: '首尔',
        泰国: '曼谷',
        埃及: '开罗',
      },
    ],
    [(thing) => `${thing}的颜色`, { 草: '绿色', 雪: '白色', 煤: '黑色', 血: '红色', 金: '黄色', 海: '蓝色' }],
    [
      (animal) => `${animal}的孩子`,
      { 猫: '小猫', 狗: '小狗', 牛: '小牛', 羊: '小羊', 鸡: '小鸡', 马: '小马' },
    ],
    [
      (word) => `${word}的反面`,
      { 热: '冷', 大: '小', 旧: '新', 快: '慢', 上: '下', 长: '短', 开: '关', 里: '外' },
    ],
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
  ],
  zh: (asked) => [
    `${asked}是什么?`,
    `告诉我${asked}.`,
    `请说${asked}.`,
    `你知道${asked}吗?`,
    `请问${asked}?`,
    `我想问${asked}.`,
  ],
}

/** Facts: capitals, colours, animals' young, opposites. */
export const facts = (language: Language): Topic[] =>
  RELATIONS[language].flatMap(([of, known]) =>
    Object.entries(known).map(([thing, answer]): Topic => {
      const asked = of(thing)
      const sentence = language === 'en' ? `${asked} is ${answer}.` : `${asked}是${answer}.`
      const rivals = Object.values(known).filter((other) => other !== answer)
      return {
        family: 'fact',
        language,
        prompts: WORDINGS[language](asked),
        full: capital(sentence),
        curt: capital(`${answer}.`),
        grade: (said) => {
          const told = said.replace(asked.toLowerCase(), ' ')
          // Several answers are none.
          if (!names(told, answer) || rivals.some((rival) => names(told, rival))) return null
          return told === said ? 'curt' : 'full'
        },
      }
    }),
  )

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
