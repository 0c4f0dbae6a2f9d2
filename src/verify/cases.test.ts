import { describe, expect, test } from 'vitest'
import { cases, tables, traps, unknown } from './cases/index.ts'
import { extract, readable, verify } from './index.ts'

/** Known misses, as `gold ⟶ answer`. Remove those that pass. */
const misses = new Set<string>([])
const name = (gold: string, answer: string) => `${gold} ⟶ ${answer}`

describe.each(Object.keys(tables))('%s', (table) => {
  for (const { gold, answer, equal } of cases.filter((c) => c.table === table)) {
    const missed = misses.has(name(gold, answer))
    test(`${JSON.stringify(gold)} ${equal ? '=' : '≠'} ${JSON.stringify(answer)}${missed ? ' (missed)' : ''}`, () => {
      const verdict = verify(gold, answer)
      expect(verdict.reason).not.toBe('')
      if (missed) expect(verdict.equal).not.toBe(equal)
      else expect(verdict).toMatchObject({ equal })
    })
  }
})

describe('golds that cannot be understood', () => {
  test.each(unknown)('%j', (gold) => {
    expect(readable(gold)).toMatchObject({ ok: false, reason: expect.stringMatching(/\S/) })
    for (const answer of ['1', gold, '', 'x', '\\boxed{2}']) expect(verify(gold, answer).equal).toBeNull()
  })

  test('every gold of the tables can be understood', () => {
    const golds = new Set(cases.map(({ gold }) => gold))
    expect([...golds].filter((gold) => !readable(gold).ok)).toEqual([])
  })
})

describe('the tables themselves', () => {
  const attacks = new Set(['adversarial', 'hedges', ...Object.keys(traps)])
  test('there are as many right pairs as wrong ones, apart from attacks', () => {
    const count = (equal: boolean) => cases.filter((c) => !attacks.has(c.table) && c.equal === equal).length
    expect(count(true)).toBe(count(false))
    expect(count(true)).toBeGreaterThan(750)
  })

  test('no table has a pair twice', () => {
    const names = cases.map(({ table, gold, answer }) => `${table} ${name(gold, answer)}`)
    expect(names.filter((n, i) => names.indexOf(n) !== i)).toEqual([])
  })

  test('misses are pairs of the tables, at most 1 % of them', () => {
    const names = new Set(cases.map(({ gold, answer }) => name(gold, answer)))
    expect([...misses].filter((miss) => !names.has(miss))).toEqual([])
    expect(misses.size).toBeLessThanOrEqual(cases.length / 100)
  })
})

test.each([
  ['the answer is 5, no: \\boxed{6}', '6'],
  ['\\boxed{\\frac{1}{2}}', '\\frac{1}{2}'],
  ['some words\n#### 1,234', '1,234'],
  ['<think>3</think><answer> 4 </answer>', '4'],
  ['So the answer is 12.', '12'],
  ['', null],
])('extract %j is %j', (text, answer) => {
  expect(extract(text)).toBe(answer)
})
