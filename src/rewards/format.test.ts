import { expect, test } from 'vitest'
import { fakeRollout } from '../testing/fakes/fake-rollout.ts'
import { boxed, format, summary } from './format.ts'

/** A prompt that leaves the thinking open, and one that does not. */
const promptFor = (opened: boolean) =>
  opened ? '<｜User｜>q<｜Assistant｜><think>\n' : '<｜User｜>q<｜Assistant｜>'

test.each<[response: string, opened: boolean, score: number]>([
  [' <think>\na\n</think>\n<answer>1</answer>', false, 1],
  ['a\n</think>\n<answer>1</answer>', true, 1],
  ['a\n</think>\n<answer>1</answer>', false, 0],
  ['<think>a</think><answer>1</answer>', true, 0],
  ['<think>a</think><answer>1</answer> more', false, 0],
  ['<think></think><answer></answer>', false, 0],
  ['<think> \n </think><answer>5</answer>', false, 0],
  ['<think>a</think><answer></answer>', false, 0],
  ['<think>\u200b\u00a0</think><answer>5</answer>', false, 0],
  ['<think>...</think><answer>5</answer>', false, 0],
  ['<think>5-3=2</think><answer>\ufeff</answer>', false, 0],
  ['<think>5-3=2</think><answer><|im_end|></answer>', false, 0],
  ['<think>5-3=2</think><answer>-</answer>', false, 1],
  ['</think><answer>1</answer>', true, 0],
  ['\n\n</think><answer>1</answer>', true, 0],
  ['a</think><answer> </answer>', true, 0],
  ['', false, 0],
  ['', true, 0],
])('format: %j, opened %o: %i', (response, opened, score) => {
  expect(format().score(fakeRollout({ prompt: promptFor(opened), response }))).toBe(score)
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
  ['</think>The answer is 1.', true, 0],
  ['\u200b</think>The answer is 1.', true, 0],
  ['a</think>\u200b', true, 0],
  ['a', true, 0],
  ['a</think>b</think>1', true, 0],
  ['a</think>b<think>c</think>1', true, 0],
  ['<think>.</think>See above.', false, 0],
  ['<think>a</think><answer>1</answer>', false, 0],
  ['', false, 0],
  ['', true, 0],
])('summary: %j, opened %o: %i', (response, opened, score) => {
  expect(summary().score(fakeRollout({ prompt: promptFor(opened), response }))).toBe(score)
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
  ['\\boxed{\u200b}', 0],
  ['\\boxed{\\text{ }}', 0],
  ['\\boxed{\\,\\quad}', 0],
  ['\\boxed{$$}', 0],
  ['\\boxed{...}', 0],
  ['\\boxed{\\phantom{5}}', 0],
  ['\\boxed{\\hspace{1cm}\\vphantom{x}}', 0],
  ['\\boxed{\\displaystyle }', 0],
  ['\\boxed{\\left.\\right.}', 0],
  ['\\boxed{\\ldots}', 0],
  ['\\boxed{\\\\}', 0],
  ['\\boxed{%5\n}', 0],
  ['\\boxed{50\\%}', 1],
  ['\\boxed{\\text{a}\\phantom{b}}', 1],
  ['\\boxed{\\emptyset}', 1],
  ['\\boxed{-}', 1],
])('boxed: %j: %i', (text, score) => {
  const thinking = 'maybe \\boxed{7}</think>'
  expect(boxed().score(fakeRollout({ response: `<think>${thinking}${text}` }))).toBe(score)
  const inside = { prompt: promptFor(true), response: `${thinking}${text}` }
  expect(boxed().score(fakeRollout(inside))).toBe(score)
  expect(boxed().score(fakeRollout({ ...inside, response: `<think>${thinking}${text}` }))).toBe(0)
})

test.each([
  [format(), '<think>la la la</think><answer>who knows</answer>'],
  [summary(), '<think>Hm.</think>See above.'],
  [summary(), '<think>Hm.</think>Wait, let me think on here. 6*9=54, 54+17=71.'],
  [boxed(), '<think>Hm.</think>\\boxed{1 or 2 or 3}'],
])('$name is fooled by %j', (reward, response) => {
  expect(reward.score(fakeRollout({ response }))).toBe(1)
})
