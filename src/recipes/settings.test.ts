import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { UserError } from '../errors.ts'
import { checkSettings, merge, readAssignment, readSettingsFile } from './layers.ts'
import { modelFolder } from './model-folder.ts'
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
    rl: { groupSize: 8, learningRate: 5e-4 },
  })
  expect(resolved('preset=r1-zero', 'algorithm=dapo')).toMatchObject({
    rewards: { format: 1 },
    rl: { groupSize: 16, dynamicSampling: true },
  })
})

const given: [string, object][] = [
  ['rewards.language=0.1', { rewards: { language: 0.1, accuracy: 1 } }],
  ['rewards.shuffle=true', { rewards: { shuffle: true } }],
  ['rl.objective.kl.beta=0', { rl: { objective: { kl: { beta: 0, estimator: 'k3' }, surrogate: 'clip' } } }],
  ['eval.every=10', { eval: { every: 10, questions: 300 } }],
]
test.each(given)('--set %s', (assignment, expected) => {
  expect(resolved(assignment)).toMatchObject(expected)
})

const wrong: [string, RegExp][] = [
  ['steps=-5', /setting steps is -5: .*>=0/],
  ['steps=1.5', /setting steps is 1\.5: .*int/],
  ['rl.groupSize=1', /setting rl\.groupSize is 1: .*>=2/],
  ['rewards.langage=1', /unknown setting rewards\.langage; did you mean rewards\.language\?/],
  ['stpes=1', /unknown setting stpes; did you mean steps\?/],
  [
    'rl.objective.clipHih=1',
    /unknown setting rl\.objective\.clipHih; did you mean rl\.objective\.clipHigh\?/,
  ],
  ['engine=tinker', /setting engine is "tinker"/],
  ['algorithm=ppo', /unknown algorithm "ppo"/],
]
test.each(wrong)('%s is wrong usage', (assignment, message) => {
  const error = failure(() => resolved(assignment))
  expect(error.message).toMatch(message)
  expect(error.exitCode).toBe(2)
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

test('pretraining has settings of its own', () => {
  expect(checkSettings(pretrainSettings, {})).toMatchObject({
    model: { hiddenSize: 96 },
    learningRate: 4e-3,
  })
})

test('a model that is not there', () => {
  expect(failure(() => modelFolder(join(folder, 'none'))).message).toMatch(/no model folder at/)
  const empty = mkdtempSync(join(tmpdir(), 'ruminate-empty-'))
  expect(failure(() => modelFolder(empty)).message).toMatch(/it has no config\.json/)
  rmSync(empty, { recursive: true })
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
