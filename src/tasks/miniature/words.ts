import type { Random } from '../../common/random.ts'

export type Language = 'en' | 'zh'

/** Phrases between the sums of a chain of thought, in both languages. */
export const PHRASES = {
  first: { en: 'First', zh: '首先' },
  next: { en: 'Next', zh: '接着' },
  result: { en: 'So the result is', zh: '结果是' },
  quick: { en: 'Quick', zh: '快速' },
  know: { en: 'I think I know this.', zh: '我知道.' },
  guess: { en: 'I guess.', zh: '我猜.' },
  try: { en: 'Try', zh: '试' },
  check: { en: 'check', zh: '检查' },
  recheck: { en: 'Let me check.', zh: '再检查.' },
  same: { en: 'Yes.', zh: '对.' },
  right: { en: 'Yes, right.', zh: '对, 没错.' },
  wrong: { en: 'Wait, wrong.', zh: '等等, 错了.' },
  stop: { en: 'I stop here.', zh: '停下.' },
} as const

export type Phrase = keyof typeof PHRASES

/** The words of a phrase, in a language that may differ from phrase to phrase. */
export type Say = (phrase: Phrase) => string

/** Phrases in `language`, each with probability `mixing` in the other language instead. */
export function voice(random: Random, language: Language, mixing = 0): Say {
  const other = language === 'en' ? 'zh' : 'en'
  return (phrase) => PHRASES[phrase][random.uniform() < mixing ? other : language]
}

/**
 * How a problem is solved: Directly; Short (several operations at once, or one unchecked try); Long (step by step, or a few
 * checked tries); Verifying (every step checked, or checked tries until one is right).
 */
export type Style = 'D' | 'S' | 'L' | 'V'

/** A chain of thought and its answer, which slips can make wrong. */
export interface Solution {
  readonly chain: string
  readonly answer: string
}

/** How a chain is written. */
export interface Writing {
  readonly style: Style
  readonly say: Say
  /** Whether calculations may slip and direct answers may be wrong, as in the corpus. */
  readonly slips: boolean
}
