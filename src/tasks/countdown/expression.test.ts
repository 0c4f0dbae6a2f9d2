import { expect, test } from 'vitest'
import { evaluateExpression } from './expression.ts'

test.each<[text: string, value: string, numbers: number[]]>([
  ['7', '7/1', [7]],
  ['1+2*3', '7/1', [1, 2, 3]],
  ['(1+2)*3', '9/1', [1, 2, 3]],
  ['10-2-3', '5/1', [10, 2, 3]],
  ['8/4/2', '1/1', [8, 4, 2]],
  ['1/3+1/3+1/3', '1/1', [1, 3, 1, 3, 1, 3]],
  ['2 - 5', '-3/1', [2, 5]],
  ['((5))', '5/1', [5]],
  ['6 × 4 ÷ 8 − 1', '2/1', [6, 4, 8, 1]],
  ['99999999999999999999*3', '299999999999999999997/1', [1e20, 3]],
])('%s = %s', (text, value, numbers) => {
  const result = evaluateExpression(text)
  if ('error' in result) throw new Error(result.error)
  expect(`${result.value.n}/${result.value.d}`).toBe(value)
  expect(result.numbers).toEqual(numbers)
})

test.each([
  ['', /too early/],
  ['1+', /too early/],
  ['(1+2', /not closed/],
  ['1+2)', /unexpected "\)"/],
  ['1 2', /unexpected "2"/],
  ['-1', /unexpected "-"/],
  ['1.5', /unexpected "."/],
  ['2**3', /unexpected "\*"/],
  ['1/0', /division by zero/],
  ['1/(2-2)', /division by zero/],
  ['process.exit(1)', /unexpected "p"/],
  ['1+2=3', /unexpected "="/],
  ['('.repeat(100_000), /longer than/],
])('%s is not an expression', (text, error) => {
  expect(evaluateExpression(text)).toEqual({ error: expect.stringMatching(error) })
})

test('the longest expressions are still exact', () => {
  const a = 10n ** 122n - 1n
  const result = evaluateExpression(`1/${a}+1/${a - 1n}+1/${a - 2n}+1/${a - 3n}`)
  if ('error' in result) throw new Error(result.error)
  const { n, d } = result.value
  const [w, x, y, z] = [a, a - 1n, a - 2n, a - 3n]
  // n/d = 1/w + 1/x + 1/y + 1/z
  expect(n * w * x * y * z).toBe(d * (x * y * z + w * y * z + w * x * z + w * x * y))
})
