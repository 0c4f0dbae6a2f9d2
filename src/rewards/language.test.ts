import { expect, test } from 'vitest'
import { isMixed, type Language, languageShare } from './language.ts'

test.each<[text: string, en: number | null, zh: number | null, mixed: boolean]>([
  ['First 6*9=54\nSo the result is 71.', 1, 0, false],
  ['首先 6*9=54\n对.', 0, 1, false],
  ['Try 2*5=10\n等等, wrong.', 2 / 3, 1 / 3, true],
  ['Wait 检查', 1 / 2, 1 / 2, true],
  ['naïve café', 1, 0, false],
  ['да нет', 0, 0, false],
  ['yes да', 1 / 2, 0, false],
  ['6*9=54', null, null, false],
  ['', null, null, false],
  ['检查 `const x = 1` 检查', 0, 1, false],
  ['检查 $\\frac{x}{y} = abc$', 0, 1, false],
  ['检查 \\(abc\\) \\[d\\] $$e$$ \\alpha', 0, 1, false],
  ['检查\n```js\nlet word = 1\n```', 0, 1, false],
  ['the word \\(等\\)', 1, 0, false],
])('language of %j: English %s, Chinese %s, mixed %s', (text, en, zh, mixed) => {
  for (const [of, expected] of [
    ['en', en],
    ['zh', zh],
  ] as const) {
    if (expected === null) expect(languageShare(text, of)).toBeNull()
    else expect(languageShare(text, of)).toBeCloseTo(expected, 12)
  }
  expect(isMixed(text)).toBe(mixed)
})

test.each<[text: string, language: Language, share: number | null]>([
  // by script
  ['まず、計算します。', 'ja', 1],
  ['まず、計算します。', 'en', 0],
  ['먼저 계산해 보자', 'ko', 1],
  ['Сначала посчитаем сумму', 'ru', 1],
  ['Сначала check сумму', 'ru', 2 / 3],
  // line by line among languages of one script
  ['So the sum is 5.\nDonc la réponse est 5.', 'en', 4 / 8],
  ['So the sum is 5.\nDonc la réponse est 5.', 'fr', 4 / 8],
  ['Donc la réponse est 5.', 'en', 0],
  ['Also ist die Antwort 5.', 'en', 0],
  ['Also ist die Antwort 5.\n检查', 'de', 4 / 5],
  ['まず、計算します。', 'zh', 0],
  // a line that is too short to tell counts like the whole text
  ['Quindi la risposta è 5.\nAspetta.', 'en', 0],
  ['Quindi la risposta è 5.\nAspetta.', 'it', 1],
  ['Wait. Hmm.\nx = 4', 'en', 1],
  // names and variables
  ['设 x 为苹果数, 则 2x = 6', 'zh', 1],
  ['the angle α is π', 'en', 1],
  ['检查 abc', 'zh', 1 / 2],
])('%j in %s: %s', (text, of, share) => {
  expect(languageShare(text, of)).toBeCloseTo(share!, 12)
})

test('words of the question in another script do not count', () => {
  const question = 'Alice 有 3 个苹果'
  expect(languageShare('Alice 先吃了', 'zh')).toBeLessThan(1)
  expect(languageShare('Alice 先吃了', 'zh', { question })).toBe(1)
  expect(languageShare('Bob 先吃了', 'zh', { question })).toBeLessThan(1)
  expect(languageShare('Alice', 'zh', { question })).toBeNull()
})

test.each([
  ['unclosed code', '```\n检查'],
  ['unclosed LaTeX', '\\[ 检查'],
  ['unclosed LaTeX after a closed one', '\\(a\\) \\( 检查'],
])('%s hides nothing', (_, text) => expect(languageShare(text, 'en')).toBe(0))

test.each(['检查', '\\[', '\\(a', '$', '$$', '`', '```', '<', '\\[a\\]', 'a\n', '1,'])(
  'half a megabyte of %j takes linear time',
  (piece) => {
    const text = piece.repeat(500_000 / piece.length)
    const started = process.cpuUsage()
    languageShare(text, 'zh')
    languageShare(text, 'en')
    // A quadratic scan would take minutes.
    expect(process.cpuUsage(started).user / 1e6).toBeLessThan(20)
  },
)
