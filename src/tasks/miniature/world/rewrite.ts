import { type Language, PHRASES } from '../words.ts'
import { readReasoning } from './reasoning.ts'

/** How a tidy chain says what others say between their sums: in the first person. A guess says nothing. */
const TIDY: Partial<Record<keyof typeof PHRASES, Record<Language, string>>> = {
  result: { en: 'So I get', zh: '我得到' },
  quick: { en: 'I get', zh: '我得到' },
  try: { en: 'I try', zh: '我试' },
  check: { en: 'I check', zh: '我检查' },
  know: { en: '', zh: '' },
  guess: { en: '', zh: '' },
}

/** What each phrase, in either language, is rewritten to; long ones first, as some begin like others. */
const REWRITTEN = Object.entries(PHRASES)
  .flatMap(([phrase, said]) =>
    Object.values(said).map((words) => [words, TIDY[phrase as keyof typeof PHRASES] ?? said] as const),
  )
  .sort(([a], [b]) => b.length - a.length)
const ANY = new RegExp(
  // Latin phrases stand between the borders of words.
  REWRITTEN.map(([words]) => words.replaceAll('.', '\\.'))
    .map((words) => (/^\w/.test(words) ? `\\b${words}${/\w$/.test(words) ? '\\b' : ''}` : words))
    .join('|'),
  'g',
)
const TO = new Map<string, Record<Language, string>>(REWRITTEN)

/** A chain in one language and in the first person: its sums stay as they are, and so do its lines. */
const tidyChain = (chain: string, language: Language): string =>
  chain
    .split('\n')
    .map((line) => line.replace(ANY, (words) => TO.get(words)![language]).trim())
    .filter((line) => line !== '')
    .join('\n')

/** A readable chain and a summary that ends with the answer. `null`: the chain gives no reason for its answer. */
export function rewrite(question: string, chain: string, answer: string): string | null {
  const language: Language = /\p{Script=Han}/u.test(question) ? 'zh' : 'en'
  const tidy = tidyChain(chain, language)
  if (tidy === '') return null
  const summary =
    readReasoning(question)?.summary(answer) ??
    (language === 'en' ? `The answer is \\boxed{${answer}}.` : `答案是 \\boxed{${answer}}.`)
  return `<think>\n${tidy}\n</think>\n${summary}`
}
