import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { UserError } from '../common/errors.ts'
import { checkSettings, merge, readAssignment, readSettingsFile } from './layers.ts'
import { pretrainSettings } from './pretrain.ts'
import { resolveZeroSettings } from './zero.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-settings-'))
writeFileSync(join(folder, 'config.json'), '{}')
const resolved = (...assignments: string[]) =>
  resolveZeroSettings(merge({ model: folder }, ...assignments.map(readAssignment)))

test('defaults are those of the preset', () => {
  expect(resolved()).toMatchObject({
    seed: 0,
    steps: 200,
    rewards: { accuracy: 1, format: 0.1, language: 0, shuffle: false },
    rl: { groupSize: 8, learningRate: 5e-4, temperature: 1, topK: 0, topP: 1, minP: 0 },
    eval: { temperature: 1, topK: 0, topP: 1, minP: 0 },
  })
  expect(resolved('preset=r1-zero', 'algorithm=dapo')).toMatchObject({
    rewards: { format: 1 },
    rl: { groupSize: 16, dynamicSampling: true },
  })
})

const given: [string, object][] = [
  ['rewards.language=0.1', { rewards: { language: 0.1, accuracy: 1 } }],
  ['rewards.shuffle=true', { rewards: { shuffle: true } }],
  ['rewards.language=null', { rewards: { language: null, repetition: null } }],
  ['rewards.repetition=0.5', { rewards: { repetition: { weight: 0.5, n: 16 } } }],
  ['rewards.repetition={weight: 1, n: 4}', { rewards: { repetition: { weight: 1, n: 4 } } }],
  [
    'rewards.cosine=1',
    { rewards: { cosine: { weight: 1, correct: [2, 1], wrong: [-10, 0], exceeded: -10 } } },
  ],
  ['rl.objective.kl.beta=0', { rl: { objective: { kl: { beta: 0, estimator: 'k3' }, surrogate: 'clip' } } }],
  ['eval.every=10', { eval: { every: 10, questions: 300 } }],
]
test.each(given)('--set %s', (assignment, expected) => {
  expect(resolved(assignment)).toMatchObject(expected)
})

const wrong: [string, RegExp][] = [
  ['steps=-5', /setting steps is -5: expected a number of at least 0/],
  ['steps=1.5', /setting steps is 1\.5: expected a whole number/],
  ['rl.groupSize=1', /setting rl\.groupSize is 1: expected a number of at least 2/],
  ['rewards.langage=1', /unknown setting rewards\.langage; did you mean rewards\.language\?/],
  [
    'rewards.repetition=often',
    /setting rewards\.repetition is "often": expected a weight, null or \{weight, n\}/,
  ],
  ['rewards.repetition.n=4', /setting rewards\.repetition\.weight is missing/],
  [
    'rewards.repetition={weight: 1, n: 0}',
    /setting rewards\.repetition\.n is 0: expected a number of at least 1/,
  ],
  [
    'rewards.repetition={weight: 1, m: 4}',
    /unknown setting rewards\.repetition\.m; did you mean rewards\.repetition\.n\?/,
  ],
  ['rewards.overlong={weight: 1, buffer: 300}', /the buffer must be 1 to 260 tokens/],
  ['rewards.cosine={weight: 1, wrong: [0, 1]}', /a wrong answer must never pay as much as a right one/],
  ['rewards.accuracy=high', /setting rewards\.accuracy is "high"/],
  ['stpes=1', /unknown setting stpes; did you mean steps\?/],
  ['clipHigh=0.3', /unknown setting clipHigh; did you mean rl\.objective\.clipHigh\?/],
  ['rl.clip_high=0.3', /unknown setting rl\.clip_high; did you mean rl\.objective\.clipHigh\?/],
  ['eval.langauge=1', /unknown setting eval\.langauge; did you mean rewards\.language\?/],
  ['wibble=1', /unknown setting wibble; the settings are model, task, .*threads$/],
  [
    'eval.wibble=1',
    /unknown setting eval\.wibble; the settings are share, questions, samples, every, temperature, topK, topP, minP$/,
  ],
  [
    'rl.objective.clipHih=1',
    /unknown setting rl\.objective\.clipHih; did you mean rl\.objective\.clipHigh\?/,
  ],
  ['engine=tinker', /setting engine is "tinker"/],
  ['rl.temperature=hot', /setting rl\.temperature is "hot": expected a number$/],
  ['chat.date=yesterday', /setting chat\.date is "yesterday": expected a date such as 2026-01-31/],
  ['chat.arguments=1', /setting chat\.arguments is 1: expected a mapping/],
  ['template=alpaca', /setting template is "alpaca": expected one of r1-zero, chat/],
  [
    'rl.schedule.kind=step',
    /setting rl\.schedule\.kind is "step": expected one of constant, linear, cosine, /,
  ],
  ['algorithm=ppo', /unknown algorithm "ppo"/],
  ['rl.temperature=0', /setting rl\.temperature is 0: expected a number of at least 0\.000001/],
  [
    'eval.temperature=0.0000001',
    /setting eval\.temperature is 1e-7: expected 0 \(greedy\) or at least 0\.000001/,
  ],
  ['eval.temperature=-1', /setting eval\.temperature is -1: expected a number of at least 0/],
  ['eval.minP=2', /setting eval\.minP is 2: expected a number of at most 1/],
  ['rl.topK=-1', /setting rl\.topK is -1: expected a number of at least 0/],
  ['rl.topP=0', /setting rl\.topP is 0: expected a number above 0/],
  ['rl.minP=1.5', /setting rl\.minP is 1\.5: expected a number of at most 1/],
]
test.each(wrong)('%s is a usage error', (assignment, message) => {
  const error = failure(() => resolved(assignment))
  expect(error.message).toMatch(message)
  expect(error.exitCode).toBe(2)
})

test.each(['rl.topK=20', 'rl.topP=0.9', 'rl.minP=0.05'])(
  '%s: truncated sampling is corrected per token, so it needs a ratio per token',
  (truncation) => {
    expect(resolved('rl.temperature=0.6', truncation).rl.temperature).toBe(0.6)
    const { message, exitCode } = failure(() => resolved('algorithm=gspo', truncation))
    expect(message).toMatch(/set rl\.objective\.ratio=token/)
    expect(exitCode).toBe(2)
    resolved('algorithm=gspo', truncation, 'rl.objective.ratio=token')
  },
)

test('length cannot be punished twice', () => {
  expect(failure(() => resolved('algorithm=dapo', 'rewards.overlong=1')).message).toMatch(
    /would both punish length/,
  )
  expect(resolved('algorithm=dapo', 'rewards.overlong=1', 'rl.overlong=null').rewards.overlong).toEqual({
    weight: 1,
    buffer: null,
  })
})

test('the overlong buffer scales with the longest response, and cannot exceed it', () => {
  expect(resolved('algorithm=dapo').rl.overlong).toEqual({ buffer: 52 })
  expect(resolved('algorithm=dapo', 'rl.maxTokens=40').rl.overlong).toEqual({ buffer: 8 })
  const { message, exitCode } = failure(() => resolved('rl.overlong={buffer: 500}'))
  expect(message).toBe('setting rl.overlong.buffer is 500: it must be at most rl.maxTokens, 260')
  expect(exitCode).toBe(2)
})

test.each(['steps', '=3', 'a..b=1', 'x=[1'])('--set %s cannot be read', (text) => {
  expect(failure(() => readAssignment(text)).exitCode).toBe(2)
})

test('settings files', () => {
  const file = (text: string): string => {
    writeFileSync(join(folder, 'settings.yaml'), text)
    return join(folder, 'settings.yaml')
  }
  expect(readSettingsFile(file('steps: 3\nrl: { groupSize: 4 }'))).toEqual({ steps: 3, rl: { groupSize: 4 } })
  expect(failure(() => readSettingsFile(file('just text'))).message).toMatch(/must be a mapping/)
  expect(failure(() => readSettingsFile(join(folder, 'none.yaml'))).message).toMatch(/there is no such file/)
})

test('pretraining has its own settings', () => {
  expect(checkSettings(pretrainSettings, {})).toMatchObject({
    model: { hiddenSize: 96 },
    learningRate: 4e-3,
  })
})

function failure(work: () => unknown): UserError {
  try {
    work()
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
  throw new Error('nothing was wrong')
}
