import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { modelFolder } from '../hub/find-model.ts'
import { loadModel } from '../models/checkpoint/directory.ts'
import { isPeftFolder } from '../models/checkpoint/peft/adapter-config.ts'
import { Interrupted } from '../runs/interrupted.ts'
import { RunStore } from '../runs/store.ts'
import { distillStages, resolveDistillSettings } from '../settings/distill.ts'
import { chatBase } from '../stages/data/chat-base.ts'
import { loadTask } from '../tasks/index.ts'
import {
  type ChatRequest,
  deltas,
  FakeProvider,
  send,
  stream,
  type Trick,
} from '../testing/servers/fake-provider.ts'
import { distill, resumeDistill } from './distill.ts'
import { sft } from './sft.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-distill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const small = {
  seed: 3,
  threads: 1,
  sampling: { questions: 6, samples: 2, perQuestion: 2, general: 9, ratio: 2 },
  // the readability of answers is not tested here
  readable: { minLanguage: 0 },
  sft: { epochs: 1, batchSize: 4, checkpointEvery: 1 },
  zero: {
    steps: 2,
    checkpointEvery: 1,
    rl: { questionsPerStep: 2, groupSize: 2, maxTokens: 12 },
    eval: { questions: 2 },
  },
  eval: { questions: 2, samples: 2, general: 4, maxTokens: 12 },
}

const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n')

describe("a provider's model", () => {
  const instruction = 'Box the result.'
  let provider: FakeProvider
  let golds: Map<string, string>
  /** Messages and seed of every request that the model has answered. */
  let answered: string[]
  const settings = () => ({
    ...small,
    teacher: { baseUrl: provider.baseUrl, model: 'reasoner', timeout: 0.4, concurrency: 4, instruction },
  })

  beforeAll(async () => {
    const { questions, general } = small.sampling
    const asked = { seed: small.seed + 1, step: 1 }
    const reasoning = (await loadTask('miniature')).training({ ...asked, count: questions })
    const others = (await loadTask('miniature/general')).training({ ...asked, count: general })
    golds = new Map([
      ...reasoning.map(({ prompt, gold }) => [`${prompt}\n\n${instruction}`, gold] as const),
      ...others.map(({ prompt, gold }) => [prompt, gold] as const),
    ])
  })
  beforeEach(async () => {
    provider = await FakeProvider.start()
    answered = []
    provider.reply = ({ messages, seed }: ChatRequest) => {
      answered.push(JSON.stringify([messages, seed]))
      const { content } = messages.at(-1)!
      const gold = golds.get(content)
      if (gold === undefined) throw new Error(`the teacher got an unexpected prompt: ${content}`)
      if (!content.endsWith(instruction)) return { content: gold }
      // some answers are wrong
      return { content: `So \\boxed{${seed % 4 === 0 ? 'none' : gold}}.`, reasoning: `Try ${seed}. It fits.` }
    }
  })
  afterEach(() => provider.stop())

  const busy = (status: number, headers: Record<string, string> = {}): Trick => {
    return (response) => send(response, status, { error: { message: 'busy' } }, headers)
  }

  let whole: Awaited<ReturnType<typeof distill>>
  test('teaches: right answers are kept with their thinking and learned, and the student is compared with RL', async () => {
    const progress: string[] = []
    whole = await distill(settings(), {
      out: join(folder, 'whole'),
      onProgress: (line) => progress.push(line),
    })
    expect(progress).toContain('reasoning: 12 of 12 replies from the teacher')
    expect(whole.stages.map(({ stage }) => stage)).toEqual([
      'Student base',
      'Distilled student',
      'Student, RL alone',
    ])
    const rows = lines(join(whole.run, 'data', 'teacher.jsonl')).map((line) => JSON.parse(line))
    const reasoned = rows.filter(({ source }) => source === 'reasoning')
    expect([reasoned.length, rows.length]).toEqual([expect.any(Number), (reasoned.length * 3) / 2])
    expect(reasoned.length).toBeGreaterThan(3)
    for (const { messages, gold } of reasoned) {
      expect(messages[0].content).not.toContain(instruction)
      expect(messages[1].content).toMatch(/^<think>\nTry \d+\. It fits\.\n<\/think>\nSo \\boxed\{.+\}\.$/)
      expect(messages[1].content).toContain(`\\boxed{${gold}}`)
    }
    for (const { messages, gold } of rows.filter(({ source }) => source === 'general'))
      expect(messages[1].content).toBe(gold)
    const card = readFileSync(join(whole.run, 'data', 'teacher.md'), 'utf8')
    expect(card).toMatch(/\| wrong \| \d/)
    expect(card).toContain('reasoner')
    expect(readFileSync(whole.report, 'utf8')).toMatch(/^# Distillation, stage by stage/)
    const store = RunStore.open(whole.run)
    const kept = store.rollouts({ split: 'teacher/reasoning' })
    store.close()
    expect(kept.length).toBe(12)
  })

  test('that fails in every way gets its requests again, and the result is the same', async () => {
    provider.tricks = [
      () => {},
      busy(429, { 'retry-after': '0' }),
      busy(500),
      (response) => stream(response, deltas('So \\boxed{1'), null),
      (response) => send(response, 200, '{"choices": [{"message"'),
    ]
    const run = await distill(
      { ...settings(), compare: false },
      { out: join(folder, 'failing'), onWarning: () => {} },
    )
    expect(run.sha256).toBe(whole.sha256)
    expect(run.stages.map(({ stage }) => stage)).toEqual(['Student base', 'Distilled student'])
    expect(lines(join(run.run, 'data', 'teacher.jsonl'))).toEqual(
      lines(join(whole.run, 'data', 'teacher.jsonl')),
    )
    expect(provider.log).toHaveLength(21 + 5)
    expect(new Set(answered).size).toBe(21)
  })

  test('answers no request twice when a run is stopped and resumed', async () => {
    const out = join(folder, 'stopped')
    const stop = new AbortController()
    const { reply } = provider
    provider.reply = (asked) => {
      if (provider.log.length === 7) stop.abort()
      return reply(asked)
    }
    await expect(distill(settings(), { out, signal: stop.signal })).rejects.toThrow(Interrupted)
    expect(answered.length).toBeLessThan(12)

    // the account is out of money
    provider.tricks = [busy(402)]
    await expect(resumeDistill(out)).rejects.toThrow('credit')
    expect(answered.length).toBeLessThan(15)

    const run = await resumeDistill(out)
    expect([run.sha256, run.stages]).toEqual([whole.sha256, whole.stages])
    expect([answered.length, new Set(answered).size]).toEqual([21, 21])
  })
})

describe('a model of this machine', () => {
  const questions = join(folder, 'questions.jsonl')
  const demonstrations = join(folder, 'demonstrations.jsonl')
  let teacher: string
  let whole: Awaited<ReturnType<typeof distill>>
  const settings = () => ({
    ...small,
    teacher,
    task: questions,
    sampling: { questions: 8, samples: 2, perQuestion: 2, general: 0 },
    eval: { ...small.eval, maxTokens: 40 },
  })

  beforeAll(async () => {
    const asked = Array.from({ length: 40 }, (_, i) => `What is ${i}-${i}+7?`)
    writeFileSync(
      questions,
      asked.map((question) => `${JSON.stringify({ question, answer: '7' })}\n`).join(''),
    )
    const answer = '<think>\nSo the result is 7.\n</think>\n\\boxed{7}'
    writeFileSync(
      demonstrations,
      asked
        .map((content) => [
          { role: 'user', content },
          { role: 'assistant', content: answer },
        ])
        .map((messages) => `${JSON.stringify({ messages })}\n`)
        .join(''),
    )
    const base = await chatBase(await modelFolder('miniature-r1-student'), join(folder, 'chat'))
    const taught = await sft(
      { model: base, data: demonstrations, epochs: 8, batchSize: 8, threads: 1, learningRate: 5e-3 },
      { out: join(folder, 'teacher') },
    )
    teacher = taught.run
    whole = await distill(settings(), { out: join(folder, 'local') })
  })

  test('teaches, and is in the table', () => {
    expect(whole.stages.map(({ stage, student }) => [stage, student])).toEqual([
      ['Teacher', false],
      ['Student base', true],
      ['Distilled student', true],
      ['Student, RL alone', true],
    ])
    expect(whole.stages[0]!.measure.passAt1).toBeGreaterThan(0.5)
    expect(lines(join(whole.run, 'data', 'teacher.jsonl')).length).toBeGreaterThan(4)
  })

  const parts = ['distill', 'student-zero']
  test.each(parts)('stopped at %s and resumed: the same result', async (part) => {
    const out = join(folder, `stopped-${part}`)
    const stop = new AbortController()
    const watch = {
      signal: stop.signal,
      onPart: (name: string) => void (name === part && stop.abort()),
      sft: () => ({ signal: stop.signal }),
      zero: () => ({ signal: stop.signal }),
    }
    await expect(distill(settings(), { out, ...watch })).rejects.toThrow(/resume/)
    const run = await resumeDistill(out)
    expect([run.sha256, run.stages]).toEqual([whole.sha256, whole.stages])
  })

  test('with adapters in every stage, and stopped and resumed: the same result', async () => {
    const adapted = { ...settings(), lora: { rank: 4 } }
    const done = await distill(adapted, { out: join(folder, 'lora') })
    expect(done.stages.map(({ stage }) => stage)).toEqual(whole.stages.map(({ stage }) => stage))
    for (const name of ['distill', 'student-zero', '.'])
      expect([name, isPeftFolder(join(done.run, name, 'model'))]).toEqual([name, true])
    expect(loadModel(done.model).parameters.size).toBe(loadModel(whole.model).parameters.size)
    expect(done.sha256).not.toBe(whole.sha256)

    const out = join(folder, 'stopped-lora')
    const stop = new AbortController()
    const onPart = (name: string) => void (name === 'student-zero' && stop.abort())
    const zero = () => ({ signal: stop.signal })
    await expect(distill(adapted, { out, signal: stop.signal, onPart, zero })).rejects.toThrow(/resume/)
    const run = await resumeDistill(out)
    expect([run.sha256, run.stages]).toEqual([done.sha256, done.stages])
  })

  test('existing data replaces it, and is learned as by `sft`, on the same split', async () => {
    const data = join(whole.run, 'data', 'teacher.jsonl')
    const given = { ...settings(), teacher: null, data, compare: false }
    const run = await distill(given, { out: join(folder, 'data') })
    const { sft: tuning } = distillStages(resolveDistillSettings(given))
    const model = join(run.run, 'student')
    const tuned = await sft({ ...tuning, model, data }, { out: join(folder, 'tuned') })
    expect(run.sha256).toBe(tuned.sha256)
    expect(run.stages.map(({ stage }) => stage)).toEqual(['Student base', 'Distilled student'])
  })

  test('one without a right answer ends the run with the reasons', async () => {
    const wrong = join(folder, 'wrong.jsonl')
    writeFileSync(wrong, readFileSync(questions, 'utf8').replaceAll('"7"', '"8"'))
    await expect(distill({ ...settings(), task: wrong }, { out: join(folder, 'wrong') })).rejects.toThrow(
      /^The teacher's reasoning: none of 16 responses can be trained on \(\d+ wrong.*\); use easier or more questions/,
    )
  })
})
