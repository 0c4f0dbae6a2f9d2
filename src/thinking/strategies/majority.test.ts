import { expect, test } from 'vitest'
import { groupAnswers, heaviest, isDecided, majority, type Same } from './majority.ts'

const equal: Same = (a, b) => a === b
/** Not transitive: numbers are the same if they differ by at most 1. */
const near: Same = (a, b) => Math.abs(Number(a) - Number(b)) <= 1

test.each<
  [string, (string | null)[], Same, (number | null)[] | undefined, number[] | undefined, number | undefined]
>([
  ['nothing', [], equal, undefined, undefined, undefined],
  ['no answer', [null, null], equal, undefined, undefined, undefined],
  ['one', ['a'], equal, undefined, [0], 1],
  ['the most frequent', ['a', 'b', 'b'], equal, undefined, [1, 2], 2],
  ['a tie: the first', ['b', 'a', 'a', 'b'], equal, undefined, [0, 3], 2],
  ['missing answers have no vote', [null, 'b', null, 'a', 'a'], equal, undefined, [3, 4], 2],
  ['a weight', ['a', 'b', 'b'], equal, [3, 1, 1], [0], 3],
  ['no weight: no vote', ['a', 'a', 'b'], equal, [null, null, 0.1], [2], 0.1],
  [
    'near ones join the first group whose first answer is near',
    ['1', '2', '3', '4'],
    near,
    undefined,
    [0, 1],
    2,
  ],
  ['3 is near 2, but 2 is in the group of 1', ['1', '2', '3', '3'], near, undefined, [0, 1], 2],
])('majority: %s', (_, answers, same, weights, members, weight) => {
  expect(majority(answers, same, weights)).toEqual(members === undefined ? null : { members, weight })
})

test('answers that are equal as text are not compared', () => {
  const asked: string[][] = []
  const same: Same = (a, b) => {
    asked.push([a, b])
    return Number(a) === Number(b)
  }
  const groups = groupAnswers(['1', null, '2', '1.0', '02', '1', '1.0', '2'], same)
  expect(groups.map(({ members }) => members)).toEqual([
    [0, 3, 5, 6],
    [2, 4, 7],
  ])
  expect(asked).toEqual([
    ['1', '2'],
    ['1', '1.0'],
    ['1', '02'],
    ['2', '02'],
  ])
})

test.each<[string, (string | undefined)[], boolean]>([
  ['all there', ['a', 'b'], true],
  ['none there', [undefined], false],
  ['too far ahead', ['a', 'a', 'a', 'b', undefined], true],
  ['one missing vote could make a tie that the other wins', ['b', 'a', 'a', undefined], false],
  ['one missing vote could make a tie that the leader wins', ['a', 'b', 'a', undefined], true],
  ['missing votes of a new answer could make a tie, later', ['a', 'a', undefined, undefined], true],
  ['the missing votes come earlier', [undefined, undefined, 'a', 'a'], false],
  ['one of two', ['a', undefined], true],
  ['one of three', ['a', undefined, undefined], false],
])('decided: %s', (_, answers, decided) => {
  const missing = [...answers.keys()].filter((i) => answers[i] === undefined)
  expect(isDecided(groupAnswers(answers, equal), missing)).toBe(decided)
})

test('a vote is decided exactly if no completion changes the winner', () => {
  const letters = ['a', 'b', 'c', null]
  const firstOf = (answers: (string | null | undefined)[]): string | null | undefined =>
    answers[majority(answers, equal)?.members[0] ?? -1]
  const completions = (answers: (string | null | undefined)[]): (string | null | undefined)[][] => {
    const at = answers.indexOf(undefined)
    if (at < 0) return [answers]
    return [...letters, 'd'].flatMap((letter) => completions(answers.with(at, letter)))
  }
  const cases = (length: number): (string | null | undefined)[][] =>
    length === 0
      ? [[]]
      : cases(length - 1).flatMap((rest) => [...letters, undefined].map((one) => [one, ...rest]))
  for (const answers of [1, 2, 3, 4].flatMap(cases)) {
    const groups = groupAnswers(answers, equal)
    const missing = [...answers.keys()].filter((i) => answers[i] === undefined)
    const winner = firstOf(answers)
    const certain =
      missing.length === 0 ||
      (heaviest(groups) !== null && completions(answers).every((whole) => firstOf(whole) === winner))
    expect([answers, isDecided(groups, missing)]).toEqual([answers, certain])
  }
})
