import { expect, test } from 'vitest'
import { type ExtractOptions, extract } from './extract.ts'

test.each<[text: string, answer: string | null, order?: ExtractOptions['order']]>([
  // tag
  ['<answer>1</answer> or <answer>2</answer>', '2'],
  ['<answer>so \\boxed{3}</answer>', '3'],
  ['<answer>4', '4'],
  // thinking
  ['<think>It is \\boxed{5}.', null],
  ['<think>5</think>', null],
  ['<think>5</think> 6', '6'],
  ['7 <think>8', '7'],
  // boxed
  ['\\boxed{\\frac{1}{2}} and more', '\\frac{1}{2}'],
  ['\\boxed{1}, \\boxed{2} and \\boxed{3}', '1 ; 2 ; 3'],
  ['\\boxed{1} it was. But it is \\boxed{2}', '2'],
  ['\\boxed{4}\n\n**Final answer** \\boxed{4}', '4'],
  ['\\boxed{\\boxed{5}}', '\\boxed{5}'],
  ['\\boxed{\\{1, 2\\}', '\\{1, 2\\}'],
  ['\\boxed 6', '6'],
  // hash, phrase
  ['9 * 2 = 18\n#### 18\n', '18'],
  ['The answer is 3.5. I hope it is correct.', '3.5'],
  ['Final Answer: The largest $n$ is 34.', '34'],
  ['the answer is 1 or 2', '1 or 2'],
  // formula, number
  ['x^2 + 1', 'x^2 + 1'],
  ['Hence the sum is $\\frac{1}{2}$ of it.', '\\frac{1}{2}'],
  ['It is $1$ or $2$', '1 ; 2'],
  ['Thus the area of $ABC$ is 12 there.', '12'],
  ['What is $2 + 3$?', '3'],
  ['It is one of 3, 4 or 5.', '3 ; 4 ; 5'],
  ['They eat 60 x 5 = 300 of them in 5 minutes.', '300'],
  ['So we get -7 degrees', '-7'],
  // order
  ['#### 1 \\boxed{2}', '1 \\boxed{2}', ['hash', 'boxed']],
  ['the answer is 3', null, ['boxed']],
  ['the answer is 3', '3', ['number']],
])('%j: %j', (text, answer, order) => {
  expect(extract(text, order ? { order } : {})).toBe(answer)
})
