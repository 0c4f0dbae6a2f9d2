import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import type { Engine } from '../engines/contract.ts'
import { fakeEngine } from '../testing/fakes/fake-engine.ts'
import { pretrain } from './pretrain.ts'

vi.mock('../engines/local/index.ts', () => ({
  openLocalEngine: async (): Promise<Engine> => ({
    ...fakeEngine(),
    can: { ...fakeEngine().can, objectives: ['policy'] },
  }),
}))

const root = mkdtempSync(join(tmpdir(), 'ruminate-pretrain-'))
afterAll(() => rmSync(root, { recursive: true }))

test.each([
  ['an engine that cannot train it', {}, /cannot train with cross_entropy, only with policy/],
  [
    'documents longer than its positions',
    { maxLength: 2000 },
    /maxLength=2000 is more than the model's 1024 pos/,
  ],
  [
    'layers with a window of no size',
    { model: { type: 'gemma3_text' } },
    /"layer_types" has sliding_attention, but there is no "sliding_window"/,
  ],
  [
    'a window in a type that has none',
    { model: { type: 'llama', slidingWindow: 8 } },
    /"use_sliding_window" is true.*false in a llama/,
  ],
])('%s: refused before there is a run', async (_, given, message) => {
  const out = join(root, 'run')
  await expect(pretrain({ threads: 1, ...given }, { out })).rejects.toThrow(message)
  expect(existsSync(out)).toBe(false)
})
