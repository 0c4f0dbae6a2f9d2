import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { merge, type Tree } from '../settings/layers.ts'
import { settingsFor } from '../settings/sections.ts'
import { resolveSftSettings, withOneSource } from '../settings/sft.ts'
import { resolveZeroSettings } from '../settings/zero.ts'
import { firstSettings, type Sizes } from './first-settings.ts'
import { type FileContent, settingsFile } from './settings-file.ts'

const sizes: Sizes = {
  training: 45,
  heldOut: 15,
  parameters: 460_000,
  adapters: true,
  positions: 1024,
  longest: 200,
  prompt: 120,
  response: 80,
  maxTokens: 260,
  cut: 0,
}

const content: FileContent = {
  command: 'ruminate init coins.csv',
  verdict: 'fine-tune first, then reinforcement learning',
  model: 'miniature-base',
  task: 'coins.csv',
  columns: { question: 'question', answer: 'answer', thinking: 'solution' },
  template: 'r1-zero',
  seed: 0,
  share: 0.25,
  conversations: false,
  checked: true,
  parameters: 460_000,
  numbers: firstSettings(sizes),
}

const settingsOf = (text: string) => {
  const tree = parse(text) as Tree
  return {
    sft: () => resolveSftSettings(merge(...withOneSource(settingsFor('sft', tree)))),
    zero: () => resolveZeroSettings(merge(...settingsFor('zero', tree))),
  }
}

test('every command reads the file, with the same questions held out', () => {
  const settings = settingsOf(settingsFile(content))
  const { numbers, model, task, columns, template, seed } = content
  expect(settings.sft()).toMatchObject({
    ...{ model, task, data: null, columns, template, seed },
    epochs: numbers.sft.epochs,
    batchSize: 8,
    learningRate: 1e-3,
    eval: { share: 0.25, every: numbers.sft.every },
  })
  // `eval --config` reads the settings of `zero`
  expect(settings.zero()).toMatchObject({
    ...{ model, task, columns, template, seed },
    steps: 60,
    rl: { questionsPerStep: 10, groupSize: 8, maxTokens: 260, learningRate: 2e-4 },
    eval: { share: 0.25, questions: 15, samples: 10, every: 20 },
  })
})

test('each setting has a comment, within 80 columns', () => {
  const lines = settingsFile(content).trimEnd().split('\n')
  expect(lines.filter((line) => /: ./.test(line) && !/#/.test(line))).toEqual([])
  expect(lines.filter((line) => line.length > 80)).toEqual([])
})

const odd: [string, Partial<FileContent>][] = [
  ['a file with spaces and a colon', { task: 'my data: 1/#3.csv' }],
  ['a column that looks like a number', { columns: { question: '1', answer: 'no', thinking: 'null' } }],
  ['choices', { columns: { question: 'q', answer: 'a', choices: ['A: x', 'B'] } }],
  ['sides by the names of the files', { share: null, columns: {} }],
  ['the own template of a model with a long name', { template: 'chat', model: `owner/${'name'.repeat(20)}` }],
]
test.each(odd)('%s', (_, changes) => {
  const given = { ...content, ...changes }
  const settings = settingsOf(settingsFile(given))
  const { model, task, columns, template } = given
  expect(settings.zero()).toMatchObject({
    model,
    task,
    columns,
    template,
    eval: { share: given.share ?? 0.1 },
  })
  expect(settings.sft()).toMatchObject({ model, task, columns, template })
})

test('the settings of a large model train adapters, in every command, and say why', () => {
  const large = { ...sizes, parameters: 134_515_008 }
  const { parameters } = large
  const text = settingsFile({ ...content, parameters, numbers: firstSettings(large) })
  const settings = settingsOf(text)
  const lora = { rank: 16, alpha: 32, targets: 'all-linear', dropout: 0 }
  expect(settings.sft()).toMatchObject({ lora, learningRate: 5e-4 })
  expect(settings.zero()).toMatchObject({ lora, rl: { learningRate: 1e-4 } })
  expect(text).toMatch(/^# Low-rank adapters are trained in the place of all 135M weights/m)
  const lines = text.trimEnd().split('\n')
  expect(lines.filter((line) => /: ./.test(line) && !/#/.test(line))).toEqual([])
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  expect(settingsFile(content)).not.toMatch('lora')
})

test('without answers to check there is no section for zero', () => {
  expect(parse(settingsFile({ ...content, checked: false }))).not.toHaveProperty('zero')
})

test('conversations are data for sft', () => {
  const columns = { question: 'messages', answer: null }
  const settings = settingsOf(settingsFile({ ...content, task: 'chats.jsonl', columns, conversations: true }))
  expect(settings.sft()).toMatchObject({ data: 'chats.jsonl', task: null })
})

const numbers: [string, Partial<Sizes>, object][] = [
  ['a small table: many epochs', {}, { sft: { epochs: 10, batchSize: 8 }, samples: 10, questions: 15 }],
  ['a very small one', { training: 8, heldOut: 2 }, { sft: { epochs: 40 }, zero: { questionsPerStep: 8 } }],
  [
    'a large one',
    { training: 1800, heldOut: 200 },
    { sft: { epochs: 3, batchSize: 16 }, zero: { steps: 200 }, questions: 200, samples: 2 },
  ],
  ['more held-out questions than are needed', { heldOut: 5000 }, { questions: 300, samples: 1 }],
  ['responses that are cut off', { cut: 0.5 }, { zero: { maxTokens: 520 } }],
  ['short responses', { response: 10 }, { zero: { maxTokens: 100 } }],
  ['little room', { positions: 256, cut: 0.5 }, { zero: { maxTokens: 136 }, sft: { maxLength: 256 } }],
  [
    'a larger model without adapters',
    { parameters: 5e8, adapters: false },
    { lora: null, sft: { learningRate: 1e-5 }, zero: { learningRate: 1e-6 } },
  ],
  [
    'a model that is comfortable to train in full',
    { parameters: 25e6 },
    { lora: null, sft: { learningRate: 3e-4 }, zero: { learningRate: 5e-5 } },
  ],
  [
    'SmolLM2-135M: adapters, with their learning rates',
    { parameters: 134_515_008 },
    { lora: { rank: 16 }, sft: { learningRate: 5e-4 }, zero: { learningRate: 1e-4 } },
  ],
  [
    'a model of half a billion parameters: adapters',
    { parameters: 5e8 },
    { lora: { rank: 16 }, sft: { learningRate: 1e-4 }, zero: { learningRate: 1e-5 } },
  ],
]
test.each(numbers)('the numbers for %s', (_, changes, expected) => {
  expect(firstSettings({ ...sizes, ...changes })).toMatchObject(expected)
})
