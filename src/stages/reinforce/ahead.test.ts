import { expect, test } from 'vitest'
import { SampledAhead } from './ahead.ts'
import type { Groups } from './groups.ts'

/** Steps that each sample in order, with the number of updates there were when they were asked for. */
async function run(staleness: number, steps: number, from = 1) {
  let updates = from - 1
  const asked: [number, number][] = []
  const ahead = new SampledAhead(
    async (step) => {
      asked.push([step, updates])
      return { step } as unknown as Groups
    },
    staleness,
    steps,
  )
  const stale: number[] = []
  for (let step = from; step <= steps; step++) {
    const { groups, staleness: age } = await ahead.take(step)
    expect(groups).toEqual({ step })
    stale.push(age)
    updates++
  }
  await ahead.end()
  return { asked, stale }
}

test.each([
  [0, [0, 0, 0, 0, 0]],
  [1, [0, 1, 1, 1, 1]],
  [2, [0, 1, 2, 2, 2]],
  [9, [0, 1, 2, 3, 4]],
])('with staleness %d, groups are at most that many updates old', async (staleness, expected) => {
  const { asked, stale } = await run(staleness, 5)
  expect(stale).toEqual(expected)
  expect(asked.map(([step]) => step)).toEqual([1, 2, 3, 4, 5])
  for (const [step, updates] of asked) expect(step - 1 - updates).toBe(stale[step - 1])
})

test('a resumed run samples the steps that are left', async () => {
  const { asked, stale } = await run(1, 5, 4)
  expect(asked).toEqual([
    [4, 3],
    [5, 3],
  ])
  expect(stale).toEqual([0, 1])
})

test('a failure is told by the step that it belongs to', async () => {
  const ahead = new SampledAhead(
    async (step) => {
      if (step === 2) throw new Error('no more')
      return { step } as unknown as Groups
    },
    1,
    3,
  )
  await ahead.take(1)
  await expect(ahead.take(2)).rejects.toThrow('no more')
  await ahead.end()
})
