import { expect, test } from 'vitest'
import type { SampleOptions, Sampler } from '../../engines/contract.ts'
import type { Generator } from '../../providers/generator.ts'
import { Account } from '../../providers/generator.ts'
import type { Question, Task } from '../../tasks/task.ts'
import type { TextCodec } from '../sample/rollouts.ts'
import { type Answers, measureScenarios, type ScenarioOptions, winRate } from './scenarios.ts'

/** A character is a token. */
const codec: TextCodec = {
  eosId: 0,
  encode: (text) => Int32Array.from(text, (sign) => sign.codePointAt(0)!),
  decode: (ids) => String.fromCodePoint(...Array.from(ids)),
  applyChatTemplate: (messages) => messages.map(({ content }) => `User: ${content} Assistant: `).join(''),
}

const task = (questions: readonly Question[]): Task => ({
  name: 'test',
  description: 'test',
  language: 'en',
  training: () => [],
  heldOut: ({ count }) => questions.slice(0, count),
  check: ({ gold }, answer) => ({ correct: gold === '?' ? null : answer === gold, reason: '' }),
})

const question = (kind: string, gold = '?', of: Partial<Question> = {}): Question => ({
  id: kind,
  prompt: `${kind}?`,
  gold,
  kind,
  ...of,
})

/** Answers every question with its responses, in order; one that ends in … is cut off. */
function scripted(responses: Readonly<Record<string, readonly string[]>>) {
  const asked: SampleOptions[] = []
  const sampler: Sampler = {
    sample: async (prompt, options) => {
      asked.push(options)
      const text = codec.decode(prompt)
      const [, texts] = Object.entries(responses).find(([kind]) => text.includes(`User: ${kind}?`))!
      expect(texts).toHaveLength(options.n)
      return texts.map((response) => {
        const cut = response.endsWith('…')
        const tokens = Int32Array.from([...codec.encode(response), ...(cut ? [] : [codec.eosId])])
        const logprobs = new Float32Array(tokens.length)
        return { tokens, logprobs, samplingLogprobs: logprobs, stopReason: cut ? 'length' : 'stop' }
      })
    },
    logprobs: async () => new Float32Array(),
  }
  return { sampler, asked }
}

const options = (questions: { reasoning: Question[]; general: Question[] }): ScenarioOptions => ({
  name: 'step-2',
  template: 'chat',
  reasoning: {
    task: task(questions.reasoning),
    questions: 10,
    samples: 4,
    easy: ['sum/1'],
    hard: ['sum/2', 'sum/3'],
  },
  general: { task: task(questions.general), questions: 10 },
  limits: { maxTokens: 100, maxParagraph: 100, maxRepetition: 0.5, minLanguage: 0.9 },
  temperature: 0.6,
  topP: 0.95,
  maxTokens: 60,
  seed: 3,
})

/** 40 characters with a thought of 6, and the end. */
const solved = (answer: number, thought = 'we add') =>
  `<think>\n${thought}\n</think>\nIt is \\boxed{${answer}}.`

const QUESTIONS = {
  reasoning: [question('sum/1', '4'), question('sum/2', '9'), question('sum/x')],
  general: [
    question('talk/en'),
    question('talk/zh', '?', { language: 'zh' }),
    question('fact/en', 'Paris.'),
    question('fact/zh', '巴黎'),
    question('harmful/en'),
    question('harmful/zh'),
    question('harmless/en'),
    question('write/en'),
  ],
}
const RESPONSES = {
  'sum/1': [solved(4), solved(4), solved(5), solved(4)],
  // as many say 8 as say 9, and 8 was said first
  'sum/2': [solved(8, 'we add 加 them'), solved(9), solved(9), solved(8)],
  'sum/x': [solved(1), 'It is \\boxed{1}.', solved(1), '<think>\nwe add…'],
  'talk/en': ['Hello!'],
  'talk/zh': ['<think>\n想\n</think>\n你好!'],
  'fact/en': ['<think>\n</think>\nParis.'],
  'fact/zh': [''],
  'harmful/en': ["I can't help with that."],
  'harmful/zh': ['好的.'],
  'harmless/en': ['Yes, you can.'],
  'write/en': ['<think>\nplan\n</think>\nA line.'],
}

test('a model in all scenarios, in numbers counted by hand', async () => {
  const { sampler } = scripted(RESPONSES)
  const { measure, answers, rows } = await measureScenarios(sampler, codec, options(QUESTIONS))
  expect(measure).toEqual({
    // ¾ and ½ of the two whose answer can be checked; s² = 2 · 0.125², √(s² / 2)
    passAt1: 0.625,
    standardError: 0.125,
    majority: 0.5,
    // one of 12 is cut off, one mixes: 3 of its 4 words are English; one has no thinking
    format: 11 / 12,
    language: (10 + 3 / 4) / 11,
    readable: 10 / 12,
    mixed: 1 / 12,
    easyTokens: 41,
    hardTokens: (3 * 41 + 48) / 4,
    // Hello! and Paris.; not what was thought about, nor what was not answered
    simpleDirect: 2 / 4,
    harmfulRefused: 1 / 2,
    harmlessRefused: 0,
    helpful: null,
    asked: {
      template: 'chat',
      temperature: 0.6,
      topP: 0.95,
      seed: 3,
      samples: 4,
      reasoning: 3,
      easy: { kinds: ['sum/1'], questions: 1 },
      hard: { kinds: ['sum/2', 'sum/3'], questions: 1 },
      simple: 4,
      harmful: 2,
      harmless: 1,
    },
  })
  expect(answers['fact/zh']).toEqual({ question: 'fact/zh?', kind: 'fact/zh', answer: null })
  expect(answers['write/en']).toEqual({ question: 'write/en?', kind: 'write/en', answer: 'A line.' })
  expect(rows.map(({ split }) => split)).toEqual([
    ...Array(12).fill('step-2/reasoning'),
    ...Array(8).fill('step-2/general'),
  ])
  expect(rows[0]).toMatchObject({ question: 'sum/1', correct: true, answer: '4', thinking: 'we add' })
  expect(rows[8]).toMatchObject({ question: 'sum/x', correct: null })
})

test('what is not asked, or cannot be checked, is unknown', async () => {
  const { sampler } = scripted(RESPONSES)
  const { measure } = await measureScenarios(
    sampler,
    codec,
    options({ reasoning: [question('sum/x')], general: [question('harmful/en')] }),
  )
  expect(measure).toMatchObject({
    passAt1: null,
    standardError: null,
    majority: null,
    easyTokens: null,
    hardTokens: null,
    simpleDirect: null,
    harmlessRefused: null,
    harmfulRefused: 1,
    format: 3 / 4,
  })
  expect(JSON.parse(JSON.stringify(measure))).toEqual(measure)
})

test.each([
  [['4', '4', '5', '4'], true],
  [['5', '5.', '4', '4'], false],
  [['five', 'Five', '4', '4'], false],
  [['5 + 1', '5+1', '4', '4'], false],
  [['1 4', '14', '4', '4'], true],
  [['', '', '', '4'], true],
  [['', '', '', ''], false],
])('the majority of %j', async (said, right) => {
  const { sampler } = scripted({
    'sum/1': said.map((answer) => (answer === '' ? '<think>\nhm' : `<think>\nhm\n</think>\n${answer}`)),
  })
  const { measure } = await measureScenarios(
    sampler,
    codec,
    options({ reasoning: [question('sum/1', '4')], general: [] }),
  )
  expect(measure.majority).toBe(Number(right))
})

test.each([
  ['Hello!', 1],
  ['<think>\n\n</think>\nHello!', 1],
  ['<think>\nhm\n</think>\nHello!', 0],
  ['So. <think>\nhm\n</think>\nHello!', 0],
  ['<think>\n</think>', 0],
  ['Hello, hello, hello…', 0],
])('answered without thinking: %j', async (response, direct) => {
  const { sampler } = scripted({ 'talk/en': [response] })
  const asked = options({ reasoning: [], general: [question('talk/en')] })
  const { measure } = await measureScenarios(sampler, codec, asked)
  expect(measure.simpleDirect).toBe(direct)
})

test('in R1-Zero’s template the answer part is what is said', async () => {
  const { sampler } = scripted({
    'sum/1': Array(4).fill('<think>a</think><answer>4</answer>'),
    'harmful/en': ["<think>I can't help with that.</think><answer>First, find it.</answer>"],
    'talk/en': ['<think></think><answer>Hello!</answer>'],
    'talk/zh': ['Hello!'],
  })
  const general = ['harmful/en', 'talk/en', 'talk/zh'].map((kind) => question(kind))
  const { measure, answers } = await measureScenarios(sampler, codec, {
    ...options({ reasoning: [question('sum/1', '4')], general }),
    template: 'r1-zero',
  })
  expect(measure).toMatchObject({ passAt1: 1, format: 1, harmfulRefused: 0, simpleDirect: 1 / 2 })
  expect(answers['harmful/en']!.answer).toBe('First, find it.')
})

test('the same options ask the same, with the same random streams; another seed has others', async () => {
  const ask = async (seed: number) => {
    const { sampler, asked } = scripted(RESPONSES)
    await measureScenarios(sampler, codec, { ...options(QUESTIONS), seed })
    return asked
  }
  const [asked, again, other] = [await ask(3), await ask(3), await ask(4)]
  expect(asked).toEqual(again)
  expect(asked[0]).toMatchObject({ temperature: 0.6, topP: 0.95, maxTokens: 60 })
  expect(new Set([...asked, ...other].map(({ seed }) => seed)).size).toBe(2 * asked.length)
})

/** Prefers more exclamation marks; of two with a question mark, whichever comes first. */
function judge(): Generator & { asked: number } {
  const generator = {
    identity: 'test',
    asked: 0,
    generate: async (messages: readonly { content: unknown }[]) => {
      generator.asked++
      const form = String(messages[1]!.content)
      const [, a, mark, b] =
        /=== ANSWER A \w+ ===\n([\s\S]*?)\n=== END OF ANSWER A (\w+) ===[\s\S]*=== ANSWER B \w+ ===\n([\s\S]*?)\n=== END/.exec(
          form,
        )!
      const score = (text: string) => text.split('!').length
      const degree = a!.includes('?') ? 1 : Math.sign(score(a!) - score(b!))
      const text = `Hm.\nVERDICT ${mark}: ${degree > 0 ? 'A>B' : degree < 0 ? 'B>A' : 'A=B'}`
      return { text, reasoning: null, finishReason: 'stop' as const, usage: null }
    },
    spent: () => new Account(null).spent(),
    close: async () => {},
  }
  return generator
}

const said = (texts: Readonly<Record<string, string | null>>): Answers =>
  Object.fromEntries(
    Object.entries(texts).map(([kind, answer]) => [kind, { question: `${kind}?`, kind, answer }]),
  )

test('wins and half the ties, over what the judge could decide', async () => {
  const generator = judge()
  const now = said({
    'talk/en': 'Hi!',
    'fact/en': 'Paris!!',
    'fact/zh': 'Yes.',
    'write/en': null,
    'talk/zh': 'Oh?',
    'harmful/en': 'No!',
  })
  const before = said({
    'talk/en': null,
    'fact/en': 'Paris.',
    'fact/zh': 'No.',
    'write/en': 'A line!',
    'talk/zh': 'Ah?',
    'harmful/en': 'Yes.',
  })
  const result = await winRate(generator, now, before)
  // scores 1, 1, ½, 0: mean 0.625, Σ (x − mean)² = 0.6875
  expect(result).toEqual({
    rate: 0.625,
    standardError: Math.sqrt(0.6875 / 3 / 4),
    win: 2,
    tie: 1,
    loss: 1,
    unknown: 1,
  })
  expect(generator.asked).toBe(5 * 4)
})

test.each([
  [said({ 'talk/en': 'Oh?' }), said({ 'talk/en': 'Ah?' }), { rate: null, unknown: 1 }],
  [said({ 'talk/en': 'Hi.' }), said({ 'talk/en': 'Hi.' }), { rate: 0.5, tie: 1 }],
  [said({ 'talk/en': null }), said({ 'talk/en': null }), { rate: 0.5, tie: 1 }],
  [said({}), said({}), { rate: null }],
])('a win rate of little: %j against %j', async (now, before, expected) => {
  const none = { standardError: null, win: 0, tie: 0, loss: 0, unknown: 0 }
  expect(await winRate(judge(), now, before)).toEqual({ ...none, ...expected })
})

test('answers to other questions cannot be compared', async () => {
  await expect(winRate(judge(), said({ 'talk/en': 'Hi.' }), said({ 'talk/zh': 'Hi.' }))).rejects.toThrow(
    /did not answer "talk\/en\?"/,
  )
})
