import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig, loadModel } from '../models/checkpoint/directory.ts'
import { RunStore } from '../runs/store.ts'
import { type RewardInput, resolveRewardSettings } from '../settings/reward.ts'
import { resumedRunTests } from '../testing/resumed-runs.ts'
import { writeTinyModel } from '../testing/runs.ts'
import { type RewardResult, resumeReward, reward } from './reward.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-reward-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A tiny model that writes text, with its tokenizer. */
const model = writeTinyModel(join(folder, 'model'))

/** The same model with a tokenizer that has one more token. */
const larger = join(folder, 'larger')
cpSync(model, larger, { recursive: true })
const tokenizer = JSON.parse(readFileSync(join(larger, 'tokenizer.json'), 'utf8'))
tokenizer.added_tokens.push({ ...tokenizer.added_tokens[0], id: 576, content: 'Thank' })
writeFileSync(join(larger, 'tokenizer.json'), JSON.stringify(tokenizer))

/** The polite answer is the better one, whatever its length. */
const row = (n: number): string => {
  const [polite, rude] = [`Yes: it is ${n + 1}. Thank you!`, `Go away!${' No!'.repeat(n % 9)}`]
  return `${JSON.stringify({
    prompt: [{ role: 'user', content: `What is ${n} + 1?` }],
    chosen: [{ role: 'assistant', content: polite }],
    rejected: [{ role: 'assistant', content: rude }],
  })}\n`
}
const rows = Array.from({ length: 60 }, (_, n) => row(n)).join('')
const long = `${JSON.stringify({ messages: [{ role: 'user', content: 'Go on.' }], chosen: 'a b '.repeat(300), rejected: 'c' })}\n`
const data = join(folder, 'rows.jsonl')
writeFileSync(data, rows + long.replace('"messages"', '"prompt"'))

const small = {
  model,
  data,
  maxLength: 300,
  epochs: 2,
  batchSize: 10,
  learningRate: 0.01,
  eval: { share: 0.2 },
  checkpointEvery: 4,
  threads: 2,
} as const

let whole: RewardResult
const warnings: string[] = []
beforeAll(async () => {
  whole = await reward(small, {
    out: join(folder, 'whole'),
    onWarning: (message) => warnings.push(message),
  })
})

describe('a run', () => {
  test('learns which of two held-out answers is better', () => {
    expect(whole.after.accuracy).toBeGreaterThan(0.9)
    expect(whole.after.loss).toBeLessThan(0.5 * whole.before.loss)
    expect(whole.after.comparisons).toBe(whole.data.heldOut)
    expect(whole.after.histogram.counts.reduce((a, b) => a + b)).toBe(whole.data.heldOut)
  })

  test('counts the rows that are too long, and warns about them', () => {
    expect(whole.data).toMatchObject({ kind: 'pairs', overlong: 1, repeated: 0 })
    expect(whole.data.training + whole.data.heldOut).toBe(60)
    expect(warnings).toEqual(['1 of 61 rows is left out, since it is longer than maxLength (300 tokens)'])
  })

  test('stores what it measured, and its result', () => {
    const store = RunStore.open(whole.run)
    expect(store.metricNames()).toEqual(
      expect.arrayContaining(['loss', 'accuracy', 'margin', 'eval/accuracy', 'eval/longer_wins/model']),
    )
    expect(store.metric('eval/accuracy').map(({ step }) => step)).toEqual([0, whole.steps / 2, whole.steps])
    expect(store.info()).toMatchObject({ status: 'done', result: JSON.parse(JSON.stringify(whole)) })
    store.close()
  })

  test('writes a sequence classifier in Transformers’ format, which can be trained further', async () => {
    const json = JSON.parse(readFileSync(join(whole.model, 'config.json'), 'utf8'))
    expect(json).toMatchObject({
      architectures: ['Qwen3ForSequenceClassification'],
      id2label: { 0: 'LABEL_0' },
      pad_token_id: loadConfig(model).padTokenId,
    })
    expect(existsSync(join(whole.model, 'generation_config.json'))).toBe(false)
    const { config, parameters } = loadModel(whole.model)
    expect(config.head).toBe('score')
    expect(parameters.get('score.weight')).toHaveLength(config.hiddenSize)
    expect(parameters.has('lm_head.weight')).toBe(false)
    const more = await reward(
      { ...small, model: whole.run, epochs: 1, learningRate: 0 },
      { out: join(folder, 'more'), onWarning: () => {} },
    )
    expect(more.before).toEqual(whole.after)
    expect(more.sha256).toBe(whole.sha256)
  })

  test('learns from labelled answers', async () => {
    const labels = join(folder, 'labels.jsonl')
    const lines = rows
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    writeFileSync(
      labels,
      lines
        .flatMap(({ prompt, chosen, rejected }) => [
          { messages: [...prompt, ...chosen], label: 'safe' },
          { messages: [...prompt, ...rejected], label: 'unsafe' },
        ])
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    )
    const { data, after } = await reward({ ...small, data: labels }, { out: join(folder, 'labels') })
    expect(data.kind).toBe('labels')
    expect(after.accuracy).toBeGreaterThan(0.9)
    expect(after.longerWins.gold).toBeNaN()
    expect(after.lengthCorrelation.gold).not.toBeNaN()
  })
})

resumedRunTests({
  recipe: 'reward',
  start: (changes, watch) => reward({ ...small, ...changes }, watch),
  resume: resumeReward,
  settings: small,
  whole: () => whole,
  rows,
  another: row(99),
  stopAt: 3,
  killedAfter: [2, 7, 3],
  folder,
})

test.each<[string, RewardInput, RegExp]>([
  ['no data', { data: undefined }, /setting data is missing: give preferences/],
  [
    'more tokens than the model takes',
    { maxLength: 513 },
    /takes at most 512 tokens; set maxLength=512 or less/,
  ],
  ['no row is short enough', { maxLength: 2 }, /have at most 2 tokens, and both are needed/],
  [
    'a token that the model does not have',
    { model: larger },
    /rows\.jsonl:\d+: the row has the token "Thank" \(id 576\), which the model \(vocab_size 576\) does not have/,
  ],
  ['no model', { model: 'nowhere' }, /no model folder at nowhere/],
  [
    'columns that are not there',
    { columns: { chosen: 'best' } },
    /no column "best"; its columns are "prompt"/,
  ],
])('a one-line error before the run starts: %s', async (_, settings, message) => {
  const out = join(folder, 'never')
  await expect(reward({ ...small, ...settings }, { out })).rejects.toThrow(message)
  expect(existsSync(out)).toBe(false)
})

test('the preset of the paper; a schedule of another kind', () => {
  expect(resolveRewardSettings({ data, preset: 'deepseek-r1' })).toMatchObject({
    epochs: 1,
    batchSize: 256,
    learningRate: 6e-6,
    maxLength: 8192,
  })
  expect(resolveRewardSettings({ data, schedule: { kind: 'constant' } }).schedule).toEqual({
    kind: 'constant',
    warmup: 5,
  })
})
