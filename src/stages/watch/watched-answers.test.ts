import { expect, test } from 'vitest'
import { watchedAnswers } from './watched-answers.ts'

test('only the text after the thinking is read, of responses that a learned reward applied to', () => {
  const row = (text: string, rewards: Record<string, number | null>, prompt = 'User: q. Assistant:') => ({
    question: '1',
    prompt,
    text,
    correct: null,
    rewards,
  })
  const rows = [
    row('<think>\nWait, wrong.\n</think>\nParis.', { helpful: 2, format: 1 }),
    row('Hi!', { helpful: null, safe: 1 }),
    row('<think>x</think> <answer> 71 </answer>', { helpful: 1 }),
    row('it is</think>Rome.', { safe: -1 }, 'User: q. Assistant: <think>\n'),
    row('<think>never ends', { helpful: 1 }),
    row('never ends', { helpful: 1 }, 'User: q. Assistant: <think>\n'),
    row('<think>x</think>by rule', { accuracy: 1 }),
  ]
  expect(watchedAnswers(rows, ['helpful', 'safe']).map(({ text, reward }) => [text, reward])).toEqual([
    ['Paris.', 2],
    ['Hi!', 1],
    ['71', 1],
    ['Rome.', -1],
  ])
})
