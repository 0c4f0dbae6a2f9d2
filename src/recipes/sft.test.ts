import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { RunStore } from '../runs/store.ts'
import { resolveSftSettings, type SftInput } from '../settings/sft.ts'
import { resumedRunTests } from '../testing/resumed-runs.ts'
import { writeTinyModel } from '../testing/runs.ts'
import { resumeSft, type SftResult, sft } from './sft.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-sft-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The model and the tokenizer of the golden numbers. */
const model = writeTinyModel(join(folder, 'model'))

const row = (n: number, more = ''): string =>
  `${JSON.stringify({
    messages: [
      { role: 'user', content: `What is ${n} + 1?` },
      { role: 'assistant', content: `It is ${n + 1}.${' Yes.'.repeat(n % 7)}${more}` },
    ],
  })}\n`
const rows = Array.from({ length: 40 }, (_, n) => row(n)).join('')
const data = join(folder, 'rows.jsonl')
writeFileSync(data, rows + row(40, ' and so on'.repeat(200)))

const small = {
  model,
  data,
  maxLength: 300,
  epochs: 2,
  batchSize: 10,
  learningRate: 0.01,
  checkpointEvery: 3,
  threads: 1,
} as const

let whole: SftResult
const warnings: string[] = []
beforeAll(async () => {
  whole = await sft(small, {
    out: join(folder, 'whole'),
    onWarning: (message) => warnings.push(message),
  })
})

describe('a run', () => {
  test('lowers the loss on held-out rows', () => {
    expect(whole.after.loss).toBeLessThan(whole.before.loss - 0.5)
    expect(whole.before.tokens).toBe(whole.after.tokens)
  })

  test('counts the rows that are too long, and warns about them', () => {
    expect(whole.data.overlong).toBe(1)
    expect(whole.data.training + whole.data.heldOut).toBe(40)
    expect(whole.data.longest).toBeLessThanOrEqual(300)
    expect(warnings).toEqual([
      '1 of 41 rows is left out, since it is longer than maxLength (300 tokens)',
      expect.stringMatching(/^only 8 optimizer steps in all/),
    ])
  })

  test('sees every row once per epoch, in a different order each epoch', () => {
    const store = RunStore.open(whole.run)
    const sizes = store.metric('batch/sequences').map(({ value }) => value)
    const learned = store.metric('batch/learned_tokens').map(({ value }) => value)
    store.close()
    const half = sizes.length / 2
    const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0)
    expect(whole.steps).toBe(2 * Math.ceil(whole.data.training / 10))
    for (const epoch of [0, 1]) {
      expect(sum(sizes.slice(epoch * half, (epoch + 1) * half))).toBe(whole.data.training)
      expect(sum(learned.slice(epoch * half, (epoch + 1) * half))).toBe(whole.data.learnedTokens)
    }
    expect(learned.slice(0, half)).not.toEqual(learned.slice(half))
  })

  test('stores what it measured, its result, the best checkpoint and the last', () => {
    const store = RunStore.open(whole.run)
    expect(store.metricNames()).toEqual(
      expect.arrayContaining(['loss', 'entropy', 'grad_norm', 'learning_rate', 'epoch', 'eval/loss']),
    )
    expect(store.metric('loss')).toHaveLength(whole.steps)
    expect(store.metric('eval/loss').map(({ step }) => step)).toEqual([0, whole.steps / 2, whole.steps])
    expect(store.info()).toMatchObject({ status: 'done', result: JSON.parse(JSON.stringify(whole)) })
    expect(store.checkpoints().map(({ step }) => step)).toContain(whole.steps)
    store.close()
    expect(existsSync(join(whole.best.checkpoint, 'model.safetensors'))).toBe(true)
    expect(existsSync(join(whole.model, 'tokenizer.json'))).toBe(true)
  })
})

resumedRunTests({
  recipe: 'sft',
  start: (changes, watch) => sft({ ...small, ...changes }, watch),
  resume: resumeSft,
  settings: small,
  whole: () => whole,
  rows,
  another: row(99),
  stopAt: 5,
  killedAfter: [2, 5, 4],
  folder,
})

describe('a one-line error before the run starts', () => {
  const cases: [name: string, settings: Record<string, unknown>, message: RegExp][] = [
    ['no data', { data: undefined }, /setting data is missing: give demonstrations/],
    ['an unknown preset', { preset: 'large' }, /setting preset is "large"/],
    ['an unknown setting', { epoch: 2 }, /unknown setting epoch; did you mean epochs\?/],
    ['more than the model takes', { maxLength: 4096 }, /maxLength is 4096: .* takes at most 512 tokens/],
    ['all too long', { maxLength: 5 }, /only 0 training rows and 0 held-out rows have at most 5 tokens/],
    ['a missing file', { data: join(folder, 'none.jsonl') }, /there is no file or folder/],
  ]
  test.each(cases)('%s', async (name, settings, message) => {
    const out = join(folder, `wrong ${name}`)
    await expect(sft({ ...small, ...settings } as SftInput, { out })).rejects.toThrow(message)
    expect(existsSync(out)).toBe(false)
  })
})

test('rows that cannot be learned are left out, with their number, the first ones and the reasons', async () => {
  const file = join(folder, 'bad.jsonl')
  const messages = [{ role: 'user', content: 'a' }]
  const call = { type: 'function', function: { name: 'add', arguments: '{"a": 1}' } }
  const bad = [
    { messages },
    {
      messages: [
        { role: 'tool', content: 'x' },
        { role: 'assistant', content: 'b' },
      ],
    },
    { messages: [...messages, { role: 'assistant', content: null, tool_calls: [call] }] },
  ]
  writeFileSync(file, bad.map((one) => `${JSON.stringify(one)}\n`).join('') + rows)
  const warnings: string[] = []
  const { data } = await sft(
    { ...small, data: file, epochs: 1 },
    { out: join(folder, 'bad rows'), onWarning: (message) => warnings.push(message) },
  )
  expect(data).toMatchObject({ unusable: 3, overlong: 0 })
  expect(data.training + data.heldOut).toBe(40)
  expect(warnings).toEqual([
    expect.stringMatching(/1 of 43 rows is left out.*\n {2}bad\.jsonl:1: no message is the assistant's/s),
    expect.stringMatching(/2 of 42 rows are left out/),
    expect.stringMatching(/^only 4 optimizer steps in all/),
  ])
  expect(warnings[1]).toMatch(/bad\.jsonl:2: the chat template of .* fails: .*Unknown role: tool/)
  expect(warnings[1]).toMatch(/bad\.jsonl:3: .* leaves out the call of the tool add of message 2/)
})

test('a file of which no row can be learned is an error before the run starts', async () => {
  const file = join(folder, 'all-bad.jsonl')
  const tool = row(1).replace('"user"', '"tool"')
  writeFileSync(file, tool + tool.replace('What', 'Where'))
  const out = join(folder, 'nothing')
  await expect(sft({ ...small, data: file }, { out, onWarning: () => {} })).rejects.toThrow(
    /none of its 2 rows can be learned; the first: all-bad\.jsonl:\d: the chat template of .* fails: .*Unknown role/,
  )
  expect(existsSync(out)).toBe(false)
})

describe('settings', () => {
  test('the preset of R1', () => {
    expect(resolveSftSettings({ data: 'x', preset: 'deepseek-r1' })).toMatchObject({
      epochs: 2,
      batchSize: 128,
      learningRate: 5e-5,
      maxLength: 32_768,
      schedule: { kind: 'cosine', warmup: 0, final: 0.1 },
    })
  })

  test('given settings override the preset; a schedule of another kind drops the preset’s numbers', () => {
    const given = { data: 'x', epochs: 7, schedule: { kind: 'constant' } } as const
    expect(resolveSftSettings(given)).toMatchObject({ epochs: 7, schedule: { kind: 'constant', warmup: 5 } })
    expect(resolveSftSettings({ data: 'x', schedule: { warmup: 9 } }).schedule).toEqual({
      kind: 'cosine',
      warmup: 9,
      final: 0.1,
    })
  })
})
