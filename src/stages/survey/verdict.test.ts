import { expect, test } from 'vitest'
import type { Score } from './ask.ts'
import { type Findings, type VerdictKind, verdictOf } from './verdict.ts'

const scored = (passAt1: number, sometimes: number, rest: Partial<Score> = {}): Score => ({
  questions: 20,
  responses: 160,
  right: Math.round(160 * passAt1),
  passAt1,
  sometimes,
  unchecked: 0,
  cut: 0,
  tokens: { mean: 40, p95: 80 },
  ...rest,
})

const trial = (before: number, after: number, sometimes = 6) => ({
  before: scored(before, 0),
  after: scored(after, sometimes),
  steps: 60,
  rows: 33,
  seconds: 9,
})

/** A table of 45 training rows with worked solutions, to which the base has no right answer. */
const usual: Findings = {
  training: 45,
  answers: true,
  solutions: true,
  prose: 0,
  unfit: null,
  score: scored(0, 0),
  bitsPerCharacter: 2,
  trial: null,
}

const cases: [string, Partial<Findings>, VerdictKind, RegExp][] = [
  ['sometimes right', { score: scored(0.13, 11) }, 'reinforce', /13 % .* 11 of the 20 questions/],
  ['as often right as needed', { score: scored(0.025, 3) }, 'reinforce', /2\.5 %/],
  ['right on too few questions', { score: scored(0.05, 2) }, 'fine-tune', /Only 8 of its 160 responses are/],
  ['lucky guesses', { score: scored(1 / 160, 1) }, 'fine-tune', /Only 1 of its 160 responses is right/],
  ['never right', {}, 'fine-tune', /None of its 160 responses is right/],
  ['never right, without solutions', { solutions: false }, 'fine-tune', /Worked solutions in a column/],
  ['a trial that helped', { trial: trial(0, 0.57) }, 'fine-tune', /from 0 % to 57 % on 20 questions/],
  ['a trial that taught everything', { trial: trial(0, 1, 0) }, 'fine-tune', /from 0 % to 100 %/],
  ['a trial after which it guesses better', { trial: trial(0, 0.05) }, 'other-base', /to 5\.0 %/],
  ['a trial without effect', { trial: trial(0, 0.01, 1) }, 'other-base', /do not teach it enough/],
  [
    'a trial that helped with a language it hardly knows',
    { trial: trial(0, 0.57), bitsPerCharacter: 13 },
    'fine-tune',
    /57 %/,
  ],
  ['no trial, and another script', { bitsPerCharacter: 6.1 }, 'other-base', /6\.1 bits per character/],
  ['unknown bits', { bitsPerCharacter: Number.NaN }, 'fine-tune', /not tried/],
  ['few rows', { training: 19 }, 'other-base', /19 rows to learn from are too few/],
  ['few rows, sometimes right', { training: 19, score: scored(0.2, 9) }, 'reinforce', /20 %/],
  ['nearly always right', { score: scored(0.97, 3) }, 'nothing-to-learn', /97 % of its responses/],
  ['always right', { score: scored(1, 0) }, 'nothing-to-learn', /100 %/],
  ['no gold', { answers: false, score: scored(Number.NaN, 0) }, 'unreadable-answers', /no gold answers/],
  ['sentences', { prose: 0.8, score: scored(0.3, 8) }, 'unreadable-answers', /80 % of the gold answers/],
  [
    'responses that cannot be compared',
    { score: scored(0.2, 4, { unchecked: 0.9 }) },
    'unreadable-answers',
    /90 % of the responses/,
  ],
  [
    'questions that are too long',
    { unfit: { share: 1, reason: 'a.csv:2: its prompt has 2000 tokens' }, score: null },
    'other-base',
    /100 % of the questions cannot be asked\. The first: a\.csv:2/,
  ],
  [
    'a few questions that are too long',
    { unfit: { share: 0.1, reason: 'a.csv:2: long' }, score: scored(0.2, 9) },
    'reinforce',
    /20 %/,
  ],
]

test.each(cases)('%s', (_, found, kind, reason) => {
  const verdict = verdictOf({ ...usual, ...found })
  expect(verdict.kind).toBe(kind)
  expect(verdict.reasons.join('\n')).toMatch(reason)
})
