import { type Language, PHRASES } from '../words.ts'
import { readReasoning } from './reasoning.ts'

/** Phrases that rewriting replaces, in the first person. A guess is left out. */
const TIDY: Partial<Record<keyof typeof PHRASES, Record<Language, string>>> = {
  result: { en: 'So I get', zh: '我得到' },
  quick: { en: 'I get', zh: '我得到' },
  try: { en: 'I try', zh: '我试' },
  check: { en: 'I check', zh: '我检查' },
  know: { en: '', zh: '' },
  guess: { en: '', zh: '' },
}

/** Each phrase, in either language, with its tidy words; long phrases first, since some begin with others. */
const REWRITTEN = Object.entries(PHRASES)
  .flatMap(([phrase, wordings]) =>
    Object.values(wordings).map(
      (words) => [words, TIDY[phrase as keyof typeof PHRASES] ?? wordings] as const,
    ),
  )
  .sort(([a], [b]) => b.length - a.length)
const ANY = new RegExp(
  // Latin phrases must begin and end at word boundaries.
  REWRITTEN.map(([words]) => words.replaceAll('.', '\\.'))
    .map((words) => (/^\w/.test(words) ? `\\b${words}${/\w$/.test(words) ? '\\b' : ''}` : words))
    .join('|'),
  'g',
)
const TO = new Map<string, Record<Language, string>>(REWRITTEN)

/** The chain in one language and in the first person. Its sums and its lines stay as they are. */
const tidyChain = (chain: string, language: Language): string =>
  chain
    .split('\n')
    .map((line) => line.replace(ANY, (words) => TO.get(words)![language]).trim())
    .filter((line) => line !== '')
    .join('\n')

/** A readable chain and a summary with the answer; null if the chain is empty after rewriting. */
export function rewrite(question: string, chain: string, answer: string): string | null {
  const language: Language = /\p{Script=Han}/u.test(question) ? 'zh' : 'en'
  const tidy = tidyChain(chain, language)
  if (tidy === '') return null
  const summary =
    readReasoning(question)?.summary(answer) ??
    (language === 'en' ? `The answer is \\boxed{${answer}}.` : `答案是 \\boxed{${answer}}.`)
  return `<think>\n${tidy}\n</think>\n${summary}`
}
