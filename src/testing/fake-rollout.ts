import type { Checker } from '../rewards/question.ts'
import type { Rollout } from '../rewards/reward.ts'

/** For tests: a task whose answers are right when they are the gold, letter by letter; a gold of "?" is unknown. */
const fakeChecker: Checker = {
  name: 'test',
  language: 'en',
  check: ({ gold }, answer) => ({ correct: gold === '?' ? null : answer === gold, reason: '' }),
}

/** For tests: a short right answer, but for what is told. */
export function fakeRollout({
  gold = '71',
  asked = 'q',
  language = 'en',
  ...of
}: Partial<Rollout> & { gold?: string; asked?: string; language?: Checker['language'] } = {}): Rollout {
  const whole = {
    question: { id: '1', prompt: asked, gold, kind: 'k' },
    task: { ...fakeChecker, language },
    prompt: '',
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
