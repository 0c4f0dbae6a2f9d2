import { expect, test } from 'vitest'
import { Random } from '../../common/random.ts'
import { consAtK, shareRight, type Vote } from './vote.ts'

const right = (group: number | null = 0): Vote => ({ group, right: true })
const wrong = (group: number | null = 1): Vote => ({ group, right: false })

test.each<[string, Vote[], number, number]>([
  ['a majority', [right(), right(), wrong()], 3, 1],
  ['a minority', [right(), wrong(), wrong()], 3, 0],
  ['two of three', [right(), right(), wrong()], 2, 2 / 3],
  ['no answer has no vote', [right(), wrong(null), wrong(null)], 3, 1],
  ['no answer at all is wrong', [wrong(null), wrong(null)], 2, 0],
  ['different wrong answers do not add up', [right(), right(), wrong(1), wrong(2), wrong(3)], 5, 1],
])('%s', (_, votes, k, value) => {
  const [cons] = consAtK(votes, [k], new Random(0))
  // ties are decided by the order in which they are drawn, so that some values are means over random orders
  expect(Math.abs(cons! - value)).toBeLessThan(value === 0 || value === 1 ? 1e-12 : 0.1)
})

test('cons@1 is exactly the share of right responses, and unknown verdicts are left out', () => {
  const votes = [right(), wrong(), wrong(2), { group: 3, right: null }]
  expect(consAtK(votes, [1], new Random(0))).toEqual([1 / 3])
  expect(shareRight([])).toBeNaN()
})

test('cons@k of fewer than k responses is unknown', () => {
  expect(consAtK([right()], [1, 2], new Random(0))).toEqual([1, Number.NaN])
})

test('cons@k is unbiased: its mean over many sets of n responses is that of votes over k fresh ones', () => {
  const random = new Random(7)
  // three answers of probabilities 0.45 (right), 0.35 and 0.2
  const response = (): Vote => {
    const u = random.uniform()
    return u < 0.45 ? right(0) : wrong(u < 0.8 ? 1 : 2)
  }
  const many = (count: number): Vote[] => Array.from({ length: count }, response)
  const [n, k, trials] = [8, 5, 4000]
  let [estimated, fresh] = [0, 0]
  for (let t = 0; t < trials; t++) estimated += consAtK(many(n), [k], random)[0]!
  // a fresh set of k responses has one subset of k, and its orders only decide ties
  for (let t = 0; t < trials; t++) fresh += consAtK(many(k), [k], random)[0]!
  expect(Math.abs(estimated / trials - fresh / trials)).toBeLessThan(0.03)
  // exact: Σ over all 3⁵ outcomes of probability × P(the leading answer is right, ties broken at random)
  let exact = 0
  const p = [0.45, 0.35, 0.2]
  for (let code = 0; code < 3 ** k; code++) {
    const outcome = Array.from({ length: k }, (_, i) => Math.floor(code / 3 ** i) % 3)
    const counts = p.map((_, g) => outcome.filter((one) => one === g).length)
    const most = Math.max(...counts)
    const leaders = counts.flatMap((count, g) => (count === most ? [g] : []))
    const first = outcome.find((one) => leaders.includes(one))!
    exact += outcome.reduce((product, g) => product * p[g]!, 1) * Number(first === 0)
  }
  expect(Math.abs(estimated / trials - exact)).toBeLessThan(0.015)
})
