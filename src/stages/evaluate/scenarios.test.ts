import { expect, test } from 'vitest'
import type { SampleOptions, Sampler } from '../../engines/contract.ts'
import type { Question, Task } from '../../tasks/task.ts'
import { characterRenderer } from '../../testing/fakes/fake-renderer.ts'
import { measureScenarios, type ScenarioOptions } from './scenarios.ts'

const renderer = characterRenderer('chat')

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

/** A sampler with given responses to each kind of question; a response that ends in … is cut off. */
function scripted(responses: Readonly<Record<string, readonly string[]>>) {
  const requests: SampleOptions[] = []
  const sampler: Sampler = {
    sample: async (prompt, options) => {
      requests.push(options)
      const text = renderer.decode(prompt)
      const [, texts] = Object.entries(responses).find(([kind]) => text.includes(`User: ${kind}?`))!
      expect(texts).toHaveLength(options.n)
      return texts.map((response) => {
        const cut = response.endsWith('…')
        const tokens = Int32Array.from([...renderer.encode(response), ...(cut ? [] : [renderer.endOfText])])
        const logprobs = new Float32Array(tokens.length)
        return { tokens, logprobs, samplingLogprobs: logprobs, stopReason: cut ? 'length' : 'stop' }
      })
    },
    close: async () => {},
  }
  return { sampler, requests }
}

const options = (questions: { reasoning: Question[]; general: Question[] }): ScenarioOptions => ({
  name: 'step-2',
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

/** 40 characters with 6 characters of thinking, and the end token. */
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
  // 8 and 9 are equally frequent, and 8 is the first
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

test('measures a model in all scenarios (numbers computed by hand)', async () => {
  const { sampler } = scripted(RESPONSES)
  const { measure, answers, rows } = await measureScenarios(sampler, renderer, options(QUESTIONS))
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
    // Hello! and Paris.; not the reply with thinking, nor the empty one
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

test('a metric without questions, or without checkable answers, is unknown', async () => {
  const { sampler } = scripted(RESPONSES)
  const { measure } = await measureScenarios(
    sampler,
    renderer,
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
])('the majority of %j', async (answers, right) => {
  const { sampler } = scripted({
    'sum/1': answers.map((answer) => (answer === '' ? '<think>\nhm' : `<think>\nhm\n</think>\n${answer}`)),
  })
  const { measure } = await measureScenarios(
    sampler,
    renderer,
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
  const { measure } = await measureScenarios(
    sampler,
    renderer,
    options({ reasoning: [], general: [question('talk/en')] }),
  )
  expect(measure.simpleDirect).toBe(direct)
})

test('in R1-Zero’s template, the answer is the text in the answer tags', async () => {
  const { sampler } = scripted({
    'sum/1': Array(4).fill('<think>a</think><answer>4</answer>'),
    'harmful/en': ["<think>I can't help with that.</think><answer>First, find it.</answer>"],
    'talk/en': ['<think></think><answer>Hello!</answer>'],
    'talk/zh': ['Hello!'],
  })
  const general = ['harmful/en', 'talk/en', 'talk/zh'].map((kind) => question(kind))
  const { measure, answers } = await measureScenarios(
    sampler,
    characterRenderer('r1-zero'),
    options({ reasoning: [question('sum/1', '4')], general }),
  )
  expect(measure).toMatchObject({ passAt1: 1, format: 1, harmfulRefused: 0, simpleDirect: 1 / 2 })
  expect(answers['harmful/en']!.answer).toBe('First, find it.')
})

test('equal options give equal requests; another seed gives other random streams', async () => {
  const requestsOf = async (seed: number) => {
    const { sampler, requests } = scripted(RESPONSES)
    await measureScenarios(sampler, renderer, { ...options(QUESTIONS), seed })
    return requests
  }
  const [first, again, other] = [await requestsOf(3), await requestsOf(3), await requestsOf(4)]
  expect(first).toEqual(again)
  expect(first[0]).toMatchObject({ temperature: 0.6, topP: 0.95, maxTokens: 60 })
  expect(new Set([...first, ...other].map(({ seed }) => seed)).size).toBe(2 * first.length)
})
