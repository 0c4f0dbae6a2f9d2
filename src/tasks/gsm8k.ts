import { readFileSync } from 'node:fs'
import { UserError } from '../errors.ts'
import { hashText, Random } from '../random.ts'
import { equal, over, parseDecimal, type Rational } from './rational.ts'
import type { Question, Task, Verdict } from './task.ts'

/**
 * Questions from a JSONL file with the columns `question` and `answer`, as GSM8K has them: the gold answer is the
 * number after `####` (or the whole answer where there is none). A tenth, by a hash of the question, is held out.
 *
 * @throws UserError for a file that cannot be read or a bad row, with its line.
 */
export function gsm8k(path: string): Task {
  const questions = readQuestions(path)
  const heldOut = questions.filter((q) => hashText(q.prompt) % 10 === 0)
  const training = questions.filter((q) => hashText(q.prompt) % 10 !== 0)
  if (training.length === 0)
    throw new UserError(`${path} has no training questions: every one of its ${questions.length} is held out`)

  // One shuffle an epoch; the last one is kept.
  let shuffled: { key: string; questions: Question[] } = { key: '', questions: [] }
  const epochOf = (seed: number, epoch: number) => {
    const key = `${seed} ${epoch}`
    if (shuffled.key !== key)
      shuffled = { key, questions: new Random(seed, 'gsm8k training', epoch).shuffle([...training]) }
    return shuffled.questions
  }
  return {
    name: 'gsm8k',
    description: `${training.length} training and ${heldOut.length} held-out questions of ${path}`,
    language: 'en',
    training: ({ seed, step, count }) =>
      Array.from({ length: count }, (_, i) => {
        const at = step * count + i
        return epochOf(seed, Math.floor(at / training.length))[at % training.length]!
      }),
    heldOut: ({ count, seed = 0 }) =>
      new Random(seed, 'gsm8k held out').shuffle([...heldOut]).slice(0, count),
    check: checkNumber,
  }
}

function readQuestions(path: string): Question[] {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UserError(`Cannot read the questions in ${path}: ${(error as Error).message}`)
  }
  const questions = new Map<string, Question>()
  for (const [i, line] of text.split('\n').entries()) {
    if (!line.trim()) continue
    const bad = (what: string) => new UserError(`${path}, line ${i + 1}: ${what}`)
    let row: { question?: unknown; answer?: unknown } | null
    try {
      row = JSON.parse(line)
    } catch (error) {
      throw bad(`not JSON (${(error as Error).message})`)
    }
    for (const column of ['question', 'answer'] as const)
      if (typeof row?.[column] !== 'string') throw bad(`the column "${column}" is missing or not text`)
    const { question, answer } = row as { question: string; answer: string }
    const gold = answer.slice(answer.lastIndexOf('####') + (answer.includes('####') ? 4 : 1)).trim()
    if (!gold) throw bad('the answer is empty')
    const plain = parseDecimal(gold) ? gold.replaceAll(',', '') : gold
    // A repeated question is kept once, so that no question stands on both sides or twice in an evaluation.
    if (!questions.has(question))
      questions.set(question, { id: `line ${i + 1}`, prompt: question, gold: plain, kind: 'gsm8k' })
  }
  if (questions.size === 0) throw new UserError(`${path} holds no questions`)
  return [...questions.values()]
}

const NUMBERS =
  /(?<![\w.])[-+]?(?:\$\s?)?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?!\d|[eE][-+]?\d)(?:\s?\/\s?\d+(?:\.\d+)?)?/g

/** The only number in a text: `$1,234.00`, `18 dollars`, `-1/2`. `null`: there is none, or more than one. */
export function onlyNumber(text: string): Rational | null {
  const found = text.replace(/[−–]/g, '-').match(NUMBERS)
  if (found?.length !== 1) return null
  const [a, b] = found[0]
    .replace(/[\s$]/g, '')
    .replace(/,$/, '')
    .split('/')
    .map((part) => parseDecimal(part))
  return a && b ? over(a, b) : b === undefined ? (a ?? null) : null
}

/** Is the one number of the answer exactly the gold number? `null` where the gold is not a number. */
function checkNumber(question: Question, answer: string | null): Verdict {
  const gold = onlyNumber(question.gold)
  if (!gold) return { correct: null, reason: `the gold answer "${question.gold}" is not a number` }
  if (answer === null) return { correct: false, reason: 'no answer' }
  const given = onlyNumber(answer)
  if (!given) return { correct: false, reason: 'the answer does not hold exactly one number' }
  const correct = equal(given, gold)
  return { correct, reason: correct ? 'equal' : `not ${question.gold}` }
}
