import { expect, test } from 'vitest'
import { fakeRollout } from '../testing/fake-rollout.ts'
import { boxed, format, summary } from './format.ts'

test.each<[response: string, opened: boolean, score: number]>([
  [' <think>\na\n</think>\n<answer>1</answer>', false, 1],
  ['a\n</think>\n<answer>1</answer>', true, 1],
  ['a\n</think>\n<answer>1</answer>', false, 0],
  ['<think>a</think><answer>1</answer>', true, 0],
  ['<think>a</think><answer>1</answer> more', false, 0],
  ['', false, 0],
])('format: %j, opened %o: %i', (response, opened, score) => {
  expect(format({ opened }).score(fakeRollout({ response }))).toBe(score)
})

test.each<[response: string, opened: boolean, score: number]>([
  ['<think>\na\n</think>\n\nThe answer is 1.', false, 1],
  [' <think>a</think>1', false, 1],
  ['a\n</think>\nThe answer is 1.', true, 1],
  ['a\n</think>\nThe answer is 1.', false, 0],
  ['<think>a</think>1', true, 0],
  ['<think>a</think>', false, 0],
  ['<think>a</think> \n', false, 0],
  ['<think></think>1', false, 0],
  ['<think> \n </think>1', false, 0],
  ['Well. <think>a</think>1', false, 0],
  ['<think>a</think>b<think>c</think>1', false, 0],
  ['<think>a</think>b</think>1', false, 0],
  ['<think>a<think>b</think>1', false, 0],
  ['</think>a<think>1', false, 0],
  ['<think>a', false, 0],
  ['The answer is 1.', false, 0],
  ['', false, 0],
  ['', true, 0],
])('summary: %j, opened %o: %i', (response, opened, score) => {
  expect(summary({ opened }).score(fakeRollout({ response }))).toBe(score)
})

test('a summary that was cut off does not count', () => {
  const response = '<think>a</think>The answer is \\boxed{1}'
  expect(summary().score(fakeRollout({ response, stopReason: 'length' }))).toBe(0)
  expect(boxed().score(fakeRollout({ response, stopReason: 'length' }))).toBe(0)
})

test.each<[summary: string, score: number]>([
  ['So \\boxed{1}.', 1],
  ['\\boxed {\\frac{1}{2}}', 1],
  ['\\[\\boxed{\\{1, 2\\}}\\]', 1],
  ['\\boxed{\\text{a } b}', 1],
  ['So 1.', 0],
  ['\\boxed{}', 0],
  ['\\boxed{ }', 0],
  ['\\boxed{1', 0],
  ['\\boxed{\\frac{1}{2}', 0],
  ['\\boxed{1\\}', 0],
  ['\\boxed 1', 0],
  ['\\boxed{1} or \\boxed{2}', 0],
  ['\\boxed{\\boxed{1}}', 0],
  ['\\boxedly{1}', 0],
  ['boxed{1}', 0],
])('boxed: %j: %i', (text, score) => {
  expect(boxed().score(fakeRollout({ response: `<think>maybe \\boxed{7}</think>${text}` }))).toBe(score)
})

test.each([
  [format(), '<think></think><answer></answer>'],
  [format(), '<think>la la la</think><answer>who knows</answer>'],
  [summary(), '<think>.</think>See above.'],
  [summary(), '<think>.</think>Wait, let me think on here. 6*9=54, 54+17=71.'],
  [boxed(), '<think>.</think>\\boxed{1 or 2 or 3}'],
])('$name is fooled by %j', (reward, response) => {
  expect(reward.score(fakeRollout({ response }))).toBe(1)
})
