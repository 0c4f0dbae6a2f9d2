import { expect, test } from 'vitest'
import type { z } from 'zod'
import { distillSettings } from './distill.ts'
import { checkSettings, type Tree } from './layers.ts'
import { r1Settings, resolveR1Settings } from './r1.ts'
import { rewardSettings } from './reward.ts'
import { sftSettings } from './sft.ts'
import { resolveZeroSettings, zeroSettings } from './zero.ts'

test.each<[schema: z.ZodType, given: Tree, message: RegExp]>([
  [
    zeroSettings,
    { rewards: { lenght: 1 } },
    /rewards\.lenght; did you mean rewards\.overlong or rewards\.cosine, the rewards for length\?$/,
  ],
  [zeroSettings, { rewards: { acucracy: 1 } }, /did you mean rewards\.accuracy\?$/],
  [zeroSettings, { reward: { accuracy: 1 } }, /did you mean rewards\?$/],
  [zeroSettings, { rewards: { accurcay: 1 } }, /did you mean rewards\.accuracy\?$/],
  // inside a mapping that may also be null, a number, or one of several kinds
  [zeroSettings, { rl: { klInReward: { bata: 1 } } }, /did you mean rl\.klInReward\.beta\?$/],
  [zeroSettings, { rl: { overlong: { bufer: 1 } } }, /did you mean rl\.overlong\.buffer\?$/],
  [
    zeroSettings,
    { rewards: { cosine: { weight: 1, excedeed: 1 } } },
    /did you mean rewards\.cosine\.exceeded\?$/,
  ],
  [zeroSettings, { rl: { schedule: { kind: 'linear', wramup: 1 } } }, /did you mean rl\.schedule\.warmup\?$/],
  [zeroSettings, { chat: { dtae: '2026-01-01' } }, /did you mean chat\.date\?$/],
  [zeroSettings, { eval: { hsare: 0.1 } }, /did you mean eval\.share\?$/],
  [zeroSettings, { learningrate: 1 }, /did you mean rl\.learningRate\?$/],
  [zeroSettings, { bata: 1 }, /did you mean rl\.objective\.kl\.beta\?$/],
  [sftSettings, { columns: { mesages: 'a' } }, /did you mean columns\.messages\?$/],
  [sftSettings, { columns: { thinknig: 'a' } }, /did you mean columns\.thinking\?$/],
  [rewardSettings, { columns: { chosne: 'a' } }, /did you mean columns\.chosen\?$/],
  [distillSettings, { teacher: { modle: 'a' } }, /did you mean teacher\.model\?$/],
  [distillSettings, { teacher: { prices: { promt: 1 } } }, /did you mean teacher\.prices\.prompt\?$/],
  [r1Settings, { judge: { temprature: 1 } }, /did you mean judge\.temperature\?$/],
  [zeroSettings, { wibble: 1 }, /^unknown setting wibble; the settings are model, task, /],
  // values
  [
    zeroSettings,
    { template: 'caht' },
    /^setting template is "caht": expected one of r1-zero, chat; did you mean "chat"\?$/,
  ],
  [zeroSettings, { preset: 'minature' }, /did you mean "miniature"\?$/],
])('%#: a misspelt setting has a suggestion', (schema, given, message) => {
  expect(() => checkSettings(schema, given)).toThrow(message)
})

test('the names of free mappings are not checked', () => {
  expect(
    checkSettings(zeroSettings.pick({ chat: true }), { chat: { arguments: { enable_thinking: false } } }),
  ).toMatchObject({ chat: { arguments: { enable_thinking: false } } })
})

test('a misspelt value has a suggestion, without a path', () => {
  expect(() => resolveZeroSettings({ algorithm: 'grop' })).toThrow(/; did you mean "grpo"\?$/)
  expect(() => resolveZeroSettings({ alarm: 'stpo' })).toThrow(/; did you mean "stop"\?$/)
  expect(() => resolveR1Settings({ rl1: { alarm: 'stpo' } })).toThrow(
    /setting rl1\.alarm .*; did you mean "stop"\?$/,
  )
  expect(() => resolveR1Settings({ rl1: { algorithm: 'dapoo' } })).toThrow(/; did you mean "dapo"\?$/)
})
