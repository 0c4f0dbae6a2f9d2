import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { Interrupted } from '../runs/interrupted.ts'
import { writeTinyModel } from '../testing/runs.ts'
import { dpo, resumeDpo } from './dpo.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-dpo-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A tiny model that writes text, with its tokenizer. */
const model = writeTinyModel(join(folder, 'model'))

const lines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
const data = join(folder, 'pairs.jsonl')
writeFileSync(
  data,
  lines(
    Array.from({ length: 60 }, (_, n) => ({
      prompt: [{ role: 'user', content: `What is ${n} + 1?` }],
      chosen: [{ role: 'assistant', content: `It is ${n + 1}. Thank you!` }],
      rejected: [{ role: 'assistant', content: 'Go away!' }],
    })),
  ),
)
const small = {
  model,
  data,
  maxLength: 300,
  batchSize: 10,
  learningRate: 0.01,
  threads: 1,
  checkpointEvery: 2,
}
const quiet = { onWarning: () => {} }

test('held-out pairs are ranked rightly afterwards; a run that was stopped and resumed is the same', async () => {
  const whole = await dpo(small, { ...quiet, out: join(folder, 'whole') })
  expect(whole.before).toMatchObject({ margin: 0, chosen: 0, rejected: 0 })
  expect(whole.before.loss).toBeCloseTo(Math.LN2, 5)
  expect(whole.after.accuracy).toBe(1)
  expect(whole.after.loss).toBeLessThan(0.3)

  const aborting = new AbortController()
  const out = join(folder, 'parts')
  const onStep = ({ step }: { step: number }) => void (step === 3 && aborting.abort())
  await expect(dpo(small, { ...quiet, out, signal: aborting.signal, onStep })).rejects.toThrow(Interrupted)
  const resumed = await resumeDpo(out, quiet)
  expect({ ...resumed.after, sha256: resumed.sha256 }).toEqual({ ...whole.after, sha256: whole.sha256 })
})

test('labelled answers are refused, and what to do with them', async () => {
  const labels = join(folder, 'labels.jsonl')
  writeFileSync(
    labels,
    lines(Array.from({ length: 20 }, (_, n) => ({ prompt: `q${n}`, response: 'a', label: n % 2 === 0 }))),
  )
  await expect(dpo({ ...small, data: labels }, quiet)).rejects.toThrow(/ruminate reward/)
  // the advice names columns that `dpo` can read
  const other = join(folder, 'other.jsonl')
  writeFileSync(other, lines([{ question: 'q', better: 'a', label: 1 }]))
  await expect(dpo({ ...small, data: other }, quiet)).rejects.toThrow(
    /has no columns "chosen" and "rejected".*--columns chosen=NAME,rejected=NAME$/,
  )
})
