import { expect, test } from 'vitest'
import { resolveDpoSettings } from '../../../settings/dpo.ts'
import { rewardOf } from './dpo.ts'

test.each([
  ['dpo', 'how much likelier the model makes it than the reference does, in nats, times β'],
  ['ipo', 'how much likelier the model makes it than the reference does, in nats per token, times β'],
  ['simpo', 'its log-probability per token (nats) times β; there is no reference'],
] as const)('the reward of %s in words', (algorithm, text) => {
  expect(rewardOf(resolveDpoSettings({ data: 'pairs.jsonl', algorithm }).objective)).toBe(text)
})
