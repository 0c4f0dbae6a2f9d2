import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { pretrain } from './pretrain.ts'
import { sft } from './sft.ts'
import { resumeZero, zero } from './zero.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-progress-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Collects lines, each once: numbers are left out. */
function collect() {
  const lines: string[] = []
  const onProgress = (line: string): void => {
    const name = line
      .replace(/[\d:]+ left/, '')
      .replace(/\d+/g, 'N')
      .replace(/,? *$/, '')
    if (!lines.includes(name)) lines.push(name)
  }
  return { lines, onProgress }
}

const rl = { questionsPerStep: 2, groupSize: 2, maxTokens: 8 }
const settings = { steps: 2, threads: 1, checkpointEvery: 1, rl, eval: { questions: 4, every: 0 } }

test('reinforcement learning says what it is doing', async () => {
  const { lines, onProgress } = collect()
  await zero({ ...settings, out: join(root, 'zero'), onProgress })
  expect(lines).toEqual([
    'opening the model',
    'preparing the training',
    'evaluation: sampling responses: N of N',
    'evaluation: checking the answers',
    'sampling responses: N of N',
    'scoring groups of responses: N of N',
    'learning from N responses',
    'writing a checkpoint',
    'writing the model',
  ])
})

test('so does a run that is resumed', async () => {
  const controller = new AbortController()
  const out = join(root, 'resumed')
  const stopped = zero({ ...settings, out, signal: controller.signal, onStep: () => controller.abort() })
  await expect(stopped).rejects.toThrow('interrupted')
  const { lines, onProgress } = collect()
  await resumeZero(out, { onProgress })
  expect(lines.slice(0, 4)).toEqual([
    'opening the model',
    'preparing the training',
    'loading the checkpoint of step N',
    'sampling responses: N of N',
  ])
})

test('fine-tuning says what it is doing', async () => {
  const data = join(root, 'rows.jsonl')
  const rows = Array.from({ length: 8 }, (_, i) => ({ prompt: `${i}+1?`, completion: `${i + 1}` }))
  writeFileSync(data, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  const { lines, onProgress } = collect()
  await sft({ data, epochs: 1, threads: 1 }, { out: join(root, 'sft'), onProgress })
  for (const line of [
    'opening the model',
    'preparing the training',
    'measuring the loss on the held-out rows',
    'learning from N rows',
    'writing a checkpoint',
    'writing the model',
  ])
    expect(lines.map((one) => one.replace(/row$/, 'rows'))).toContain(line)
})

test('pretraining says what it is doing', async () => {
  const { lines, onProgress } = collect()
  const small = { tokens: 1000, threads: 1, tokenizerDocuments: 200, vocabulary: 400, windowDocuments: 50 }
  await pretrain(small, { out: join(root, 'pretrain'), onProgress })
  expect(lines).toEqual([
    'checking the model',
    'making the tokenizer from the corpus',
    'opening the model',
    'making documents of the corpus',
    'writing the model',
  ])
})
