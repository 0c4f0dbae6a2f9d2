import type { Checker } from '../../rewards/question.ts'
import type { Rollout } from '../../rewards/reward.ts'
import { opensThinking } from '../../thinking/parser/opened.ts'

/** A task in which an answer is right if it equals the gold answer; with gold "?" the verdict is unknown. */
const fakeChecker: Checker = {
  name: 'test',
  language: 'en',
  check: ({ gold }, answer) => ({ correct: gold === '?' ? null : answer === gold, reason: '' }),
}

/** For tests: a rollout with a short right answer, except for the given fields. */
export function fakeRollout({
  gold = '71',
  questionText = 'q',
  language = 'en',
  ...of
}: Partial<Rollout> & {
  gold?: string
  questionText?: string
  language?: Checker['language']
} = {}): Rollout {
  const whole = {
    question: { id: '1', prompt: questionText, gold, kind: 'k' },
    task: { ...fakeChecker, language },
    prompt: '',
    opened: opensThinking(of.prompt ?? ''),
    response: '<think>a</think><answer>71</answer>',
    thinking: 'a',
    answer: '71',
    summary: '71',
    tokens: 9,
    stopReason: 'stop' as const,
    ...of,
  }
  return { verdict: () => whole.task.check(whole.question, whole.answer), ...whole }
}
