import type { Question } from '../../task.ts'
import { readFill, solutionsOf } from '../fill.ts'
import type { Language } from '../words.ts'

/** A problem of the miniature, read back from its wording. */
export interface Reasoning {
  readonly question: Question
  /** The summary of a solution with this answer. */
  summary(answer: string): string
}

/** Reads a running total or missing operators; null where the prompt is neither. */
export function readReasoning(prompt: string): Reasoning | null {
  const language: Language = /\p{Script=Han}/u.test(prompt) ? 'zh' : 'en'
  const about = { id: prompt, prompt, language }
  const operators = /(?:Fill in|从左填入) ((?:[-+*] )+)/.exec(prompt)?.[1]
  if (operators !== undefined) {
    const gaps = prompt.match(/\?/g)?.length
    const level = operators.includes('*') ? 2 : gaps === 2 ? 1 : 3
    const problem = readFill(prompt, level)
    const gold = problem && solutionsOf(problem)[0]
    if (!gold) return null
    return {
      question: { ...about, gold, kind: `fill/${level}` },
      summary: (answer) =>
        language === 'en' ? `The result is \\boxed{${answer}}.` : `填成 \\boxed{${answer}}.`,
    }
  }
  const expression = /(?:Compute|计算) (\d+(?:[-+]\d+(?:\*\d+)?)+)/.exec(prompt)?.[1]
  if (expression !== undefined)
    return {
      question: { ...about, ...arithmetic(expression) },
      summary: (answer) =>
        language === 'en' ? `The result is \\boxed{${answer}}.` : `结果是 \\boxed{${answer}}.`,
    }
  const story = /^(?:(.+) has (\d+) (\w+)|(.+)有 (\d+) (.+?))\. /.exec(prompt)
  if (story === null) return null
  const [who, start, thing] = story.slice(1).filter((group) => group !== undefined)
  const events = prompt.matchAll(/(gets|sells|得到|卖出) (\d+)(?: (?:groups of|组) (\d+))?\./g)
  const terms = Array.from(events, ([, verb, a, b]) => {
    const sign = verb === 'gets' || verb === '得到' ? '+' : '-'
    return b === undefined ? `${sign}${a}` : `${sign}${a}*${b}`
  })
  if (terms.length === 0) return null
  return {
    question: { ...about, ...arithmetic(start + terms.join('')) },
    summary: (answer) =>
      language === 'en' ? `${who} has \\boxed{${answer}} ${thing}.` : `${who}有 \\boxed{${answer}} ${thing}.`,
  }
}

/** The value of an expression such as `18+3*3+57`, and its kind by the number of events. */
function arithmetic(expression: string): { gold: string; kind: string } {
  const terms = [...expression.matchAll(/([-+]?)(\d+)(?:\*(\d+))?/g)]
  const values = terms.map(([, sign, a, b]) => (sign === '-' ? -1 : 1) * Number(a) * Number(b ?? 1))
  return {
    gold: String(values.reduce((sum, value) => sum + value, 0)),
    kind: `arithmetic/${terms.length - 1}`,
  }
}
