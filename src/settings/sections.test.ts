import { expect, test } from 'vitest'
import { merge, type Tree } from './layers.ts'
import { type Section, settingsFor } from './sections.ts'
import { resolveSftSettings, type SftInput, withOneSource } from './sft.ts'
import { resolveZeroSettings } from './zero.ts'

const file: Tree = {
  model: 'base',
  task: 'questions.csv',
  columns: { question: 'problem', answer: 'key', thinking: 'why' },
  template: 'chat',
  seed: 3,
  eval: { share: 0.2, questions: 50, every: 5 },
  zero: { steps: 10, rl: { groupSize: 4 }, eval: { questions: 7 } },
  sft: { epochs: 2 },
  reward: { data: 'pairs.jsonl', columns: { prompt: 'problem' } },
}
const shared = (command: Section): Tree => settingsFor(command, file)[0]

test('each command has the settings at the top that it knows, and its own section over them', () => {
  const zero = resolveZeroSettings(merge(...settingsFor('zero', file)))
  expect(zero).toMatchObject({
    model: 'base',
    task: 'questions.csv',
    columns: file.columns,
    template: 'chat',
    steps: 10,
    rl: { groupSize: 4 },
    eval: { share: 0.2, questions: 7, every: 5 },
  })
  const sft = resolveSftSettings(merge(...settingsFor('sft', file)) as SftInput)
  expect(sft).toMatchObject({
    task: 'questions.csv',
    columns: file.columns,
    epochs: 2,
    eval: { share: 0.2, every: 5 },
  })
  expect(settingsFor('reward', file)).toEqual([
    { model: 'base', columns: {}, seed: 3, eval: { share: 0.2, every: 5 } },
    file.reward,
  ])
  expect(shared('distill')).toMatchObject({
    task: 'questions.csv',
    seed: 3,
    eval: { share: 0.2, questions: 50 },
  })
})

test('a file without sections is for any command', () => {
  expect(settingsFor('zero', { steps: 5, rl: { groupSize: 4 } })).toEqual([
    { steps: 5, rl: { groupSize: 4 } },
    {},
  ])
  expect(settingsFor('sft', { data: 'a.jsonl', steps: 5 })).toEqual([{ data: 'a.jsonl' }, {}])
})

test('a section may be empty', () => {
  expect(settingsFor('sft', { task: 'a.csv', sft: null, zero: null })).toEqual([{ task: 'a.csv' }, {}])
})

test('stages are not sections, unless the file has a section for their command', () => {
  const stages = { teacher: 'r1', zero: { steps: 5 }, sft: { epochs: 1 } }
  expect(settingsFor('distill', stages)).toEqual([stages, {}])
  const sections = {
    zero: { task: 'a.csv' },
    sft: { epochs: 1 },
    distill: { teacher: 'r1', sft: { epochs: 9 } },
  }
  expect(settingsFor('distill', sections)).toEqual([{}, { teacher: 'r1', sft: { epochs: 9 } }])
  expect(settingsFor('r1', { zero: { steps: 5 }, sft: { epochs: 1 } })).toEqual([{ zero: { steps: 5 } }, {}])
})

test.each<[command: Section, file: Tree, message: RegExp]>([
  ['zero', { modle: 'a' }, /^unknown setting modle; did you mean model\?$/],
  ['zero', { epohcs: 3 }, /^unknown setting epohcs; did you mean epochs\?$/],
  ['sft', { eval: { qestions: 3 } }, /^unknown setting eval\.qestions; did you mean eval\.questions\?$/],
  [
    'zero',
    { columns: { qeustion: 'a' } },
    /^unknown setting columns\.qeustion; did you mean columns\.question\?$/,
  ],
  ['zero', { zero: { stpes: 3 } }, /^unknown setting zero\.stpes; did you mean zero\.steps\?$/],
  // in the section of another command, too
  ['zero', { sft: { epohcs: 3 } }, /^unknown setting sft\.epohcs; did you mean sft\.epochs\?$/],
  [
    'sft',
    { zero: { rewards: { lenght: 1 } } },
    /^unknown setting zero\.rewards\.lenght; did you mean zero\.rewards\.overlong or /,
  ],
  ['zero', { sfft: { epochs: 3 } }, /^unknown setting sfft; did you mean sft\?$/],
  ['zero', { rewrd: { epochs: 3 } }, /^unknown setting rewrd; did you mean reward\?$/],
  ['zero', { rewars: { format: 1 } }, /^unknown setting rewars; did you mean rewards\?$/],
  ['zero', { zero: 5 }, /^the section zero is 5: it must be a mapping of names to values$/],
])('%s: %j is an error', (command, given, message) => {
  expect(() => settingsFor(command, given)).toThrow(message)
})

test('the last layer that names data or a task decides, with its columns', () => {
  const merged = (...layers: Tree[]): Tree => ({ ...merge(...withOneSource(layers)) })
  const top = { task: 'a.csv', columns: { question: 'q', answer: 'a' }, seed: 1 }
  expect(merged(top, { epochs: 2 })).toEqual({ ...top, epochs: 2 })
  expect(merged(top, { data: 'b.jsonl', columns: { prompt: 'p' } })).toEqual({
    data: 'b.jsonl',
    columns: { prompt: 'p' },
    seed: 1,
  })
  expect(merged({ data: 'b.jsonl', columns: { prompt: 'p', completion: 'c' } }, { task: 'a.csv' })).toEqual({
    task: 'a.csv',
    columns: {},
  })
  const both = merged({ data: 'b.jsonl', task: 'a.csv' })
  expect(() => resolveSftSettings(both)).toThrow('give either data (b.jsonl) or task (a.csv), not both')
})

test.each<[given: SftInput, message: RegExp]>([
  [
    { data: 'a', columns: { question: 'q' } },
    /unknown setting columns\.question; .*messages, prompt, completion/,
  ],
  [
    { task: 'a', columns: { prompt: 'q' } },
    /unknown setting columns\.prompt; .*question, answer, .*thinking/,
  ],
])('%j is an error', (given, message) => {
  expect(() => resolveSftSettings(given)).toThrow(message)
})

test('a small task has more epochs, unless their number is given', () => {
  const steps = (given: SftInput) => resolveSftSettings(given).minSteps
  expect([steps({ task: 'a' }), steps({ task: 'a', epochs: 3 }), steps({ data: 'a' })]).toEqual([300, 0, 0])
  expect(steps({ task: 'a', epochs: 3, minSteps: 50 })).toBe(50)
})
