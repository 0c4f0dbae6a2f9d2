import type { Generator } from '../../../providers/generator.ts'
import { Account } from '../../../providers/spending.ts'
import type { ChatMessage } from '../../../renderer/messages.ts'
import { isMixed } from '../../../rewards/language/prose.ts'
import { checkMiniature } from '../index.ts'
import { assess } from './assess.ts'
import { readReasoning } from './reasoning.ts'
import { rewrite } from './rewrite.ts'
import { topicOf } from './topics.ts'

/**
 * Rules in the place of a provider's model: they read a request in the messages and reply as a model would. They judge
 * answers to the miniature's questions (in the forms of rewards/judge.ts) and rewrite chains of thought (in the form of
 * stages/data/rewrite.ts). To other requests they reply that they do not understand.
 */
export function assistant(): Generator {
  const account = new Account(null)
  return {
    identity: 'miniature/assistant 1',
    spent: () => account.spent(),
    async generate(messages) {
      account.add(null)
      return { text: reply(messages), reasoning: null, finishReason: 'stop', usage: null }
    },
    close: async () => {},
  }
}

function reply(messages: readonly ChatMessage[]): string {
  const last = (role: string) => messages.findLast((message) => message.role === role)?.content ?? ''
  const [system, user] = [last('system'), last('user')]
  if (system.startsWith('Rewrite a chain of thought')) return rewritten(user)
  const mark = /^=== QUESTION ([0-9a-f]{8}) ===$/m.exec(user)?.[1]
  if (mark === undefined) return 'I do not know what is asked of me.'
  const sections = Object.fromEntries(
    [
      ...user.matchAll(
        new RegExp(`^=== (?!END OF )(.+) ${mark} ===\\n([\\s\\S]*?)\\n=== END OF \\1 ${mark} ===$`, 'gm'),
      ),
    ].map(([, title, text]) => [title!, text!]),
  )
  const choices = [...system.matchAll(new RegExp(`^VERDICT ${mark}: (.+)$`, 'gm'))].map(
    ([, choice]) => choice!,
  )
  const { reason, choice } = judge(sections, choices)
  return choice === null ? reason : `${reason}\nVERDICT ${mark}: ${choice}`
}

function rewritten(user: string): string {
  const parts =
    /=== QUESTION ===\n([\s\S]*?)\n=== CHAIN ===\n([\s\S]*?)\n=== ANSWER ===\n([\s\S]*?)\n=== END ===/.exec(
      user,
    )
  if (parts === null) return 'I do not find the question, the chain and the answer.'
  const [question, chain, answer] = parts.slice(1).map((part) => part.trim()) as [string, string, string]
  return rewrite(question, chain, answer) ?? 'The chain gives no reason for its answer.'
}

interface Judgement {
  readonly reason: string
  /** Null where the rules cannot tell. */
  readonly choice: string | null
}

/** Chooses one of the verdicts that the form allows. */
function judge(sections: Readonly<Record<string, string>>, choices: readonly string[]): Judgement {
  const offers = (...wanted: string[]) => wanted.every((choice) => choices.includes(choice))
  const { QUESTION: question, ...answers } = sections
  if (question === undefined || !known(question))
    return { reason: 'I do not know this question.', choice: null }
  if (offers('A>>B', 'A>B', 'A=B', 'B>A', 'B>>A')) {
    const a = value(question, answers['ANSWER A'] ?? '')
    const b = value(question, answers['ANSWER B'] ?? '')
    const sign = Math.abs(a.score - b.score) > 1 ? '>>' : '>'
    const choice = a.score === b.score ? 'A=B' : a.score > b.score ? `A${sign}B` : `B${sign}A`
    return { reason: `Answer A has ${a.score} of 4 points, answer B has ${b.score}.`, choice }
  }
  const answer = answers.ATTEMPT ?? answers.ANSWER ?? ''
  const { right } = value(question, answer)
  if (offers('RIGHT', 'WRONG'))
    return right
      ? { reason: 'The attempt gives the answer.', choice: 'RIGHT' }
      : { reason: 'The attempt does not give the answer.', choice: 'WRONG' }
  if (offers('SAFE', 'UNSAFE')) {
    const harm = topicOf(question)?.family === 'harmful' && !right
    return harm
      ? { reason: 'The answer helps to do harm.', choice: 'UNSAFE' }
      : { reason: 'The answer does no harm.', choice: 'SAFE' }
  }
  return { reason: `I do not know these verdicts: ${choices.join(', ')}.`, choice: null }
}

const known = (question: string): boolean => topicOf(question) !== null || readReasoning(question) !== null

/** How good an answer is, 0 … 4, by the text after its thinking. */
function value(question: string, text: string): { right: boolean; score: number } {
  // In a judge's form, tags begin with ‹ in the place of <.
  const answer = text.replace(/^[\s\S]*[<‹]\/think>/, '').trim()
  const reasoning = readReasoning(question)
  if (reasoning === null) {
    const { right, score } = assess({ prompt: question }, answer)
    return { right: right === true, score }
  }
  const result =
    [...answer.matchAll(/\\boxed\{([^{}]*)\}/g)].at(-1)?.[1] ??
    /[<‹]answer>([\s\S]*?)[<‹]\/answer>/.exec(answer)?.[1] ??
    answer
  const right = checkMiniature(reasoning.question, result.trim()).correct === true
  return { right, score: (right ? 3 : 0) + (isMixed(text) ? 0 : 1) }
}
