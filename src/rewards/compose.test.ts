import { describe, expect, test, vi } from 'vitest'
import { fakeRollout } from '../testing/fakes/fake-rollout.ts'
import { scoreRollout } from './compose.ts'
import type { Reward } from './reward.ts'

describe('scoreRollout', () => {
  const returning = (name: string, score: Reward['score']): Reward => ({ name, score })
  const later = (ms: number, score: number | null) => () =>
    new Promise<number | null>((resolve) => setTimeout(() => resolve(score), ms))
  const busy = (ms: number) => () => {
    const end = performance.now() + ms
    while (performance.now() < end);
    return 1
  }
  const throwing = () => {
    throw new Error('no judge')
  }
  const one = returning('one', () => 1)
  const score = (...rewards: [Reward, number][]) =>
    scoreRollout(
      rewards.map(([reward, weight]) => ({ reward, weight })),
      fakeRollout(),
      { timeoutMs: 50 },
    )

  test.each<[string, Reward, unknown]>([
    ['a number', returning('x', () => -2), { total: 0, byName: { one: 1, x: -2 }, errors: [] }],
    ['a promise', returning('x', later(1, 0.5)), { total: 1.25, byName: { one: 1, x: 0.5 }, errors: [] }],
    ['unknown', returning('x', () => null), { total: null, byName: { one: 1, x: null }, errors: [] }],
    [
      'unknown later',
      returning('x', later(1, null)),
      { total: null, byName: { one: 1, x: null }, errors: [] },
    ],
    [
      'throwing',
      returning('x', throwing),
      { total: null, byName: { one: 1, x: null }, errors: [{ name: 'x', message: 'no judge' }] },
    ],
    [
      'rejecting',
      returning('x', () => Promise.reject('down')),
      { total: null, byName: { one: 1, x: null }, errors: [{ name: 'x', message: 'down' }] },
    ],
    [
      'slow',
      returning('x', later(5000, 1)),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [
          {
            name: 'x',
            message: 'took longer than 50 ms; give the reward a longer timeoutMs if it needs more time',
          },
        ],
      },
    ],
    [
      'busy',
      returning('x', busy(60)),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [
          {
            name: 'x',
            message: 'took longer than 50 ms; give the reward a longer timeoutMs if it needs more time',
          },
        ],
      },
    ],
    [
      'NaN',
      returning('x', () => Number.NaN),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'returned NaN, which is neither a finite number nor null' }],
      },
    ],
    [
      'Infinity later',
      returning('x', later(1, Infinity)),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'returned Infinity, which is neither a finite number nor null' }],
      },
    ],
    [
      'undefined',
      returning('x', () => undefined as unknown as number),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'returned undefined, which is neither a finite number nor null' }],
      },
    ],
  ])('%s', async (_, reward, expected) => {
    expect(await score([one, 1], [reward, 0.5])).toEqual(expected)
  })

  test('a reward of weight 0 is only measured', async () => {
    expect(await score([one, 1], [returning('x', throwing), 0])).toEqual({
      total: 1,
      byName: { one: 1, x: null },
      errors: [{ name: 'x', message: 'no judge' }],
    })
  })

  test.each<[string, [Reward, number][], unknown]>([
    ['beside another', [[one, 1]], { total: 1, byName: { one: 1 }, errors: [] }],
    [
      'beside an unknown one',
      [[returning('y', () => null), 1]],
      { total: null, byName: { y: null }, errors: [] },
    ],
    ['alone', [], { total: 0, byName: {}, errors: [] }],
  ])('a reward that does not apply is not called and has no score: %s', async (_, others, expected) => {
    const inapplicable = { ...returning('x', throwing), applies: () => false }
    expect(await score([inapplicable, 2], ...others)).toEqual(expected)
  })

  test('whether a reward applies depends on the rollout; an error there is a failure', async () => {
    const right = {
      ...returning('x', () => 1),
      applies: ({ answer }: { answer: string | null }) => answer === '71',
    }
    expect(await score([right, 2])).toMatchObject({ total: 2, byName: { x: 1 } })
    expect(await score([one, 1], [{ ...right, applies: throwing }, 2])).toEqual({
      total: null,
      byName: { one: 1, x: null },
      errors: [{ name: 'x', message: 'no judge' }],
    })
  })

  test('a reward may have a time limit of its own', async () => {
    expect(await score([{ ...returning('x', later(80, 1)), timeoutMs: 60_000 }, 1])).toMatchObject({
      total: 1,
    })
  })

  test.each([Infinity, 2 ** 31, Number.MAX_SAFE_INTEGER])('no time limit: %d ms', async (timeoutMs) => {
    vi.useFakeTimers()
    try {
      const hour = 3600_000
      const scored = score([{ ...returning('x', later(48 * hour, 1)), timeoutMs }, 1])
      await vi.advanceTimersByTimeAsync(48 * hour)
      expect(await scored).toMatchObject({ total: 1, errors: [] })
    } finally {
      vi.useRealTimers()
    }
  })

  test('errors have the order of the rewards', async () => {
    const { errors } = await score([returning('a', later(5000, 1)), 1], [returning('b', throwing), 1])
    expect(errors.map((e) => e.name)).toEqual(['a', 'b'])
  })

  test('two rewards with the same name are refused', async () => {
    await expect(score([one, 1], [one, 1])).rejects.toThrow('Two rewards are named "one"')
  })
})
