import { describe, expect, test } from 'vitest'
import { Random } from '../common/random.ts'
import { differentPair } from './cases/different/index.ts'
import { anyNumber, writeNumber } from './cases/different/numbers.ts'
import { formula, noise, pair } from './cases/fuzz.ts'
import { cases, tables } from './cases/index.ts'
import { readable, verify } from './index.ts'

const golds = [...new Set(cases.map(({ gold }) => gold))]
const formulas = golds.filter((gold) => !/\$|:/.test(gold))
/** The pairs that are not found equal. */
const failing = (pairs: readonly (readonly [string, string])[]) =>
  pairs.filter(([gold, answer]) => verify(gold, answer).equal !== true)

test('reflexive', () => {
  expect(failing(golds.map((gold) => [gold, gold]))).toEqual([])
})

test('deterministic', () => {
  const verdicts = () => cases.map(({ gold, answer }) => verify(gold, answer))
  expect(verdicts()).toEqual(verdicts())
})

describe('symmetric', () => {
  const symmetric = ['integers', 'fractions', 'roots', 'exponentials', 'complex', 'polynomials', 'algebra']
    .concat(['trigonometry', 'intervals', 'sets', 'lists', 'matrices'])
    .flatMap((table) => tables[table]!)
  // A decimal is compared to the precision of the gold, so decimals may be equal in one direction only.
  const exact = (text: string) => !/\d[.,]\d/.test(text) && readable(text).ok
  test.each([
    ['right', 1],
    ['wrong', 2],
  ] as const)('%s answers', (_, column) => {
    const pairs = symmetric.flatMap((row) =>
      row[column].filter(exact).map((answer) => [answer, row[0]] as const),
    )
    expect(pairs.length).toBeGreaterThan(200)
    expect(pairs.filter(([a, b]) => verify(a, b).equal !== (column === 1))).toEqual([])
  })
})

describe('stable under', () => {
  const brackets = (text: string) =>
    text
      .replace(/(?<!\\(?:left|right)?|\^)([([])/g, '\\left$1')
      .replace(/(?<!\\(?:left|right)?)([)\]])/g, '\\right$1')
  const balanced = formulas.filter(
    (gold) => !/\\left|\\right|\\begin|\\sqrt\[|[A-Za-z]{3} |\\text|\]\d/.test(gold) && /[([]/.test(gold),
  )
  const variants: Record<string, readonly (readonly [string, string])[]> = {
    'white space around': golds.map((gold) => [gold, `\n  ${gold}\t `]),
    'more white space': golds.map((gold) => [gold, gold.replaceAll(' ', '   ')]),
    'spaces around operators': formulas
      .filter((gold) => !/[a-z]{3}/.test(gold))
      .map((gold) => [gold, gold.replace(/[+=<>]/g, ' $& ')]),
    '\\left and \\right': balanced.map((gold) => [gold, brackets(gold)]),
    braces: formulas.map((gold) => [gold, `{${gold}}`]),
    'more braces': formulas.map((gold) => [gold, `{{${gold}}}`]),
    '\\mathrm': formulas.map((gold) => [gold, `\\mathrm{${gold}}`]),
    '\\mathbf': formulas.map((gold) => [gold, `\\mathbf{${gold}}`]),
    '\\text': golds.filter((gold) => /^[\w. ]+$/.test(gold)).map((gold) => [gold, `\\text{${gold}}`]),
    '\\displaystyle': formulas.map((gold) => [gold, `\\displaystyle ${gold}`]),
    dollars: formulas.map((gold) => [gold, `$${gold}$`]),
    'two dollars': formulas.map((gold) => [gold, `$$${gold}$$`]),
    '\\( and \\)': golds.map((gold) => [gold, `\\(${gold}\\)`]),
    '\\[ and \\]': golds.map((gold) => [gold, `\\[ ${gold} \\]`]),
    'a box': golds.map((gold) => [gold, `So we have $\\boxed{${gold}}$.`]),
    'an answer tag': golds.map((gold) => [gold, `<think>Hm, 7?</think> <answer> ${gold} </answer>`]),
    'a full stop': golds.filter((gold) => !gold.endsWith('.')).map((gold) => [gold, `${gold}.`]),
    'larger fractions': formulas.map((gold) => [gold, gold.replaceAll('\\frac', '\\dfrac')]),
    'doubled backslashes': golds
      .filter((gold) => !gold.includes('\\\\'))
      .map((gold) => [gold, gold.replaceAll('\\', '\\\\')]),
  }
  test.each(Object.entries(variants))('%s', (_, pairs) => {
    expect(pairs.length).toBeGreaterThan(20)
    expect(failing(pairs)).toEqual([])
  })
})

describe('different values', () => {
  // tools/verify-pairs.ts does the same with a million pairs.
  test('are never equal', () => {
    const random = new Random('verify', 'different')
    const equal: string[] = []
    let compared = 0
    for (let k = 0; k < 10_000; k++) {
      const { kind, gold, answer } = differentPair(random)
      const verdict = verify(gold, answer)
      if (verdict.equal === true) equal.push(`${kind}: ${gold} ⟶ ${answer}`)
      if (verdict.equal === false && !/cannot be read|no answer/.test(verdict.reason)) compared++
    }
    expect(equal).toEqual([])
    // Both sides are understood, so that their values are what is compared.
    expect(compared).toBeGreaterThan(9500)
  }, 60_000)

  test('one number in two ways of writing it is equal', () => {
    const random = new Random('verify', 'same')
    const different: string[] = []
    for (let k = 0; k < 2000; k++) {
      const x = anyNumber(random)
      const [gold, answer] = [writeNumber(x, random).text, writeNumber(x, random).text]
      if (verify(gold, answer).equal !== true) different.push(`${gold} ⟶ ${answer}`)
    }
    expect(different.length).toBeLessThan(20)
  })
})

describe('no exception', () => {
  test.each([
    ['noise', noise],
    ['formulas', formula],
  ] as const)('%s', (name, make) => {
    const random = new Random('verify', name)
    const equal = { true: 0, false: 0, null: 0 }
    for (let i = 0; i < 3000; i++) {
      const [gold, answer] = pair(random, make)
      const verdict = verify(gold, answer)
      equal[`${verdict.equal}`]++
      if (verdict.equal === null) expect(readable(gold).ok).toBe(false)
      if (gold === answer && readable(gold).ok) expect([gold, verdict]).toMatchObject([gold, { equal: true }])
    }
    for (const count of Object.values(equal)) expect(count).toBeGreaterThan(20)
  })

  const deep = 50_000
  test.each([
    ['parentheses', `${'('.repeat(deep)}1${')'.repeat(deep)}`],
    ['open parentheses', '('.repeat(deep)],
    ['braces', `${'{'.repeat(deep)}1${'}'.repeat(deep)}`],
    ['fractions', `${'\\frac{1}{1+'.repeat(deep)}1${'}'.repeat(deep)}`],
    ['roots', `${'\\sqrt{'.repeat(deep)}2${'}'.repeat(deep)}`],
    ['powers', `2${'^{2'.repeat(deep)}${'}'.repeat(deep)}`],
    ['minus signs', `${'-'.repeat(deep)}1`],
    ['factorials', `3${'!'.repeat(deep)}`],
    ['digits', '9'.repeat(deep)],
    ['terms', '1+'.repeat(deep) + 1],
    ['factors', 'x'.repeat(deep)],
    ['items', '1,'.repeat(deep) + 1],
    ['boxes', '\\boxed{1}'.repeat(deep)],
    ['open boxes', '\\boxed{'.repeat(deep)],
    ['dollars', '$'.repeat(deep)],
    ['tags', '<answer>'.repeat(deep)],
    ['matrices', '\\begin{pmatrix}'.repeat(deep)],
    ['bars', '|'.repeat(deep)],
    ['spaces', `${' '.repeat(deep)}x${' '.repeat(deep)}y`],
    ['backslashes', '\\'.repeat(deep)],
    ['a tower', '9^'.repeat(deep) + 9],
    ['signs', '\\pm 1'.repeat(deep)],
    ['words', 'the answer is '.repeat(deep)],
    ['letters', `${'abc'.repeat(deep)} 1`],
    ['letters and signs', 'Answer: E'.repeat(300)],
    ['dollar signs and spaces', `5${' $'.repeat(900)} 6`],
    ['line breaks', `5${'\n \n'.repeat(deep)}6`],
    ['wide spaces', `x=5${'\\quad '.repeat(deep)}x=6`],
    ['factorials of large numbers', '3000!-'.repeat(deep) + 1],
    ['greatest common divisors', '\\gcd(2^{59000}-1,3^{37000}-1)+'.repeat(60) + 1],
  ])('very many %s', (_, text) => {
    for (const [gold, answer] of [
      [text, '1234'],
      ['1234', text],
      [text, text],
    ] as const)
      expect([true, false, null]).toContain(verify(gold, answer).equal)
    expect(verify('1234', text).equal).toBe(false)
  })
})
