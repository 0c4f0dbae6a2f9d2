import { expect, test } from 'vitest'
import { countdown } from './countdown.ts'

test('training is a pure function of seed and step; held out is disjoint, distinct and balanced', () => {
  const step = (s: number, seed = 1) => countdown.training({ seed, step: s, count: 10 })
  expect(step(3)).toEqual(step(3))
  expect(step(3)).not.toEqual(step(4))
  expect(step(3)).not.toEqual(step(3, 2))
  const canonical = (id: string) => {
    const [numbers, target] = id.split(' = ')
    return `${numbers!.split(' ').sort().join(' ')} = ${target}`
  }
  const training = new Set(
    Array.from({ length: 300 }, (_, s) => step(s)).flatMap((of) => of.map((q) => canonical(q.id))),
  )
  const heldOut = countdown.heldOut({ count: 200 })
  expect(heldOut.filter((q) => training.has(canonical(q.id)))).toEqual([])
  expect(new Set(heldOut.map((q) => q.id)).size).toBe(200)
  expect(heldOut.filter((q) => q.kind === 'countdown/3').length).toBe(100)
  expect(heldOut.slice(0, 20)).toEqual(countdown.heldOut({ count: 20 }))
})

test('every puzzle has a solution within the rules', async () => {
  for (const q of countdown.heldOut({ count: 300 })) {
    expect(await countdown.check(q, q.gold), `${q.prompt} ${q.gold}`).toMatchObject({ correct: true })
    const [numbers, target] = q.id.split(' = ')
    expect(q.prompt).toContain(`equals ${target}`)
    expect(q.kind).toBe(`countdown/${numbers!.split(' ').length}`)
    for (const n of numbers!.split(' ')) expect(Number(n) >= 1 && Number(n) <= 99).toBe(true)
  }
})

const prompt = 'Using the numbers [3, 8, 8], write an expression that equals 24. Use + - * / and so on.'
const question = { id: '', prompt, gold: '3*8*8/8', kind: 'countdown/3' }
test.each([
  ['8+8*3-8', false],
  ['8*3*8/8', false],
  ['8+8+3', false],
  ['24', false],
  ['(8/8)*24', false],
  ['', false],
  ['8 plus 8', false],
  [null, false],
])('with [3, 8, 8] for 24, %j: %o', async (answer, correct) => {
  expect((await countdown.check(question, answer)).correct).toBe(correct)
})

test.each([
  ['[3, 3, 8, 8]', '24', '8/(3-8/3)', true],
  ['[3, 3, 8, 8]', '24', '8 / (3 - 8 / 3)', true],
  ['[2, 5, 7]', '17', '2*5+7', true],
  ['[2, 5, 7]', '17', '7+5*2', true],
  ['[2, 5, 7]', '17', '5+5+7', false],
  ['[2, 5, 7]', '18', '2*5+7', false],
])('with %s for %s, %s: %o', async (numbers, target, answer, correct) => {
  const puzzle = {
    ...question,
    prompt: `Using the numbers ${numbers}, write an expression that equals ${target}.`,
  }
  expect((await countdown.check(puzzle, answer)).correct).toBe(correct)
})

test('a question that cannot be read is unknown', async () => {
  expect((await countdown.check({ ...question, prompt: 'Hello' }, '1+1')).correct).toBeNull()
})
