import { describe, expect, test } from 'vitest'
import { fakeRollout } from '../testing/fake-rollout.ts'
import { scoreRollout } from './compose.ts'
import type { Reward } from './reward.ts'

describe('scoreRollout', () => {
  const giving = (name: string, score: Reward['score']): Reward => ({ name, score })
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
  const one = giving('one', () => 1)
  const score = (...rewards: [Reward, number][]) =>
    scoreRollout(
      rewards.map(([reward, weight]) => ({ reward, weight })),
      fakeRollout(),
      { timeoutMs: 50 },
    )

  test.each<[string, Reward, unknown]>([
    ['a number', giving('x', () => -2), { total: 0, byName: { one: 1, x: -2 }, errors: [] }],
    ['a promise', giving('x', later(1, 0.5)), { total: 1.25, byName: { one: 1, x: 0.5 }, errors: [] }],
    ['unknown', giving('x', () => null), { total: null, byName: { one: 1, x: null }, errors: [] }],
    ['unknown later', giving('x', later(1, null)), { total: null, byName: { one: 1, x: null }, errors: [] }],
    [
      'throwing',
      giving('x', throwing),
      { total: null, byName: { one: 1, x: null }, errors: [{ name: 'x', message: 'no judge' }] },
    ],
    [
      'rejecting',
      giving('x', () => Promise.reject('down')),
      { total: null, byName: { one: 1, x: null }, errors: [{ name: 'x', message: 'down' }] },
    ],
    [
      'slow',
      giving('x', later(5000, 1)),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'took longer than 50 ms' }],
      },
    ],
    [
      'busy',
      giving('x', busy(60)),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'took longer than 50 ms' }],
      },
    ],
    [
      'NaN',
      giving('x', () => Number.NaN),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'gave NaN, not a finite number or null' }],
      },
    ],
    [
      'Infinity later',
      giving('x', later(1, Infinity)),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'gave Infinity, not a finite number or null' }],
      },
    ],
    [
      'undefined',
      giving('x', () => undefined as unknown as number),
      {
        total: null,
        byName: { one: 1, x: null },
        errors: [{ name: 'x', message: 'gave undefined, not a finite number or null' }],
      },
    ],
  ])('%s', async (_, reward, expected) => {
    expect(await score([one, 1], [reward, 0.5])).toEqual(expected)
  })

  test('weight 0 measures only', async () => {
    expect(await score([one, 1], [giving('x', throwing), 0])).toEqual({
      total: 1,
      byName: { one: 1, x: null },
      errors: [{ name: 'x', message: 'no judge' }],
    })
  })

  test.each<[string, [Reward, number][], unknown]>([
    ['of others', [[one, 1]], { total: 1, byName: { one: 1 }, errors: [] }],
    ['of an unknown one', [[giving('y', () => null), 1]], { total: null, byName: { y: null }, errors: [] }],
    ['of none', [], { total: 0, byName: {}, errors: [] }],
  ])('a reward that does not apply is not asked, and no part %s', async (_, others, expected) => {
    const inapplicable = { ...giving('x', throwing), applies: () => false }
    expect(await score([inapplicable, 2], ...others)).toEqual(expected)
  })

  test('whether a reward applies is seen from the rollout; failing to tell is a failure', async () => {
    const right = {
      ...giving('x', () => 1),
      applies: ({ answer }: { answer: string | null }) => answer === '71',
    }
    expect(await score([right, 2])).toMatchObject({ total: 2, byName: { x: 1 } })
    expect(await score([one, 1], [{ ...right, applies: throwing }, 2])).toEqual({
      total: null,
      byName: { one: 1, x: null },
      errors: [{ name: 'x', message: 'no judge' }],
    })
  })

  test('a reward may have more time than the others', async () => {
    expect(await score([{ ...giving('x', later(80, 1)), timeoutMs: 60_000 }, 1])).toMatchObject({ total: 1 })
  })

  test('errors come in the order of the rewards', async () => {
    const { errors } = await score([giving('a', later(5000, 1)), 1], [giving('b', throwing), 1])
    expect(errors.map((e) => e.name)).toEqual(['a', 'b'])
  })

  test('two rewards of one name are refused', async () => {
    await expect(score([one, 1], [one, 1])).rejects.toThrow('Two rewards are named "one"')
  })
})
