import { describe, expect, test } from 'vitest'
import { type AdvantageKind, advantageKinds, groupAdvantages, isZeroVariance } from './advantages.ts'

type Groups = (number | null)[][]

function expectGroups(actual: Groups, expected: Groups): void {
  expect(actual.map((g) => g.length)).toEqual(expected.map((g) => g.length))
  for (const [p, group] of expected.entries())
    for (const [i, a] of group.entries())
      if (a === null) expect(actual[p]![i]).toBeNull()
      else expect(actual[p]![i]).toBeCloseTo(a, 4)
}

describe('advantages worked out by hand', () => {
  // Group 0: mean 1/2, std √(1/3) = .57735. Group 1: mean 1/4, std 1/2. Both: mean 3/8, std √(15/56) = .51755.
  const rewards = [
    [1, 0, 0, 1],
    [0, 0, 1, 0],
  ]
  const cases: [AdvantageKind, Groups][] = [
    [
      'group',
      [
        [0.86588, -0.86588, -0.86588, 0.86588],
        [-0.4999, -0.4999, 1.4997, -0.4999],
      ],
    ],
    [
      'mean',
      [
        [0.5, -0.5, -0.5, 0.5],
        [-0.25, -0.25, 0.75, -0.25],
      ],
    ],
    [
      'batch',
      [
        [0.965905, -0.965905, -0.965905, 0.965905],
        [-0.482953, -0.482953, 1.448858, -0.482953],
      ],
    ],
    // centred rewards: ±.5 (4), −.25 (3), .75 (1); their mean is 0, so std = √((4·.25 + 3·.0625 + .5625)/7) = .5
    [
      'centred_batch',
      [
        [0.9998, -0.9998, -0.9998, 0.9998],
        [-0.4999, -0.4999, 1.4997, -0.4999],
      ],
    ],
    [
      'leave_one_out',
      [
        [2 / 3, -2 / 3, -2 / 3, 2 / 3],
        [-1 / 3, -1 / 3, 1, -1 / 3],
      ],
    ],
    [
      'batch_normalised',
      [
        [1.207381, -0.724429, -0.724429, 1.207381],
        [-0.724429, -0.724429, 1.207381, -0.724429],
      ],
    ],
  ]
  test.each(cases)('%s', (kind, expected) => expectGroups(groupAdvantages(rewards, kind), expected))
})

describe.each(advantageKinds)('%s', (kind) => {
  test('a response without a reward has no advantage and does not affect the others', () => {
    const [[a, none, b], other] = groupAdvantages([[1, null, 0], [null]], kind) as [Groups[0], Groups[0]]
    expect([a, b]).toEqual(groupAdvantages([[1, 0]], kind)[0])
    expect(none).toBeNull()
    expect(other).toEqual([null])
  })

  test('equal rewards give exactly 0, despite rounding', () => {
    // 1.1 + 1.1 + 1.1 is not 3.3 in binary
    expect(groupAdvantages([[1.1, 1.1, 1.1]], kind)).toEqual([[0, 0, 0]])
    expect(groupAdvantages([[0.7]], kind)).toEqual([[0]])
  })

  test('a reward that is not a number is an error', () => {
    expect(() => groupAdvantages([[1, Number.NaN]], kind)).toThrow(/a reward is NaN; leave it out as null/)
  })
})

test('a flat group in a mixed batch', () => {
  const rewards = [
    [1.1, 1.1, 1.1],
    [0, 1, 0],
  ]
  for (const kind of ['group', 'mean', 'batch', 'leave_one_out'] as const)
    expect(groupAdvantages(rewards, kind)[0]).toEqual([0, 0, 0])
  expect(groupAdvantages(rewards, 'batch_normalised')[0]![0]).toBeGreaterThan(0.5)
})

test.each<[(number | null)[], boolean]>([
  [[0, 0, 0], true],
  [[1, null, 1], true],
  [[null, null], true],
  [[], true],
  [[0, 1], false],
  [[0.1, null, 0], false],
])('zero variance: %j is %s', (group, expected) => expect(isZeroVariance(group)).toBe(expected))
