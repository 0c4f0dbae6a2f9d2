import { expect, test } from 'vitest'
import type { EpochSettings } from './epochs.ts'
import { alreadyLearned, notLearned, tooLittle } from './too-little.ts'

const settings: EpochSettings = {
  seed: 0,
  epochs: 3,
  batchSize: 16,
  learningRate: 1e-3,
  schedule: { kind: 'cosine', warmup: 5, final: 0.1 },
  betas: [0.9, 0.999],
  weightDecay: 0,
  gradClip: 1,
  evalEvery: null,
  checkpointEvery: 20,
  checkpointSeconds: 60,
}

test.each<[string, Parameters<typeof tooLittle>[0], Partial<EpochSettings>, RegExp[]]>([
  ['enough', { training: 180, heldOut: 20, steps: 36 }, {}, []],
  ['ten steps and three rows are enough', { training: 50, heldOut: 3, steps: 10 }, {}, []],
  [
    'few steps, all of them warm-up',
    { training: 4, heldOut: 5, steps: 3 },
    {},
    [
      /^only 3 optimizer steps in all \(4 training rows, batchSize=16, epochs=3\).*raise epochs or lower batchSize; all of them are warm-up \(schedule\.warmup=5\)$/,
    ],
  ],
  [
    'few steps',
    { training: 1, heldOut: 3, steps: 9 },
    {},
    [/^only 9 optimizer steps in all \(1 training row,.*lower batchSize$/],
  ],
  ['one step', { training: 1, heldOut: 3, steps: 1 }, {}, [/^only 1 optimizer step in all/]],
  [
    'one held-out row',
    { training: 180, heldOut: 1, steps: 36 },
    {},
    [/held-out loss is that of 1 row,.*eval\.share$/],
  ],
  [
    'the learning rate 0',
    { training: 180, heldOut: 20, steps: 36 },
    { learningRate: 0 },
    [/learning rate is 0/],
  ],
])('before training: %s', (_, sizes, changes, expected) => {
  const warnings = tooLittle(sizes, { ...settings, ...changes })
  expect(warnings).toHaveLength(expected.length)
  for (const [i, pattern] of expected.entries()) expect(warnings[i]).toMatch(pattern)
})

test.each([
  [0.5, []],
  [Number.NaN, []],
  [
    0.012,
    [expect.stringMatching(/^the held-out loss is 0\.0120 before training: the model already does what/)],
  ],
])('a held-out loss of %d before training', (loss, expected) => {
  expect(alreadyLearned(loss)).toEqual(expected)
})

const DID_NOT_FALL =
  /^the held-out loss did not fall \(.* before training, .* after\).*more rows, or another learningRate$/
test.each<[string, number[], Partial<EpochSettings>, RegExp | null]>([
  ['it falls', [4, 2, 1], {}, null],
  ['it rises by less than 2 % at the end', [4, 1, 1.01], {}, null],
  ['it stays', [4, 4, 4], {}, DID_NOT_FALL],
  ['it rises', [4, 4.5, 5], {}, DID_NOT_FALL],
  [
    'it falls and rises again',
    [4, 2, 3],
    {},
    /^the held-out loss has risen since step 10 \(2\.0000; 4\.0000 before training, 3\.0000 after\): the model overfits\..* the checkpoint of step 10 is kept$/,
  ],
  ['it falls and rises above the first', [4, 2, 5], {}, /has risen since step 10 .*overfits/],
  ['the learning rate is 0', [4, 4, 4], { learningRate: 0 }, null],
])('the held-out loss after training: %s', (_, losses, changes, expected) => {
  const evaluated = losses.map((value, i) => ({ step: 10 * i, value }))
  const warnings = notLearned(evaluated, { ...settings, ...changes })
  expect(warnings).toHaveLength(expected ? 1 : 0)
  if (expected) expect(warnings[0]).toMatch(expected)
})
