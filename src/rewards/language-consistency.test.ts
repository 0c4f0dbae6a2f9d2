import { expect, test } from 'vitest'
import { fakeRollout } from '../testing/fakes/fake-rollout.ts'
import { language } from './language-consistency.ts'

test.each<[thinking: string | null, language: 'en' | 'zh', score: number]>([
  ['Wait 检查', 'en', 0.5],
  ['Wait', 'zh', 0],
  ['1+1=2', 'en', 1],
  ['', 'en', 0],
  [null, 'en', 0],
])('%j in %s: %s', (thinking, of, score) => {
  expect(language.score(fakeRollout({ thinking, language: of }))).toBe(score)
})

test('words in Latin script of which no language is recognised are unknown', () => {
  expect(language.score(fakeRollout({ thinking: 'qwx zvbn plkj hgfd '.repeat(3) }))).toBeNull()
})

test.each<[how: string, thinking: string, score: number]>([
  ['arithmetic without words', '6*9=54, 54+17=71', 1],
  ['single words of a language in the same script', 'Oui, the answer is voilà 5.', 1],
  ['foreign words of the question', '检查 ok', 1],
])('fooled by %s', (_, thinking, score) => {
  expect(language.score(fakeRollout({ thinking, questionText: '检查 means?' }))).toBe(score)
})

test.each<[how: string, thinking: string, score: number]>([
  ['foreign words inside code', '`检查` ok', 0.5],
  ['foreign words inside LaTeX', '$\\text{检查}$ ok', 0.5],
  ['a foreign language in Latin letters', 'deng deng, cuo le, zai suan yi bian', 0],
])('not fooled by %s', (_, thinking, score) => {
  expect(language.score(fakeRollout({ thinking }))).toBe(score)
})
