import { describe, expect, test } from 'vitest'
import { Random } from '../../common/random.ts'
import type { Question } from '../task.ts'
import { corpusDocument, corpusDocuments } from './corpus.ts'
import {
  checkMiniature,
  KINDS,
  miniature,
  miniatureArithmetic,
  miniatureFill,
  miniatureQuestions,
} from './index.ts'
import { isHeldOut, randomProblem } from './problems.ts'
import { type Style, voice } from './words.ts'

const documents = Array.from({ length: 8000 }, (_, i) => corpusDocument(7, i))
const share = <T>(items: readonly T[], is: (item: T) => boolean) => items.filter(is).length / items.length

/** Every sum `a op b … = c` of a chain, with whether it is right (times before plus and minus). */
function sums(chain: string): { sum: string; right: boolean }[] {
  return [...chain.matchAll(/(\d+(?:[-+*]\d+)+)=(-?\d+)/g)].map(([sum, left, right]) => {
    const terms = left!.match(/[-+]?[^-+]+/g)!
    const value = terms.reduce((total, term) => {
      const product = term
        .replace(/^[-+]/, '')
        .split('*')
        .reduce((a, b) => a * Number(b), 1)
      return total + (term.startsWith('-') ? -product : product)
    }, 0)
    return { sum, right: value === Number(right) }
  })
}

describe('chains without slips', () => {
  test.each(KINDS.flatMap((kind) => (['L', 'V'] as Style[]).map((style) => [kind, style] as const)))(
    '%s in style %s: every sum is right, and so is the answer where the chain has checked it',
    (kind, style) => {
      const random = new Random(1, kind, style)
      for (let i = 0; i < 300; i++) {
        const problem = randomProblem(random, kind)
        const { chain, answer } = problem.solve(random, { style, say: voice(random, 'en'), slips: false })
        const pieces = sums(chain)
        expect(pieces.length).toBeGreaterThan(0)
        for (const { sum, right } of pieces) expect(right, `${sum} in ${chain}`).toBe(true)
        const question = { id: '', kind, gold: problem.gold, prompt: problem.ask(random, 'en') }
        const done = kind.startsWith('arithmetic') || style === 'V' || chain.endsWith('right.')
        expect(checkMiniature(question, answer).correct, chain).toBe(done)
      }
    },
  )

  test.each(KINDS)('%s: the direct answer and the gold are right', (kind) => {
    const random = new Random(2, kind)
    for (let i = 0; i < 100; i++) {
      const problem = randomProblem(random, kind)
      const { answer } = problem.solve(random, { style: 'D', say: voice(random, 'en'), slips: false })
      const question = { id: '', kind, gold: problem.gold, prompt: problem.ask(random, 'en') }
      expect(checkMiniature(question, answer).correct).toBe(true)
      expect(checkMiniature(question, problem.gold).correct).toBe(true)
    }
  })
})

describe('corpus', () => {
  test('is a pure function of its seed', () => {
    expect([...corpusDocuments(7, 50)]).toEqual(documents.slice(0, 50).map((d) => d.text))
    expect([...corpusDocuments(7, 5, { from: 45 })]).toEqual(documents.slice(45, 50).map((d) => d.text))
    expect(corpusDocument(8, 0).text).not.toBe(documents[0]!.text)
  })

  test('holds no held-out problem', () => {
    expect(documents.filter((d) => isHeldOut(d.problem))).toEqual([])
    const heldOut = miniature.heldOut({ count: 300 }).map((q) => q.prompt)
    const text = documents.map((d) => d.text).join('\n')
    expect(heldOut.filter((prompt) => text.includes(prompt))).toEqual([])
  })

  const hasHan = (text: string) => /\p{Script=Han}/u.test(text)
  const hasLatin = (text: string) => /[a-z]/i.test(text)
  const mixed = (d: (typeof documents)[number]) => hasHan(d.chain) && hasLatin(d.chain)
  const arithmetic = documents.filter((d) => d.kind.startsWith('arithmetic'))
  const fill = documents.filter((d) => d.kind.startsWith('fill'))
  const right = (d: (typeof documents)[number]) =>
    checkMiniature(
      { id: '', kind: d.kind, gold: d.problem.gold, prompt: d.problem.ask(new Random(0), 'en') },
      d.answer,
    ).correct === true
  const of = (list: typeof documents, style: Style) => list.filter((d) => d.style === style)
  const slipped = (list: typeof documents) => {
    const all = list.flatMap((d) => sums(d.chain))
    return share(all, (s) => !s.right)
  }

  test.each<[string, number, number, number]>([
    ['arithmetic', share(documents, (d) => d.kind.startsWith('arithmetic')), 0.48, 0.52],
    ['in the template', share(documents, (d) => d.template), 0.33, 0.37],
    ['all Chinese', share(documents, (d) => d.language === 'zh'), 0.05, 0.07],
    [
      'verifying English with mixing',
      share(
        documents.filter((d) => d.language === 'en' && d.style === 'V'),
        (d) => d.mixing > 0,
      ),
      0.46,
      0.54,
    ],
    [
      'other English with mixing',
      share(
        documents.filter((d) => d.language === 'en' && d.style !== 'V'),
        (d) => d.mixing > 0,
      ),
      0.13,
      0.17,
    ],
    ['verifying chains in two languages', share(of(documents, 'V'), mixed), 0.4, 0.5],
    [
      'other chains in two languages',
      share(
        documents.filter((d) => d.style !== 'V'),
        mixed,
      ),
      0.03,
      0.1,
    ],
    ['arithmetic, direct, right', share(of(arithmetic, 'D'), right), 0.87, 0.94],
    ['arithmetic, short, right', share(of(arithmetic, 'S'), right), 0.84, 0.92],
    ['arithmetic, long, right', share(of(arithmetic, 'L'), right), 0.79, 0.87],
    ['arithmetic, verifying, right', share(of(arithmetic, 'V'), right), 0.96, 1],
    ['fill, direct, right', share(of(fill, 'D'), right), 0.24, 0.33],
    ['fill, short, right', share(of(fill, 'S'), right), 0.12, 0.21],
    ['fill, long, right', share(of(fill, 'L'), right), 0.2, 0.3],
    ['fill, verifying, right', share(of(fill, 'V'), right), 0.71, 0.8],
    ['fill, sums that slip', slipped(fill), 0.013, 0.023],
  ])('share of %s', (_, value, lo, hi) => {
    expect(value).toBeGreaterThan(lo)
    expect(value).toBeLessThan(hi)
  })

  test('a document ends with the answer', () => {
    for (const d of documents) {
      const ending = d.text.slice(d.text.lastIndexOf(d.chain) + d.chain.length)
      expect(ending).toContain(d.answer)
      expect(d.text.length).toBeGreaterThan(d.promptLength)
    }
  })
})

describe('questions', () => {
  const countByKind = (questions: readonly Question[]) =>
    [...new Set(questions.map((q) => q.kind))].map((kind) => questions.filter((q) => q.kind === kind).length)

  test('held out: balanced over the kinds, distinct, a prefix of a longer list', () => {
    const questions = miniature.heldOut({ count: 300 })
    expect(new Set(questions.map((q) => q.id)).size).toBe(300)
    expect(questions.slice(0, 60)).toEqual(miniature.heldOut({ count: 60 }))
    expect(countByKind(questions)).toEqual([50, 50, 50, 50, 50, 50])
  })

  test('when a kind has no more held-out problems, the other kinds fill its place', () => {
    const kinds = ['fill/1', 'fill/3'] as const
    const questions = miniatureQuestions({ split: 'heldOut', kinds, seed: 0, count: 1000 })
    expect(questions.length).toBe(1000)
    expect(questions.filter((q) => q.kind === 'fill/1').length).toBeLessThan(300)
    expect(
      miniatureQuestions({ split: 'heldOut', kinds: ['fill/1'], seed: 0, count: 1000 }).length,
    ).toBeLessThan(300)
  })

  test('training: a pure function of seed and step, half of each family, never held out', () => {
    const step = (s: number, seed = 1) => miniature.training({ seed, step: s, count: 10 })
    expect(step(3)).toEqual(step(3))
    expect(step(3)).not.toEqual(step(4))
    expect(step(3)).not.toEqual(step(3, 2))
    const all = Array.from({ length: 60 }, (_, s) => step(s)).flat()
    expect(all.filter((q) => q.kind.startsWith('arithmetic')).length).toBe(300)
    expect(countByKind(all)).toEqual([100, 100, 100, 100, 100, 100])
    const prompts = new Set(all.map((q) => q.prompt))
    expect(miniature.heldOut({ count: 300 }).filter((q) => prompts.has(q.prompt))).toEqual([])
  })

  test.each([1, 2, 3, 7])('%i questions a step are as many', (count) => {
    for (const step of [0, 1, 2]) {
      expect(miniature.training({ seed: 0, step, count }).length).toBe(count)
      expect(miniatureArithmetic.training({ seed: 0, step, count }).length).toBe(count)
    }
  })

  test('every gold is right', () => {
    for (const q of miniatureQuestions({ split: 'heldOut', kinds: KINDS, seed: 0, count: 400 }))
      expect(checkMiniature(q, q.gold).correct).toBe(true)
  })
})

test.each([
  [miniature, 'arithmetic/1'],
  [miniatureArithmetic, 'arithmetic/1'],
  [miniatureFill, 'fill/1'],
])('the worked example of $name: right, with its steps checked, the same for the same seed', (task, kind) => {
  for (let seed = 0; seed < 20; seed++) {
    const { question, response } = task.workedExample!({ seed })
    const [, chain, answer] = /^<think>\n([\s\S]+)\n<\/think>\nThe answer is \\boxed\{(.+)\}\.$/.exec(
      response,
    )!
    const solved = sums(chain!)
    expect(solved.length).toBeGreaterThan(0)
    expect(solved.filter(({ right }) => !right)).toEqual([])
    if (kind === 'arithmetic/1') expect(solved.map(({ sum }) => sum.split('=')[1])).toContain(answer)
    else expect(checkMiniature({ id: '', prompt: question, gold: '', kind }, answer!).correct).toBe(true)
    expect(task.workedExample!({ seed })).toEqual({ question, response })
  }
})

const arithmetic = { id: 'a', prompt: 'Compute 10+61.', gold: '71', kind: 'arithmetic/1' }
const fill = { id: 'b', prompt: 'Fill in + - left to right: 8?6?5=7.', gold: '8-6+5', kind: 'fill/1' }
const times = { id: 'c', prompt: 'Fill in + - * left to right: 2?3?4=20.', gold: '2+3*4', kind: 'fill/2' }
test.each([
  [arithmetic, '71', true],
  [arithmetic, ' +071\n', true],
  [arithmetic, '71.', false],
  [arithmetic, '7 1', false],
  [arithmetic, '-71', false],
  [arithmetic, '7'.repeat(500), false],
  [arithmetic, '', false],
  [arithmetic, null, false],
  [{ ...arithmetic, gold: 'many' }, '71', null],
  [fill, '8-6+5', true],
  [fill, ' 8 - 6 + 5 ', true],
  [fill, '8+6-5', false],
  [fill, '8+5-6', false],
  [fill, '8-6+5=7', false],
  [fill, '7', false],
  [fill, '8-6+5+0', false],
  [fill, null, false],
  [{ ...fill, prompt: 'Hello' }, '8-6+5', null],
  [times, '2+3*4', true],
  [times, '2*3*4', false],
  [{ ...times, kind: 'fill/1' }, '2+3*4', false],
])('the answer to %o, %o, is right: %o', (question, answer, correct) => {
  expect(checkMiniature(question, answer).correct).toBe(correct)
})
