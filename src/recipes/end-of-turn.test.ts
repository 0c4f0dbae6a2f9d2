import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { loadConfig, saveModel } from '../models/checkpoint/directory.ts'
import { initParameters } from '../models/parameters.ts'
import { measure } from '../stages/evaluate/measure.ts'
import { changedMiniature } from '../testing/changed-miniature.ts'
import { sft } from './sft.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-end-of-turn-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('a base learns the end of turn of a chat template that is not its end of text, and stops there', async () => {
  const { folder, id } = changedMiniature(mkdtempSync(join(root, 'base-')), {
    config: { hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2 },
  })
  const config = loadConfig(folder)
  saveModel(folder, { config, parameters: initParameters(config, 1) })
  const write = (name: string, rows: readonly object[]): string => {
    writeFileSync(join(root, name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    return join(root, name)
  }
  const question = (n: number): string => `Give me item ${n}`
  const messages = (n: number) => [
    { role: 'user', content: question(n) },
    { role: 'assistant', content: 'ok' },
  ]
  const numbers = Array.from({ length: 40 }, (_, n) => n)
  const data = write(
    'train.jsonl',
    numbers.map((n) => ({ messages: messages(n) })),
  )
  const trained = await sft(
    { model: folder, data, epochs: 4, batchSize: 8, learningRate: 0.01, maxLength: 64, threads: 1 },
    { out: join(root, 'run') },
  )
  const generation = JSON.parse(readFileSync(join(trained.model, 'generation_config.json'), 'utf8'))
  expect(generation.eos_token_id).toEqual([id('<|endoftext|>'), id('<|im_end|>')])

  const task = write(
    'test.jsonl',
    numbers.map((n) => ({ question: question(1000 + n), answer: 'ok' })),
  )
  const { evaluation } = await measure({
    model: trained.model,
    task,
    questions: 4,
    samples: 1,
    temperature: 0,
    maxTokens: 10,
    seed: 0,
    threads: 1,
  })
  // "ok" is one or more tokens, then <|im_end|>
  expect(evaluation).toMatchObject({ passAt1: 1, cut: 0 })
})
