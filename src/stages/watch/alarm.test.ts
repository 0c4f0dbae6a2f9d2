import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { RunStore } from '../../runs/store.ts'
import { openAlarm } from './alarm.ts'

test('a reopened alarm continues like the first; of the evaluations before the first watched step, only the last counts', () => {
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
      // with 300 responses, every second one is counted
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
  // scores that fall before the reward applies, and not afterwards
  const judge: Record<number, number> = { 1: 9, 3: 3, 10: 3, 20: 3 }
  const alarm = open()
  const signs: Record<number, string[]> = {}
  for (let step = 1; step <= 26; step++) {
    const metrics: Record<string, number> = { accuracy: 0.5, ...(step > 3 ? { 'reward/helpful': step } : {}) }
    const before = store.metricsAt(step - 1)
    const seen = alarm(before, metrics, rows(step))
    const again = [8, 16, 26].includes(step) ? open()(before, metrics, rows(step)) : seen
    expect(again).toEqual(seen)
    signs[step] = seen.signs
    const score = judge[step]
    const evaluated = score === undefined ? {} : { 'eval/judge': score, 'eval/judge_standard_error': 0.1 }
    store.record(step, { metrics: { ...metrics, ...seen.metrics, ...evaluated }, rollouts: rows(step) })
  }
  store.close()
  expect(signs[22]).toEqual([])
  expect(signs[26]).toEqual([expect.stringMatching(/one phrase has spread from 0 % to 100 % .*"i am so"/)])
})
