import { expect, test } from 'vitest'
import { equality } from './rules.ts'

const SUM = 'What is 70 + 79? Answer with the number only.'

test.each<[prompt: string, gold: string, answer: string, right: boolean]>([
  // the question again, and sums that are not worked out
  [SUM, '149', '70 + 79', false],
  [SUM, '149', '70+79.', false],
  [SUM, '149', '$70 + 79$', false],
  [SUM, '149', '79 + 70', false],
  [SUM, '149', '(70 + 79)', false],
  [SUM, '149', '79 + 70 = 70 + 79', false],
  [SUM, '149', '70 + 79 =', false],
  [SUM, '149', '70 + 79 = ?', false],
  [SUM, '149', '150 - 1', false],
  ['What is 6 × 7?', '42', '6 × 7', false],
  ['What is 6 × 7?', '42', '6 \\times 7', false],
  ['What is 70 / 2?', '35', '70/2', false],
  ['What is 70 ÷ 2?', '35', '70 ÷ 2', false],
  ['What is 7^2?', '49', '7^2', false],
  ['What is $\\sqrt{49}$?', '7', '$\\sqrt{49}$', false],
  ['Write 3/4 as a decimal.', '0.75', '3/4', false],
  ['Expand $(x+1)(x-1)$.', 'x^2-1', '(x+1)(x-1)', false],
  // results
  [SUM, '149', '149', true],
  [SUM, '149', '70 + 79 = 149', true],
  [SUM, '149', '149 = 70 + 79', true],
  ['How many?', '149', '1.49 * 10^2', true],
  ['What is left?', '-3', '-3', true],
  ['What share?', '0.75', '3/4', true],
  ['What share?', '3/4', '\\frac{3}{4}', true],
  ['Expand $(x+1)(x-1)$.', 'x^2-1', 'x^2 - 1', true],
  ['Factor $x^2-1$.', '(x+1)(x-1)', '(x-1)(x+1)', true],
  ['Which is larger, 3/4 or 2/3?', '3/4', '3/4', true],
  ['How much does it cost?', '1000', '$1,000', true],
])('%s %s: "%s"', async (prompt, gold, answer, right) => {
  const question = { id: 'q', kind: 'test', prompt, gold }
  expect(await equality.check(question, answer)).toMatchObject({ correct: right })
})
