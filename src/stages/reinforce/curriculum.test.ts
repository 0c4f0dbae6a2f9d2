import { describe, expect, test } from 'vitest'
import type { Question, Task } from '../../tasks/task.ts'
import { type Curriculum, curriculumTask, NO_POSITIVE_RESAMPLING } from './curriculum.ts'

/** A task with the questions 0 … count − 1, drawn in turn. */
const taskOf = (size: number): Task => ({
  name: 'numbers',
  description: '',
  language: 'en',
  training: ({ seed, step, count }) =>
    Array.from({ length: count }, (_, i) => question(`${(Math.abs(seed) + step * count + i) % size}`)),
  heldOut: () => [],
  check: () => ({ correct: null, reason: '' }),
})
const question = (id: string): Question => ({ id, prompt: id, gold: '', kind: 'number' })

const both: Curriculum = { solved: 1, unsolvable: 0, draws: 2, rest: 3 }
type Shares = Parameters<typeof curriculumTask>[2] extends { shares(split: string): infer S } ? S : never

function opened(curriculum: Curriculum | null, { size = 8, shares = [] as Shares } = {}) {
  const drawing = curriculumTask(taskOf(size), curriculum, { shares: () => shares })
  const ids = (step: number, count = 4) => drawing.task.training({ seed: 0, step, count }).map(({ id }) => id)
  /** Records `right` of four responses to each question. */
  const record = (step: number, right: Record<string, number | null>) =>
    drawing.record(
      step,
      Object.entries(right).flatMap(([id, n]) =>
        Array.from({ length: 4 }, (_, i) => ({
          rollout: { question: { id } },
          correct: n === null ? null : i < n,
        })),
      ),
    )
  return { ids, record }
}

test('without a curriculum, the task draws what it draws', () => {
  const { ids, record } = opened(null)
  expect(record(1, { 0: 4 })).toEqual({ metrics: {}, warnings: [] })
  expect(ids(0)).toEqual(['0', '1', '2', '3'])
})

describe('a question is dropped after draws that were all solved or all unsolvable', () => {
  test.each<[string, Curriculum, (number | null)[], boolean]>([
    ['one of two draws', both, [4], false],
    ['two solved', both, [4, 4], true],
    ['two unsolvable', both, [0, 0], true],
    ['one of each', both, [0, 4], false],
    ['solved, then not', both, [4, 4, 3], false],
    ['unsolved, then solved twice', both, [0, 4, 4], true],
    ['answers that cannot be checked do not count', both, [4, null, null], false],
    ['only solved ones, by the curriculum', { ...both, unsolvable: null }, [0, 0], false],
    ['only unsolvable ones', { ...both, solved: null }, [4, 4], false],
    ['from a share of right answers on', { ...both, solved: 0.75, draws: 1 }, [3], true],
    ['below that share', { ...both, solved: 0.9, draws: 1 }, [3], false],
    ["ScaleRL's", NO_POSITIVE_RESAMPLING, [4], true],
  ])('%s', (_, curriculum, draws, dropped) => {
    const { ids, record } = opened(curriculum)
    let metrics = {}
    for (const [i, right] of draws.entries()) metrics = record(i + 1, { 0: right, 5: 2 }).metrics
    expect(metrics).toEqual({ 'questions/dropped': Number(dropped), 'questions/recalled': 0 })
    const drawn = ids(0)
    expect(drawn.includes('0')).toBe(!dropped)
    expect(new Set(drawn).size).toBe(4)
  })
})

test('it comes back after the rest, and is dropped again if that draw was solved, too', () => {
  const { ids, record } = opened(both)
  for (const step of [1, 2]) record(step, { 0: 4 })
  expect(ids(0)).not.toContain('0')
  record(3, { 1: 2 })
  record(4, { 1: 2 })
  expect(ids(0)).not.toContain('0')
  expect(record(5, { 1: 2 }).metrics['questions/dropped']).toBe(0)
  expect(ids(0)).toContain('0')
  expect(record(6, { 0: 4 }).metrics['questions/dropped']).toBe(1)
  expect(ids(0)).not.toContain('0')
})

test('without a rest, it does not come back', () => {
  const { ids, record } = opened({ ...both, rest: null })
  for (const step of [1, 2, 1000]) record(step, { 0: 4 })
  expect(ids(0)).not.toContain('0')
})

test('what is dropped follows from the rollouts in the store, so that a resumed run draws the same', () => {
  const shares = [1, 2].flatMap((step) => [
    { step, question: '0', share: 1 },
    { step, question: '1', share: 0.5 },
  ])
  const resumed = opened(both, { shares })
  const uninterrupted = opened(both)
  for (const step of [1, 2]) uninterrupted.record(step, { 0: 4, 1: 2 })
  expect(resumed.ids(0)).toEqual(uninterrupted.ids(0))
  expect(resumed.ids(0)).not.toContain('0')
})

test('if too few questions are left, those dropped longest ago are asked again, with a warning', () => {
  const { ids, record } = opened({ ...both, draws: 1, rest: null }, { size: 4 })
  record(1, { 2: 4 })
  record(2, { 0: 4, 3: 0 })
  expect(ids(0)).toEqual(['1', '2', '0', '3'])
  const { metrics, warnings } = record(3, { 1: 2 })
  expect(metrics).toEqual({ 'questions/dropped': 3, 'questions/recalled': 3 })
  expect(warnings).toEqual([expect.stringMatching(/has dropped 3 questions.*rl\.curriculum\.rest/)])
  expect(record(4, { 1: 2 }).warnings).toEqual([])
})
