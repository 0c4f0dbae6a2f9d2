import { expect, test } from 'vitest'
import { Random } from '../../common/random.ts'
import { subject } from '../../common/warnings.ts'
import { diagnose, obstacle, PATIENCE, type Sample, type Symptoms } from './diagnose.ts'
import { nothingToLearn } from './nothing-to-learn.ts'
import type { Seen } from './seen.ts'

const healthy = {
  accuracy: 0.4,
  format: 0.8,
  'length/cut': 0.1,
  learning_rate: 1e-4,
  'groups/zero_variance': 0.2,
  grad_norm: 0.5,
  'mismatch/max': 1e-4,
  entropy: 0.3,
}
const good: Sample = {
  question: 'Which letter?',
  gold: '1',
  text: '<think>x</think><answer>1</answer>',
  answer: '1',
  total: 1,
  correct: true,
  reason: 'equal',
  rewards: { accuracy: 1, format: 1 },
  errors: [],
  stopReason: 'stop',
}
const wrong: Sample = {
  ...good,
  text: '<think>x</think><answer>2</answer>',
  answer: '2',
  total: 0,
  correct: false,
  reason: 'not 1',
  rewards: { accuracy: 0, format: 0 },
}
const failed: Sample = { ...good, total: null, rewards: { mine: null }, errors: ['mine: no\n  network'] }
const unknown: Sample = {
  ...good,
  total: null,
  correct: null,
  reason: 'the gold cannot be parsed',
  rewards: { accuracy: null, format: 1 },
}

/** What `steps` steps of 10 groups of 8 rollouts have seen. */
const seen = (steps: number, more: Partial<Seen> = {}): Seen => ({
  steps,
  rollouts: 80 * steps,
  checked: 80 * steps,
  right: 20 * steps,
  rewarded: 80 * steps,
  differing: 40 * steps,
  ...more,
})

interface Given {
  readonly metrics?: Readonly<Record<string, number>>
  readonly samples?: readonly Sample[]
  /** What all steps have seen, and so the window has. */
  readonly all?: Partial<Seen>
  readonly steps?: number
  readonly rewards?: readonly string[]
  readonly last?: boolean
  readonly shuffled?: boolean
}
const symptoms = ({
  metrics = {},
  samples = [good, wrong],
  all = {},
  steps = 5,
  rewards = ['accuracy', 'format'],
  last = false,
  shuffled = false,
}: Given = {}): Symptoms => ({
  window: Array.from({ length: Math.min(steps, PATIENCE) }, () => ({ ...healthy, ...metrics })),
  samples,
  all: seen(steps, all),
  recent: seen(Math.min(steps, PATIENCE), all),
  rewards,
  shuffled,
  last,
})

const equal = { differing: 0 }
const nothingRight = { right: 0 }
const cases: [string, Symptoms, RegExp[]][] = [
  ['a healthy run', symptoms(), []],
  ['no steps yet', symptoms({ steps: 0, samples: [] }), []],
  [
    'some rewards fail',
    symptoms({ steps: 1, samples: [good, failed, failed] }),
    [
      /^2 reward computations failed; those rollouts are left out.*The first: mine: no network\. For example: "Which letter\?" got/,
    ],
  ],
  [
    'a reward of weight 0 fails',
    symptoms({ steps: 1, samples: [{ ...failed, total: 1 }] }),
    [/^1 reward computation failed; these rewards have the weight 0/],
  ],
  [
    'every reward fails, at once',
    symptoms({ steps: 1, samples: [failed, failed], all: { rewarded: 0, differing: 0 } }),
    [/^a reward fails on each of the 2 rollouts.*correct it.*mine: no network\. For example/],
  ],
  [
    'every verdict is unknown, at once',
    symptoms({ steps: 1, samples: [unknown], all: { checked: 0, right: 0, rewarded: 0, differing: 0 } }),
    [/^no rollout has a known reward.*: accuracy cannot be computed.*tasks check.*the gold cannot be parsed/],
  ],
  [
    'all cut off, and so never right or in the format',
    symptoms({
      metrics: { 'length/cut': 0.97, format: 0 },
      samples: [{ ...wrong, text: 'on and on', answer: null, stopReason: 'length' }],
      all: { ...equal, ...nothingRight },
    }),
    [
      /^97 % .*cut off.*rl\.maxTokens.*For example: "Which letter\?" got the response "on and on" instead of "1"$/,
    ],
  ],
  [
    'no answer, and so never right or in the format',
    symptoms({
      metrics: { format: 0 },
      samples: [{ ...wrong, text: 'hm', answer: null }],
      all: nothingRight,
    }),
    [/^no answer could be read.*ruminate sft.*"hm"/],
  ],
  ['format never right', symptoms({ metrics: { format: 0 } }), [/format never occurs.*ruminate sft/]],
  ['learning rate 0', symptoms({ steps: 1, metrics: { learning_rate: 0 } }), [/learning rate is 0/]],
  [
    'nothing right in 240 rollouts, but the format differs',
    symptoms({ steps: 3, samples: [wrong], all: nothingRight }),
    [
      /^none of the first 240 answers is right, so only format can be learned.*easier questions.*ruminate sft.*another base.*"Which letter\?" got the answer "2" instead of "1"$/,
    ],
  ],
  ['nothing right in 160 rollouts', symptoms({ steps: 2, samples: [wrong], all: nothingRight }), []],
  [
    'nothing right in 160 rollouts, and there are no more',
    symptoms({ steps: 2, samples: [wrong], all: nothingRight, last: true }),
    [/^none of the first 160 answers is right/],
  ],
  [
    'nothing right and all rewards equal',
    symptoms({ steps: 1, samples: [wrong], all: { ...equal, ...nothingRight } }),
    [/^all rewards within each group are the same, because none of 80 answers is right.*instead of "1"$/],
  ],
  [
    'all right',
    symptoms({ samples: [good], all: { ...equal, right: 400 } }),
    [/because every answer is right.*use harder ones/],
  ],
  [
    'equal within groups only',
    symptoms({ all: equal }),
    [/the same \(accuracy and format\).*rl\.groupSize or rl\.temperature/],
  ],
  [
    'a constant reward',
    symptoms({
      steps: 1,
      rewards: ['mine'],
      samples: [good, wrong].map((one) => ({ ...one, total: 0.5, rewards: { mine: 0.5 } })),
      all: equal,
    }),
    [/^every response gets the same reward, 0\.5, whatever it says.*correct mine, or add a reward/],
  ],
  [
    'a constant reward, and nothing right',
    symptoms({
      steps: 1,
      rewards: ['mine'],
      samples: [{ ...wrong, rewards: { mine: 0 } }],
      all: { ...equal, ...nothingRight },
    }),
    [/^every response gets the same reward, 0,.*No answer is right; if the reward pays for that, use easier/],
  ],
  ['no weights', symptoms({ rewards: [], all: equal }), [/^no reward has a weight/]],
  [
    'all members of each group are the same',
    symptoms({ samples: [good, good, { ...wrong, question: 'b' }, { ...wrong, question: 'b' }], all: equal }),
    [/^all responses to a question are the same text.*raise rl\.temperature/],
  ],
  ['no gradient', symptoms({ metrics: { grad_norm: 0 } }), [/gradient is 0/]],
  ['mismatch', symptoms({ metrics: { 'mismatch/max': 0.5 } }), [/disagree by up to 0\.500/]],
  ['collapsed', symptoms({ metrics: { entropy: 1e-5 } }), [/no longer explores/]],
  [
    'what an earlier version has not counted',
    symptoms({ samples: [wrong], all: { right: Number.NaN, differing: Number.NaN, rollouts: Number.NaN } }),
    [],
  ],
]

test.each(cases)('%s', (_, given, expected) => {
  const causes = diagnose(given)
  expect(causes).toHaveLength(expected.length)
  for (const [i, pattern] of expected.entries()) expect(causes[i]).toMatch(pattern)
  for (const cause of causes) expect(cause).not.toContain('\n')
})

test('a symptom in only some of the steps is not reported', () => {
  const given = symptoms({ metrics: { format: 0 } })
  expect(diagnose({ ...given, window: [{ ...healthy }, ...given.window.slice(1)] })).toEqual([])
})

test('the obstacle is the first cause that alone explains why nothing is learned', () => {
  expect(obstacle(symptoms({ metrics: { learning_rate: 0, entropy: 0 } }))).toBeNull()
  expect(obstacle(symptoms({ metrics: { entropy: 0 }, samples: [failed] }))).toMatch(/^a reward fails/)
  const cut = { metrics: { 'length/cut': 1 }, samples: [{ ...wrong, stopReason: 'length' as const }] }
  expect(obstacle(symptoms({ ...cut, all: { ...equal, ...nothingRight } }))).toMatch(/cut off/)
  expect(obstacle(symptoms(cut))).toBeNull()
})

/** For each of the first steps, whether the run is given up there if it has been like this. */
const givenUpAt = (given: Given, steps = 40): number | null => {
  for (let step = 1; step <= steps; step++)
    if (nothingToLearn(symptoms({ ...given, steps: step, last: step === steps })) !== null) return step
  return null
}
const constant = {
  rewards: ['mine'],
  samples: [good, wrong].map((one) => ({ ...one, total: 0.5, rewards: { mine: 0.5 } })),
}
test.each<[string, Given, number, number | null]>([
  ['a healthy run', {}, 40, null],
  ['only the format differs', { samples: [wrong], all: nothingRight }, 40, null],
  ['one group has differed', { samples: [wrong], all: { ...nothingRight, differing: 8 } }, 40, null],
  ['every reward fails', { samples: [failed], all: { rewarded: 0, differing: 0 } }, 40, 3],
  ['every reward fails, one step', { samples: [failed], all: { rewarded: 0, differing: 0 } }, 1, 1],
  ['a constant', { ...constant, all: equal }, 40, 3],
  ['a base that is never right', { samples: [wrong], all: { ...equal, ...nothingRight } }, 40, 19],
  ['the same, ten steps', { samples: [wrong], all: { ...equal, ...nothingRight } }, 10, 10],
  ['the same, two steps', { samples: [wrong], all: { ...equal, ...nothingRight } }, 2, null],
  ['a run of an earlier version', { all: { differing: Number.NaN } }, 40, null],
])('given up: %s', (_, given, steps, expected) => {
  expect(givenUpAt(given, steps)).toBe(expected)
})

test('one right answer in 500 is waited for: 95 of 100 such runs go on', () => {
  const random = new Random(1, 'rare')
  const isGivenUp = (): boolean => {
    for (let step = 1; ; step++) {
      for (let rollout = 0; rollout < 80; rollout++) if (random.uniform() < 1 / 500) return false
      const given = { samples: [wrong], all: { ...equal, ...nothingRight }, steps: step }
      if (nothingToLearn(symptoms(given)) !== null) return true
    }
  }
  const runs = Array.from({ length: 400 }, isGivenUp)
  expect(runs.filter(Boolean).length / runs.length).toBeLessThan(0.08)
})

test('the message says what to do, and how to go on', () => {
  expect(nothingToLearn(symptoms({ ...constant, all: equal }))).toMatch(
    /^there was nothing to learn from in any of the first 5 steps \(400 rollouts\): every response gets the same reward.*tells better responses from worse/,
  )
})

test('a reward that is null where the answer could be checked: the reward is named, not the check', () => {
  const own: Sample = { ...wrong, total: null, rewards: { mine: null } }
  const [message, ...more] = diagnose(symptoms({ samples: [own], rewards: ['mine'], all: { rewarded: 0 } }))
  expect(message).toMatch(/^no rollout has a known reward, .*: mine is null \(unknown\) for every response/)
  expect(message).not.toMatch(/not 1|can be checked/)
  expect(more).toEqual([])
})

test('in a control experiment nothing can be learned, so no reward is said to be learned', () => {
  const neverRight = { samples: [wrong, { ...wrong, total: 1 }], all: { right: 0 } }
  expect(diagnose(symptoms(neverRight))).toEqual([expect.stringMatching(/so only format can be learned/)])
  expect(diagnose(symptoms({ ...neverRight, shuffled: true }))).toEqual([
    expect.stringMatching(/^the rewards are shuffled.*rewards\.shuffle=true.*control/),
  ])
  expect(diagnose(symptoms({ ...neverRight, metrics: { learning_rate: 0 } }))).toEqual([
    'the learning rate is 0: nothing is learned',
  ])
})

test('a reward that is equal in each step but not in all of them is no constant', () => {
  const given = symptoms({
    samples: [wrong, { ...wrong, text: 'other' }],
    rewards: ['mine'],
    all: { differing: 0 },
  })
  const message = (means: number[]): string | undefined =>
    diagnose({ ...given, window: means.map((mean) => ({ ...healthy, 'reward/mine': mean })) })[0]
  expect(message([0, 0])).toMatch(/^every response gets the same reward, 0/)
  expect(message([1, 0])).toMatch(/^all rewards within each group are the same \(mine\)/)
})

test('that no answer is right is no new warning about a constant reward', () => {
  const constant = { samples: [wrong], rewards: ['mine'], all: { differing: 0 } }
  const [some] = diagnose(symptoms(constant))
  const [none] = diagnose(symptoms({ ...constant, all: { differing: 0, right: 0 } }))
  expect(none).toMatch(/No answer is right/)
  expect(some).not.toMatch(/No answer is right/)
  expect(subject(none!)).toBe(subject(some!))
})
