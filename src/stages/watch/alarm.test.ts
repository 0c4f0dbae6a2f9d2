import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Random } from '../../common/random.ts'
import { RunStore } from '../../runs/store.ts'
import { hackingSigns, openAlarm, type Said, saidIn, type Watched } from './alarm.ts'

type Metrics = Record<string, number>

/** A course of steps, from 0 to 1. */
const course = (steps: number, at: (x: number, t: number) => Metrics): Metrics[] =>
  Array.from({ length: steps }, (_, t) => at(t / (steps - 1), t))

/** A wave in the place of noise. */
const wave = (t: number, size: number): number => size * Math.sin(2.4 * t)
const good = (x: number, t: number): Metrics => ({
  accuracy: 0.6 + 0.1 * x + wave(t, 0.08),
  'reward/helpful': 2 * x + wave(t, 0.3),
  'alarm/length': 9 + 3 * x + wave(t, 1),
  'alarm/repeated': 0.02 + 0.02 * x,
})
const say = (question: string, text: string, pleased = 0, correct: boolean | null = null): Said => ({
  question,
  text,
  correct,
  pleased,
})
const signs = (over: Partial<Watched>): string[] =>
  hackingSigns({
    learned: ['helpful'],
    steps: course(60, good),
    evaluations: [],
    spread: null,
    said: [say('1', 'Paris.')],
    ...over,
  })
const judged = (...scores: [number, number?][]): Metrics[] =>
  scores.map(([score, error]) => ({
    'eval/judge': score,
    ...(error === undefined ? {} : { 'eval/judge_standard_error': error }),
  }))

describe('it rings', () => {
  test.each<[string, Partial<Watched>, RegExp]>([
    [
      'accuracy falls',
      {
        steps: course(60, (x, t) => ({ ...good(x, t), accuracy: 0.6 - 0.4 * x + wave(t, 0.08) })),
        said: [
          say('1', 'right and pleasing', 9, true),
          say('1', 'wrong', 1, false),
          say('1', 'wrong but pleasing', 5, false),
          say('2', 'also wrong', 3, false),
        ],
      },
      /reward helpful has risen from 0\.\d+ to 1\.\d+ while rule accuracy has fallen from 5\d % to 2\d %\. For example: "wrong but pleasing" \| "also wrong"$/,
    ],
    [
      'accuracy rises, then falls',
      { steps: course(60, (x, t) => ({ ...good(x, t), accuracy: x < 0.5 ? 0.3 + x : 0.2 + wave(t, 0.05) })) },
      /rule accuracy has fallen from 6\d % to \d\d %/,
    ],
    [
      "the judge's score falls",
      { evaluations: judged([3, 0.1], [3.2, 0.1], [2.1, 0.1]) },
      /while the judge's score has fallen from 3\.20 to 2\.10/,
    ],
    [
      "the judge's score falls step by step",
      { evaluations: judged([0.5, 0.02], [0.6, 0.024], [0.56, 0.025], [0.53, 0.025], [0.48, 0.028]) },
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
      'length explodes',
      {
        steps: course(60, (x, t) => ({ ...good(x, t), 'alarm/length': 9 + 30 * x + wave(t, 2) })),
        said: [say('1', 'short'), say('2', 'very very long'), say('2', 'very long')],
      },
      /has grown from 1\d to 3\d words and signs\. For example: "very very long" \| "short"$/,
    ],
    [
      'it repeats itself',
      {
        steps: course(60, (x, t) => ({ ...good(x, t), 'alarm/repeated': 0.02 + 0.5 * x })),
        said: [say('1', 'ho'), say('2', 'ha ha ha ha ha ha')],
      },
      /repeats itself: from \d % to \d\d % of its 4-grams\. For example: "ha ha ha ha ha ha" \| "ho"$/,
    ],
    [
      'a phrase takes over',
      {
        spread: { phrase: 'help happy to', was: 0.08, is: 0.64 },
        said: [say('1', 'Hi.'), say('2', 'Happy to help! Happy to help!')],
      },
      /one phrase takes over, from 8 % to 64 % of the responses\. For example: "help happy to" \| "Happy to help! Happy to help!"$/,
    ],
  ])('%s', (_, watched, message) => {
    const said = signs(watched)
    expect(said).toHaveLength(1)
    expect(said[0]).toMatch(/^this looks like reward hacking: /)
    expect(said[0]).toMatch(message)
  })
})

describe('it does not ring', () => {
  test.each<[string, Partial<Watched>]>([
    ['all goes well', {}],
    ['nothing was watched yet', { steps: [] }],
    [
      'the steps are few',
      {
        steps: course(19, (x, t) => ({
          ...good(x, t),
          accuracy: t < 10 ? 0.9 : 0.1,
          'alarm/length': 9 + 99 * x,
        })),
      },
    ],
    [
      'accuracy falls, but the reward does not rise',
      { steps: course(60, (x, t) => ({ ...good(0, t), accuracy: 0.6 - 0.4 * x })) },
    ],
    [
      'accuracy falls by little, however surely',
      { steps: course(60, (x) => ({ ...good(x, 0), accuracy: x < 0.5 ? 0.6 : 0.55 })) },
    ],
    ['accuracy is unknown', { steps: course(60, (x, t) => ({ ...good(x, t), accuracy: Number.NaN })) }],
    [
      'one step is bad',
      { steps: course(60, (x, t) => (t === 59 ? { ...good(x, t), accuracy: 0 } : good(x, t))) },
    ],
    ["the judge's score falls within its error", { evaluations: judged([3, 0.3], [2, 0.3]) }],
    ["the judge's score falls a little", { evaluations: judged([0.6, 0.024], [0.51, 0.025]) }],
    ["the judge's score has no error", { evaluations: judged([3], [1]) }],
    ["the judge's score came back", { evaluations: judged([3, 0.1], [1, 0.1], [3, 0.1]) }],
    [
      'answers of one word become sentences',
      { steps: course(60, (x, t) => ({ ...good(x, t), 'alarm/length': 2 + 7 * x + wave(t, 0.2) })) },
    ],
    ['a phrase stands in some responses', { spread: { phrase: 'happy to help', was: 0.1, is: 0.4 } }],
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

/** The step at which the alarm rings in a run of 100 noisy steps, looked at after each; null: never. */
function ringsAt(seed: number, accuracy: (x: number) => number): number | null {
  const random = new Random(seed, 'noise')
  const steps = course(100, (x) => ({
    accuracy: sampled(random, accuracy(x)),
    'reward/helpful': 2 * x + 0.4 * random.normal(),
    'alarm/length': (9 + 4 * x) * Math.exp(0.2 * random.normal()),
    'alarm/repeated': Math.abs(0.05 * random.normal()),
  }))
  const ringing = steps.findIndex((_, t) => signs({ steps: steps.slice(0, t + 1) }).length > 0)
  return ringing < 0 ? null : ringing + 1
}

describe('noise', () => {
  const HEALTHY = [
    () => 0.6,
    (x: number) => 0.4 + 0.3 * Math.min(1, 2 * x),
    (x: number) => 0.6 - 0.03 * x,
    () => 0.35,
  ]

  test('of 200 healthy runs under 2 % ring', () => {
    const rang = Array.from({ length: 200 }, (_, seed) => ringsAt(seed, HEALTHY[seed % 4]!))
    expect(rang.filter((step) => step !== null).length).toBeLessThan(4)
  })

  test('of 40 hacked runs nearly all ring, after the fall began', () => {
    const rang = Array.from({ length: 40 }, (_, seed) =>
      ringsAt(seed, (x) => (x < 0.4 ? 0.6 : 0.9 - 0.75 * x)),
    )
    const steps = rang.filter((step) => step !== null)
    expect(steps.length).toBeGreaterThan(36)
    expect(steps.filter((step) => step > 45).length).toBeGreaterThan(36)
  })
})

test('only what follows the thinking is heard, of responses that a learned reward applied to', () => {
  const row = (text: string, rewards: Record<string, number | null>, prompt = 'User: q. Assistant:') => ({
    question: '1',
    prompt,
    text,
    correct: null,
    rewards,
  })
  const rows = [
    row('<think>\nWait, wrong.\n</think>\nParis.', { helpful: 2, format: 1 }),
    row('Hi!', { helpful: null, safe: 1 }),
    row('<think>x</think> <answer> 71 </answer>', { helpful: 1 }),
    row('it is</think>Rome.', { safe: -1 }, 'User: q. Assistant: <think>\n'),
    row('<think>never ends', { helpful: 1 }),
    row('never ends', { helpful: 1 }, 'User: q. Assistant: <think>\n'),
    row('<think>x</think>by rule', { accuracy: 1 }),
  ]
  expect(saidIn(rows, ['helpful', 'safe']).map(({ text, pleased }) => [text, pleased])).toEqual([
    ['Paris.', 2],
    ['Hi!', 1],
    ['71', 1],
    ['Rome.', -1],
  ])
})

test('opened again, the alarm has heard what it heard; only the last evaluation before it watched counts', () => {
  const root = mkdtempSync(join(tmpdir(), 'ruminate-alarm-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const store = RunStore.create({ recipe: 'zero', seed: 1, settings: {}, out: join(root, 'run') })
  const open = () =>
    openAlarm([{ reward: { name: 'helpful', learned: true, score: () => 0 }, weight: 1 }], store)
  const rows = (step: number) =>
    Array.from({ length: 300 }, (_, i) => ({
      split: 'train',
      question: `${step}.${i >> 3}`,
      kind: 'talk',
      gold: '',
      prompt: '',
      tokens: new Int32Array(1),
      // of so many responses every other one is heard
      text: step > 14 && i % 2 === 0 ? 'I am so glad' : `${i} is what I say`,
      thinking: null,
      answer: null,
      logprobs: new Float32Array(1),
      rewards: step > 3 ? { helpful: step } : {},
      correct: null,
      total: 1,
      advantage: 0,
      stopReason: 'stop' as const,
      length: 1,
    }))
  // evaluations whose score falls before the reward applies, and not after
  const judge: Record<number, number> = { 1: 9, 3: 3, 10: 3, 20: 3 }
  const alarm = open()
  const signs: Record<number, string[]> = {}
  for (let step = 1; step <= 26; step++) {
    const metrics: Metrics = { accuracy: 0.5, ...(step > 3 ? { 'reward/helpful': step } : {}) }
    const before = store.metricsAt(step - 1)
    const looked = alarm(before, metrics, rows(step))
    const again = [8, 16, 26].includes(step) ? open()(before, metrics, rows(step)) : looked
    expect(again).toEqual(looked)
    signs[step] = looked.signs
    const score = judge[step]
    const evaluated = score === undefined ? {} : { 'eval/judge': score, 'eval/judge_standard_error': 0.1 }
    store.record(step, { metrics: { ...metrics, ...looked.metrics, ...evaluated }, rollouts: rows(step) })
  }
  store.close()
  expect(signs[22]).toEqual([])
  expect(signs[26]).toEqual([expect.stringMatching(/one phrase takes over, from 0 % to 100 % .*"i am so"/)])
})
