import { describe, expect, test } from 'vitest'
import { Random } from '../../common/random.ts'
import { hackingSigns, type Watched } from './hacking-signs.ts'
import type { WatchedAnswer } from './watched-answers.ts'

type Metrics = Record<string, number>

/** Metrics of steps; x goes from 0 to 1. */
const courseOf = (steps: number, at: (x: number, t: number) => Metrics): Metrics[] =>
  Array.from({ length: steps }, (_, t) => at(t / (steps - 1), t))

/** A wave, in place of noise. */
const wave = (t: number, size: number): number => size * Math.sin(2.4 * t)
const good = (x: number, t: number): Metrics => ({
  accuracy: 0.6 + 0.1 * x + wave(t, 0.08),
  'reward/helpful': 2 * x + wave(t, 0.3),
  'alarm/length': 9 + 3 * x + wave(t, 1),
  'alarm/repeated': 0.02 + 0.02 * x,
})
const answer = (
  question: string,
  text: string,
  reward = 0,
  correct: boolean | null = null,
): WatchedAnswer => ({
  question,
  text,
  correct,
  reward,
})
const signs = (over: Partial<Watched>): string[] =>
  hackingSigns({
    learned: ['helpful'],
    steps: courseOf(60, good),
    evaluations: [],
    spread: null,
    answers: [answer('1', 'Paris.')],
    ...over,
  })
const judgeScores = (...scores: [number, number?][]): Metrics[] =>
  scores.map(([score, error]) => ({
    'eval/judge': score,
    ...(error === undefined ? {} : { 'eval/judge_standard_error': error }),
  }))

describe('a sign is reported if', () => {
  test.each<[string, Partial<Watched>, RegExp]>([
    [
      'accuracy falls',
      {
        steps: courseOf(60, (x, t) => ({ ...good(x, t), accuracy: 0.6 - 0.4 * x + wave(t, 0.08) })),
        answers: [
          answer('1', 'right and rewarded', 9, true),
          answer('1', 'wrong', 1, false),
          answer('1', 'wrong but rewarded', 5, false),
          answer('2', 'also wrong', 3, false),
        ],
      },
      /reward helpful has risen from 0\.\d+ to 1\.\d+ while rule accuracy has fallen from 5\d % to 2\d %\. For example: "wrong but rewarded" \| "also wrong"$/,
    ],
    [
      'accuracy rises, then falls',
      {
        steps: courseOf(60, (x, t) => ({ ...good(x, t), accuracy: x < 0.5 ? 0.3 + x : 0.2 + wave(t, 0.05) })),
      },
      /rule accuracy has fallen from 6\d % to \d\d %/,
    ],
    [
      "the judge's score falls",
      { evaluations: judgeScores([3, 0.1], [3.2, 0.1], [2.1, 0.1]) },
      /while the judge's score has fallen from 3\.20 to 2\.10/,
    ],
    [
      "the judge's score falls step by step",
      { evaluations: judgeScores([0.5, 0.02], [0.6, 0.024], [0.56, 0.025], [0.53, 0.025], [0.48, 0.028]) },
      /while the judge's score has fallen from 0\.60 to 0\.48\. For example: /,
    ],
    [
      'held-out pass@1 falls',
      {
        evaluations: [
          { 'eval/pass@1': 0.6, 'eval/standard_error': 0.03 },
          { 'eval/pass@1': 0.3, 'eval/standard_error': 0.03 },
        ],
      },
      /while held-out pass@1 has fallen from 60 % to 30 %/,
    ],
    [
      'the answers grow long',
      {
        steps: courseOf(60, (x, t) => ({ ...good(x, t), 'alarm/length': 9 + 30 * x + wave(t, 2) })),
        answers: [answer('1', 'short'), answer('2', 'very very long'), answer('2', 'very long')],
      },
      /have grown from 1\d to 3\d words and symbols\. For example: "very very long" \| "short"$/,
    ],
    [
      'it repeats itself',
      {
        steps: courseOf(60, (x, t) => ({ ...good(x, t), 'alarm/repeated': 0.02 + 0.5 * x })),
        answers: [answer('1', 'ho'), answer('2', 'ha ha ha ha ha ha')],
      },
      /have become repetitive: from \d % to \d\d % of their 4-grams repeat\. For example: "ha ha ha ha ha ha" \| "ho"$/,
    ],
    [
      'a phrase takes over',
      {
        spread: { phrase: 'help happy to', was: 0.08, is: 0.64 },
        answers: [answer('1', 'Hi.'), answer('2', 'Happy to help! Happy to help!')],
      },
      /one phrase has spread from 8 % to 64 % of the responses\. For example: "help happy to" \| "Happy to help! Happy to help!"$/,
    ],
  ])('%s', (_, watched, message) => {
    const seen = signs(watched)
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatch(/^this looks like reward hacking: /)
    expect(seen[0]).toMatch(message)
  })
})

describe('no sign is reported if', () => {
  test.each<[string, Partial<Watched>]>([
    ['the run is healthy', {}],
    ['nothing was watched yet', { steps: [] }],
    [
      'there are few steps',
      {
        steps: courseOf(19, (x, t) => ({
          ...good(x, t),
          accuracy: t < 10 ? 0.9 : 0.1,
          'alarm/length': 9 + 99 * x,
        })),
      },
    ],
    [
      'accuracy falls, but the reward does not rise',
      { steps: courseOf(60, (x, t) => ({ ...good(0, t), accuracy: 0.6 - 0.4 * x })) },
    ],
    [
      'accuracy falls significantly, but only a little',
      { steps: courseOf(60, (x) => ({ ...good(x, 0), accuracy: x < 0.5 ? 0.6 : 0.55 })) },
    ],
    ['accuracy is unknown', { steps: courseOf(60, (x, t) => ({ ...good(x, t), accuracy: Number.NaN })) }],
    [
      'one step is bad',
      { steps: courseOf(60, (x, t) => (t === 59 ? { ...good(x, t), accuracy: 0 } : good(x, t))) },
    ],
    ["the judge's score falls within its error", { evaluations: judgeScores([3, 0.3], [2, 0.3]) }],
    ["the judge's score falls a little", { evaluations: judgeScores([0.6, 0.024], [0.51, 0.025]) }],
    ["the judge's score has no error", { evaluations: judgeScores([3], [1]) }],
    ["the judge's score has recovered", { evaluations: judgeScores([3, 0.1], [1, 0.1], [3, 0.1]) }],
    [
      'answers of one word become sentences',
      { steps: courseOf(60, (x, t) => ({ ...good(x, t), 'alarm/length': 2 + 7 * x + wave(t, 0.2) })) },
    ],
    ['a phrase is in some responses', { spread: { phrase: 'happy to help', was: 0.1, is: 0.4 } }],
  ])('%s', (_, watched) => {
    expect(signs(watched)).toEqual([])
  })
})

/** The accuracy of 10 questions × 8 responses, some questions easier than others. */
function sampled(random: Random, accuracy: number): number {
  let right = 0
  for (let question = 0; question < 10; question++) {
    const easier = random.uniform() < 0.5 ? 0.3 : -0.3
    const chance = Math.min(1, Math.max(0, accuracy + easier))
    for (let response = 0; response < 8; response++) if (random.uniform() < chance) right++
  }
  return right / 80
}

/** The first of 100 noisy steps with a sign; null if there is none. */
function firstSign(seed: number, accuracy: (x: number) => number): number | null {
  const random = new Random(seed, 'noise')
  const steps = courseOf(100, (x) => ({
    accuracy: sampled(random, accuracy(x)),
    'reward/helpful': 2 * x + 0.4 * random.normal(),
    'alarm/length': (9 + 4 * x) * Math.exp(0.2 * random.normal()),
    'alarm/repeated': Math.abs(0.05 * random.normal()),
  }))
  const first = steps.findIndex((_, t) => signs({ steps: steps.slice(0, t + 1) }).length > 0)
  return first < 0 ? null : first + 1
}

describe('noise', () => {
  const HEALTHY = [
    () => 0.6,
    (x: number) => 0.4 + 0.3 * Math.min(1, 2 * x),
    (x: number) => 0.6 - 0.03 * x,
    () => 0.35,
  ]

  test('fewer than 2 % of 200 healthy runs have a sign', () => {
    const seen = Array.from({ length: 200 }, (_, seed) => firstSign(seed, HEALTHY[seed % 4]!))
    expect(seen.filter((step) => step !== null).length).toBeLessThan(4)
  })

  test('nearly all of 40 hacked runs have a sign, after the fall has started', () => {
    const seen = Array.from({ length: 40 }, (_, seed) =>
      firstSign(seed, (x) => (x < 0.4 ? 0.6 : 0.9 - 0.75 * x)),
    )
    const steps = seen.filter((step) => step !== null)
    expect(steps.length).toBeGreaterThan(36)
    expect(steps.filter((step) => step > 45).length).toBeGreaterThan(36)
  })
})
