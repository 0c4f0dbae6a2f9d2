import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { Database } from '../../common/sqlite.ts'
import type { RunStore } from '../../runs/store.ts'
import { send } from '../../testing/servers/fake-server.ts'
import { fakeRun, recordStep, response } from '../../testing/studio-runs.ts'
import { type RunningStudio, studio } from './studio.ts'

let root: string
let server: RunningStudio
let failures: unknown[]
let controlled: unknown[][]
const open: RunStore[] = []
const run = (
  ...args: Parameters<typeof fakeRun> extends [string, ...infer Rest] ? Rest : never
): RunStore => {
  const store = fakeRun(root, ...args)
  open.push(store)
  return store
}

beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'ruminate-studio-')))
  failures = []
  controlled = []
  const page = join(root, '.page')
  mkdirSync(join(page, 'assets'), { recursive: true })
  writeFileSync(join(page, 'index.html'), '<!doctype html><title>Studio</title>')
  writeFileSync(join(page, 'assets', 'app-1a2b.js'), 'export {}')
  server = await start()
})
afterEach(async () => {
  await server.stop()
  for (const store of open.splice(0)) store.close()
  rmSync(root, { recursive: true, force: true })
  expect(failures).toEqual([])
})

const start = (host = '127.0.0.1', port = 0): Promise<RunningStudio> =>
  studio({
    root,
    host,
    port,
    page: join(root, '.page'),
    hosts: [],
    control: {
      forms: () => ({ zero: { type: 'object' } }),
      start: async (command, settings) => {
        if (command !== 'zero') throw new UserError(`unknown command ${command}; choose zero`)
        controlled.push(['start', command, settings])
        return join(root, 'zero-9')
      },
      stop: async (directory) => void controlled.push(['stop', directory]),
      resume: async (directory) => void controlled.push(['resume', directory]),
    },
    evaluations: {
      list: () => [{ id: 'eval-1' }],
      read: (id) => (id === 'eval-1' ? { id } : null),
      answers: (id, cell, question) => (id === 'eval-1' ? { answers: [{ cell, question }] } : null),
    },
    question: () => (prompt) => prompt.replace(/^User: (.*) Assistant:$/, '$1'),
    onFailure: (error) => failures.push(error),
  })

/** The JSON at a path of the data. */
const read = async (path: string, headers: Record<string, string> = {}) => {
  const { status, text } = await send(server, encodeURI(`/studio/api/${path}`).replaceAll('%25', '%'), {
    headers,
  })
  return { status, body: JSON.parse(text) }
}
const get = async (path: string) => (await read(path)).body
const post = async (path: string, body: object, headers?: Record<string, string>) => {
  const { status, text } = await send(server, `/studio/api/${path}`, {
    body,
    headers: headers ?? { authorization: `Bearer ${server.token}` },
  })
  return { status, body: JSON.parse(text) }
}
const ids = async (query: string): Promise<number[]> =>
  (await get(`runs/zero-1/samples?${query}`)).samples.map(({ id }: { id: number }) => id)

describe('runs', () => {
  test('are listed with their stages, states and newest values', async () => {
    run('zero-1')
    run('r1-1', { recipe: 'r1', settings: { steps: undefined } }).setStatus('interrupted')
    run('r1-1/rl-1').finish({ passAt1: 0.5 })
    const { runs } = await get('runs')
    expect(runs.map(({ id, parent, status }: Record<string, unknown>) => [id, parent, status])).toEqual([
      ['r1-1', null, 'interrupted'],
      ['r1-1/rl-1', 'r1-1', 'done'],
      ['zero-1', null, 'running'],
    ])
    expect(runs[2]).toMatchObject({
      recipe: 'zero',
      model: 'miniature-base',
      task: 'miniature',
      steps: { done: 10, planned: 20 },
      // ten steps of three seconds are left
      secondsLeft: 30,
      accuracy: { step: 10, value: 0.1 },
      sparkName: 'accuracy',
      note: null,
      problem: null,
    })
    expect(runs[2].spark).toHaveLength(10)
    expect(runs[1].secondsLeft).toBeNull()
  })

  it.each([
    ['steps', { steps: 30 }, { planned: 30, secondsLeft: 62.5 }],
    ['epochs', { epochs: 3 }, { planned: 24, secondsLeft: 47.5 }],
    ['tokens', { tokens: 4000 }, { planned: 20, secondsLeft: 37.5 }],
    ['nothing', {}, { planned: null, secondsLeft: null }],
  ])('how many steps are planned, and the time left, by its %s', async (_, settings, expected) => {
    const store = run('sft-1', { steps: 0, recipe: 'sft', settings: { steps: undefined, ...settings } })
    store.record(3, { metrics: { 'time/total': 10 } })
    // 2.5 seconds a step, 8 steps an epoch
    store.record(5, { metrics: { 'time/total': 15, 'total/tokens': 1000, epoch: 5 / 8 } })
    const { steps, secondsLeft } = (await get('runs')).runs[0]
    expect({ planned: steps.planned, secondsLeft }).toEqual(expected)
  })

  test('totals of a run of several stages go on rising; from a stage on that does not know one, it is unknown', async () => {
    run('r1-1', { recipe: 'r1', steps: 0 })
    const totals = [
      { 'total/tokens': 100, 'total/flops': 7, 'time/total': 5 },
      { 'total/tokens': 200, 'time/total': 6 },
      { 'total/tokens': 300, 'total/flops': 7, 'time/total': 7 },
    ]
    for (const [i, metrics] of totals.entries()) {
      run(`r1-1/stage-${i}`, { steps: 0 }).record(2, { metrics })
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const { series } = await get('runs/r1-1/metrics?names=total/tokens,total/flops,time/total')
    expect(series).toEqual({
      'total/tokens': { step: [2, 4, 6], value: [100, 300, 600] },
      'total/flops': { step: [2], value: [7] },
      'time/total': { step: [2, 4, 6], value: [5, 11, 18] },
    })
  })

  test('one of them, with its settings, events and metric names', async () => {
    run('zero-1')
    expect(await get('runs/zero-1')).toMatchObject({
      id: 'zero-1',
      settings: { steps: 20 },
      events: [{ step: 3, level: 'warning', message: 'all rewards are equal' }],
      metricNames: [
        'accuracy',
        'eval/pass@1',
        'length/mean',
        'reflection/per_response',
        'time/sampling',
        'time/training',
      ],
      splits: ['eval-before', 'train', 'eval-after'],
      sections: [],
    })
  })

  test('one of several stages: its curves are those of the stages, one after the other', async () => {
    run('r1-1', { recipe: 'r1', steps: 0 })
    run('r1-1/rl-1', { steps: 4 })
    await new Promise((resolve) => setTimeout(resolve, 5))
    run('r1-1/a-later-one', { steps: 3 })
    const { sections, metricNames } = await get('runs/r1-1')
    expect(sections).toEqual([
      { name: 'rl-1', id: 'r1-1/rl-1', from: 1, to: 4 },
      { name: 'a-later-one', id: 'r1-1/a-later-one', from: 5, to: 7 },
    ])
    expect(metricNames).toContain('accuracy')
    const { series } = await get('runs/r1-1/metrics?names=accuracy')
    expect(series.accuracy.step).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(series.accuracy.value).toEqual([0.01, 0.02, 0.03, 0.04, 0.01, 0.02, 0.03])
    const { series: part } = await get('runs/r1-1/metrics?names=accuracy&from=4&to=5')
    expect(part.accuracy.step).toEqual([4, 5])
  })

  it.each([
    'zero-2',
    '..',
    '../..',
    '.page',
    '%2e%2e%2fetc',
    'zero-1/../../etc',
    'zero-1\\..',
    '/etc',
    'a\0b',
  ])('%j is not one', async (id) => {
    run('zero-1')
    const { status, body } = await read(`runs/${encodeURIComponent(id)}`)
    expect(status).toBe(404)
    expect(body.error.message).toContain('there is no ')
  })

  test('a link to a place outside the folder is listed with the reason, and not read', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'ruminate-outside-'))
    fakeRun(outside, 'zero-1').close()
    symlinkSync(join(outside, 'zero-1'), join(root, 'linked'))
    mkdirSync(join(root, 'file'))
    symlinkSync(join(outside, 'zero-1', 'run.sqlite'), join(root, 'file', 'run.sqlite'))
    for (const id of ['linked', 'file']) expect((await read(`runs/${id}`)).status).toBe(403)
    const { runs } = await get('runs')
    expect(runs.map(({ problem }: { problem: string }) => problem)).toEqual([
      expect.stringContaining('is a link to a place outside'),
      expect.stringContaining('is a link to a place outside'),
    ])
    rmSync(outside, { recursive: true })
  })
})

describe('metrics', () => {
  test('are whole where there is room, and a range', async () => {
    run('zero-1')
    const { series } = await get('runs/zero-1/metrics?names=accuracy,nothing&from=2&to=4')
    expect(series).toEqual({
      accuracy: { step: [2, 3, 4], value: [0.02, 0.03, 0.04] },
      nothing: { step: [], value: [] },
    })
    expect(Object.keys((await get('runs/zero-1/metrics')).series)).toHaveLength(6)
  })

  test('otherwise means of buckets with their extremes', async () => {
    run('zero-1', { steps: 100 })
    const { series } = await get('runs/zero-1/metrics?names=length/mean&points=10')
    expect(series['length/mean']).toEqual({
      step: [10, 20, 30, 40, 50, 60, 70, 80, 90, 100],
      value: [55, 155, 255, 355, 455, 555, 655, 755, 855, 955],
      min: [10, 110, 210, 310, 410, 510, 610, 710, 810, 910],
      max: [100, 200, 300, 400, 500, 600, 700, 800, 900, 1000],
    })
  })

  it.each(['points=0', 'points=x', 'from=1.5'])('%s: 400', async (query) => {
    run('zero-1')
    expect((await read(`runs/zero-1/metrics?${query}`)).status).toBe(400)
  })
})

describe('samples', () => {
  test('come with their rewards, newest first, page by page', async () => {
    run('zero-1')
    const first = await get('runs/zero-1/samples?limit=3&split=train')
    expect(first.total).toBe(80)
    expect(first.samples[0]).toMatchObject({
      step: 10,
      split: 'train',
      question: 'b10',
      asked: 'What about b10?',
      reason: 'equal',
      rewards: [
        { name: 'accuracy', value: 1, weight: 1, reason: 'equal' },
        { name: 'format', value: null, weight: 0.5, reason: null },
      ],
      correct: null,
      stopReason: 'stop',
      cut: false,
    })
    const seen: number[] = first.samples.map(({ id }: { id: number }) => id)
    for (let next = first.next; next !== null; ) {
      const page = await get(`runs/zero-1/samples?limit=3&split=train&cursor=${next}`)
      seen.push(...page.samples.map(({ id }: { id: number }) => id))
      next = page.next
    }
    expect(seen).toHaveLength(80)
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => b - a))
  })

  it.each([
    ['step=3', 8],
    ['from=3&to=4', 16],
    ['split=eval-after', 2],
    ['split=eval*', 4],
    ['correct=right&split=train', 40],
    ['correct=unknown', 20],
    ['stop=length', 20],
    ['kind=arithmetic', 84],
    ['kind=arith', 0],
    ['question=a3', 4],
    ['minReward=2', 20],
    ['maxReward=0&step=1', 2],
    ['minLength=1000', 8],
    ['text=let me check 5.', 2],
    ['text=LET ME CHECK', 12],
    ['text=100%', 0],
    ['text=_', 0],
    ['asked=what about A3', 4],
    ['asked=about&split=train&step=3', 8],
    ['asked=100%', 0],
    ['asked=what about a3&correct=right', 2],
    ['asked=about&text=let me check 5.', 2],
    ['language=mixed', 1],
    ['text=&step=', 85],
  ])('%s: %i, also in a run of an earlier release, which has no texts of questions', async (query, count) => {
    const store = run('zero-1')
    store.record(10, {
      rollouts: [
        response('zh', {
          kind: 'language',
          split: 'zh',
          correct: false,
          text: 'wir 等一下 wait',
          thinking: null,
          total: null,
        }),
      ],
    })
    const found = async (id: string): Promise<number> => {
      let all = 0
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = await get(`runs/${id}/samples?${query}&limit=7&cursor=${cursor}`)
        all += page.samples.length
        cursor = page.next
      }
      return all
    }
    expect(await found('zero-1')).toBe(count)
    const old = run('zero-2')
    old.record(10, { rollouts: store.rollouts({ split: 'zh' }) })
    old.close()
    const database = new Database(join(root, 'zero-2', 'run.sqlite'))
    database.exec(
      `UPDATE rollouts SET prompt = 'User: ' || (SELECT questions.text FROM questions WHERE questions.id = asked);
       DROP INDEX rollouts_facts; DROP TABLE questions;
       ${['asked', 'reason', 'reasons', 'entropies'].map((name) => `ALTER TABLE rollouts DROP COLUMN ${name};`).join('')}`,
    )
    database.close()
    expect(await found('zero-2')).toBe(count)
  })

  it.each(['reward', 'length', 'advantage', 'step'])(
    'are sorted by %s, unknown values last',
    async (sort) => {
      run('zero-1', { steps: 3 })
      const field = sort === 'reward' ? 'total' : sort
      for (const order of ['asc', 'desc']) {
        const values: (number | null)[] = []
        for (let cursor: string | null = ''; cursor !== null; ) {
          const page = await get(
            `runs/zero-1/samples?split=train&sort=${sort}&order=${order}&limit=5&cursor=${cursor}`,
          )
          values.push(...page.samples.map((sample: Record<string, number | null>) => sample[field]))
          cursor = page.next
        }
        expect(values).toHaveLength(24)
        const known = values.filter((value) => value !== null)
        expect(known).toEqual([...known].sort((a, b) => (order === 'asc' ? a - b : b - a)))
        expect(values.slice(known.length).every((value) => value === null)).toBe(true)
      }
    },
  )

  test('are found in a file of an earlier release, which has no index of facts', async () => {
    const store = run('zero-1')
    store.close()
    const database = new Database(join(root, 'zero-1', 'run.sqlite'))
    database.exec('DROP INDEX rollouts_facts')
    database.close()
    expect(await ids('correct=right&step=2&sort=reward')).toHaveLength(4)
  })

  it.each(['cursor=x', 'limit=0', 'sort=color', 'correct=maybe', 'step=two'])('%s: 400', async (query) => {
    run('zero-1')
    const { status, body } = await read(`runs/zero-1/samples?${query}`)
    expect(status).toBe(400)
    expect(body.error.message).toContain(query.split('=')[0])
  })

  test('a long text is cut in a page, and whole in the sample', async () => {
    const text = `<script>alert(1)</script>\x1b[31m${'x'.repeat(10_000)}`
    run('zero-1').record(11, { rollouts: [response('long', { text })] })
    const [id] = await ids('question=long')
    const { samples } = await get('runs/zero-1/samples?question=long')
    expect(samples[0]).toMatchObject({ cut: true, text: text.slice(0, 4000) })
    expect(await get(`runs/zero-1/samples/${id}`)).toMatchObject({ cut: false, text })
  })

  test('one of them, with its group and its tokens', async () => {
    run('zero-1')
    const [id] = await ids('step=2&question=a2')
    const sample = await get(`runs/zero-1/samples/${id}`)
    expect(sample.group).toHaveLength(4)
    expect(sample.group.map(({ question }: { question: string }) => question)).toEqual(Array(4).fill('a2'))
    expect(sample.tokens).toBeNull()
    expect(sample.tokensProblem).toContain('has no tokenizer')
    expect((await read('runs/zero-1/samples/99999')).status).toBe(404)
  })

  test('their tokens, by the tokenizer of the trained model', async () => {
    run('zero-1')
    cpSync(new URL('../../../models/miniature-base', import.meta.url), join(root, 'zero-1', 'model'), {
      recursive: true,
    })
    const [id] = await ids('step=2&question=a2')
    const { tokens } = await get(`runs/zero-1/samples/${id}`)
    expect(tokens).toHaveLength(2)
    expect(tokens.map(({ logprob, entropy }: Json) => [logprob, entropy])).toEqual([
      [-0.5, 0.25],
      [-1.25, null],
    ])
    expect(tokens[0].text).not.toBe('')
  })
})

describe('stories', () => {
  test('a question over time', async () => {
    run('zero-1')
    const history = await get('runs/zero-1/questions/h2')
    expect(history).toMatchObject({ question: 'h2', asked: 'What about h2?', gold: '71', total: 2 })
    expect(history.samples.map(({ split }: { split: string }) => split)).toEqual([
      'eval-before',
      'eval-after',
    ])
    expect((await read('runs/zero-1/questions/none')).status).toBe(404)
  })

  test('how the model began to check itself', async () => {
    run('zero-1', { steps: 20 })
    const aha = await get('runs/zero-1/aha')
    const [first] = await ids('step=5&order=asc')
    expect(aha.firstReflection).toEqual({ step: 5, sampleId: first })
    expect(aha.rise.step).toBeGreaterThanOrEqual(2)
    expect(aha.rise.step).toBeLessThanOrEqual(5)
    expect(aha.length.value[0]).toBe(10)
    expect(aha.changed).toMatchObject({
      question: 'h2',
      before: { split: 'eval-before', correct: false },
      after: { split: 'eval-after', correct: true },
    })
  })

  test('of a run without responses there is none', async () => {
    run('sft-1', { recipe: 'sft', steps: 0 }).truncateAfter(-1)
    expect(await get('runs/sft-1/aha')).toMatchObject({ firstReflection: null, rise: null, changed: null })
  })

  test('data sets with their cards', async () => {
    const store = run('r1-1', { recipe: 'r1' })
    store.record(2, {
      metrics: { 'data/mixture/rows': 1, 'data/mixture/seen': 2 },
      rollouts: [
        response('m1', { split: 'mixture/policy', rewards: { kept: 1 } }),
        response('m2', { split: 'mixture/policy', rewards: { kept: 0, wrong: 1 } }),
      ],
    })
    mkdirSync(join(root, 'r1-1', 'data'))
    writeFileSync(join(root, 'r1-1', 'data', 'mixture.md'), '# Mixed data')
    writeFileSync(join(root, 'secret.md'), 'secret')
    symlinkSync(join(root, 'secret.md'), join(root, 'r1-1', 'data', 'linked.md'))
    expect(await get('runs/r1-1/data')).toEqual({
      dataSets: [{ name: 'mixture', rows: 1, seen: 2, card: '# Mixed data', splits: ['mixture/policy'] }],
    })
  })
})

// biome-ignore lint/suspicious/noExplicitAny: the tests say which fields there are
type Json = any

/** Reads server-sent events until `isEnough`, or fails after a while. */
async function events(isEnough: (seen: { event: string; data: Json }[]) => boolean, during = async () => {}) {
  const controller = new AbortController()
  const response = await fetch(`${server.url}/studio/api/events`, { signal: controller.signal })
  const seen: { event: string; data: Json }[] = []
  const timer = setTimeout(() => controller.abort(), 8000)
  let text = ''
  let isFirst = true
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const [, event, data] = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end)) ?? []
        if (event) seen.push({ event, data: JSON.parse(data!) })
        text = text.slice(end + 2)
      }
      if (isFirst && seen.length > 0) {
        isFirst = false
        await during()
      }
      if (isEnough(seen)) break
    }
  } finally {
    clearTimeout(timer)
    controller.abort()
  }
  return seen
}

describe('events', () => {
  test('follow a run: each new step, then its summary; new and deleted runs', {
    timeout: 20_000,
  }, async () => {
    const store = run('zero-1')
    run('zero-2').close()
    const seen = await events(
      (all) =>
        all.some(({ event }) => event === 'gone') &&
        all.some(({ event, data }) => event === 'run' && data.id === 'zero-3') &&
        all.some(({ event, data }) => event === 'run' && data.steps.done === 12),
      async () => {
        recordStep(store, 11)
        recordStep(store, 12)
        rmSync(join(root, 'zero-2'), { recursive: true })
        run('zero-3', { steps: 1 })
      },
    )
    expect(seen[0]).toEqual({ event: 'hello', data: { id: expect.any(String) } })
    const steps = seen.filter(({ event }) => event === 'metrics').map(({ data }) => [data.id, data.step])
    expect(steps).toEqual([
      ['zero-1', 11],
      ['zero-1', 12],
    ])
    expect(seen.find(({ event }) => event === 'metrics')!.data.values.accuracy).toBe(0.11)
    expect(seen).toContainEqual({ event: 'gone', data: { id: 'zero-2' } })
    const told = seen.findLast(({ event, data }) => event === 'run' && data.id === 'zero-1')!.data
    const { runs } = await get('runs')
    expect(told).toEqual(runs.find(({ id }: Json) => id === 'zero-1'))
  })

  test('a run that repeats steps, and one whose process has ended', { timeout: 20_000 }, async () => {
    const store = run('zero-1')
    const seen = await events(
      (all) =>
        all.some(({ event }) => event === 'reset') &&
        all.some(({ event, data }) => event === 'run' && data.status === 'stopped'),
      async () => {
        store.truncateAfter(6)
        store.close()
      },
    )
    expect(seen).toContainEqual({ event: 'reset', data: { id: 'zero-1', step: 6 } })
  })

  test('another start of the server has another id', async () => {
    const [first] = await events((all) => all.length > 0)
    await server.stop()
    server = await start()
    const [second] = await events((all) => all.length > 0)
    expect(second!.data.id).not.toBe(first!.data.id)
  })
})

describe('what happens to files', () => {
  test('a damaged file is listed with the reason', async () => {
    run('zero-1').close()
    truncateSync(join(root, 'zero-1', 'run.sqlite'), 3000)
    mkdirSync(join(root, 'text'))
    writeFileSync(join(root, 'text', 'run.sqlite'), 'no database at all, only text\n'.repeat(100))
    const { runs } = await get('runs')
    expect(runs).toHaveLength(2)
    for (const one of runs)
      expect(one).toMatchObject({
        recipe: 'unknown',
        status: 'failed',
        problem: expect.stringMatching(/damaged|not a SQLite/),
      })
    const { status, body } = await read('runs/text/samples')
    expect(status).toBe(503)
    expect(body.error.message).toContain('text')
  })

  test('a file that is deleted and made again is read anew', async () => {
    run('zero-1').close()
    expect((await get('runs/zero-1')).steps.done).toBe(10)
    rmSync(join(root, 'zero-1'), { recursive: true })
    expect((await read('runs/zero-1')).status).toBe(404)
    run('zero-1', { steps: 3 })
    expect((await get('runs/zero-1')).steps.done).toBe(3)
  })

  test("a copy of another machine's file, in the midst of a step, is shown as stopped", async () => {
    run('zero-1')
    mkdirSync(join(root, 'copied'))
    for (const name of ['run.sqlite', 'run.sqlite-wal'])
      if (existsSync(join(root, 'zero-1', name)))
        cpSync(join(root, 'zero-1', name), join(root, 'copied', name))
    expect(await get('runs/copied')).toMatchObject({
      status: 'stopped',
      steps: { done: 10 },
      secondsLeft: null,
    })
  })

  test('a file that another program keeps locked answers soon, and again once it is free', async () => {
    run('zero-1')
    mkdirSync(join(root, 'copied'))
    for (const name of ['run.sqlite', 'run.sqlite-wal'])
      cpSync(join(root, 'zero-1', name), join(root, 'copied', name))
    const locker = new Database(join(root, 'copied', 'run.sqlite'))
    locker.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
    const since = performance.now()
    const { status, body } = await read('runs/copied')
    expect(status).toBe(503)
    expect(body.error.message).toContain('another process is using it')
    expect(performance.now() - since).toBeLessThan(3000)
    locker.exec('COMMIT')
    locker.close()
    expect((await read('runs/copied')).status).toBe(200)
  })
})

describe('what changes something', () => {
  test('needs the token', async () => {
    run('zero-1')
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: `Basic ${server.token}` }])
      for (const path of [
        'runs',
        'runs/zero-1/stop',
        'runs/zero-1/resume',
        'runs/zero-1/note',
        'runs/zero-1/tags',
      ])
        expect(
          (await post(path, { command: 'zero', settings: {}, note: 'x', tags: [] }, headers)).status,
        ).toBe(401)
    expect(controlled).toEqual([])
  })

  test('a note, also of a run in progress', async () => {
    run('zero-1')
    expect(await post('runs/zero-1/note', { note: '  the best one ' })).toEqual({
      status: 200,
      body: { note: 'the best one' },
    })
    expect((await get('runs/zero-1')).note).toBe('the best one')
    expect((await post('runs/zero-1/note', { note: null })).body).toEqual({ note: null })
    expect((await post('runs/zero-1/note', { note: 7 })).status).toBe(400)
  })

  test('tags, in the place of those that there are', async () => {
    run('zero-1')
    expect(await post('runs/zero-1/tags', { tags: ['short', ' baseline ', 'short'] })).toEqual({
      status: 200,
      body: { tags: ['baseline', 'short'] },
    })
    expect((await get('runs')).runs[0].tags).toEqual(['baseline', 'short'])
    expect(await post('runs/zero-1/tags', { tags: ['a,b'] })).toMatchObject({
      status: 400,
      body: { error: { message: '"a,b" is not a tag' } },
    })
    expect((await post('runs/zero-1/tags', { tags: [] })).body).toEqual({ tags: [] })
  })

  test('start, stop and resume', async () => {
    run('zero-1')
    expect(await post('runs', { command: 'zero', settings: { steps: 3 } })).toEqual({
      status: 200,
      body: { id: 'zero-9' },
    })
    expect((await post('runs/zero-1/stop', {})).status).toBe(200)
    expect((await post('runs/zero-1/resume', {})).status).toBe(200)
    expect((await post('runs/none/stop', {})).status).toBe(404)
    expect(await post('runs', { command: 'rm' })).toEqual({
      status: 400,
      body: { error: { message: 'unknown command rm', help: 'choose zero' } },
    })
    const directory = join(root, 'zero-1')
    expect(controlled).toEqual([
      ['start', 'zero', { steps: 3 }],
      ['stop', directory],
      ['resume', directory],
    ])
    expect((await get('forms')).forms.zero).toEqual({ type: 'object' })
  })
})

describe('chat', () => {
  const ask = (
    model: string,
    headers: Record<string, string> = { authorization: `Bearer ${server.token}` },
  ) =>
    send(server, `/studio/models/${encodeURIComponent(model)}/v1/chat/completions`, {
      body: { messages: [{ role: 'user', content: '5+2=' }], max_tokens: 4, temperature: 0, stream: true },
      headers,
    })

  test('with the trained model, a checkpoint and the base of a run', { timeout: 60_000 }, async () => {
    const store = run('zero-1')
    const miniature = new URL('../../../models/miniature-base', import.meta.url)
    cpSync(miniature, join(root, 'zero-1', 'model'), { recursive: true })
    await store.checkpoint(10, null, async (folder) => cpSync(miniature, folder, { recursive: true }))
    expect((await get('runs/zero-1/models')).models.map(({ name }: Json) => name)).toEqual([
      'zero-1@base',
      'zero-1@10',
      'zero-1',
    ])
    for (const model of ['zero-1', 'zero-1@10', 'miniature-base']) {
      const { status, text, headers } = await ask(model)
      expect(status, text).toBe(200)
      expect(headers['content-type']).toContain('text/event-stream')
      expect(text).toContain('data: [DONE]')
    }
  })

  const sendTo = (path: string, more: object = {}) =>
    send(server, `/studio/models/miniature-base/${path}`, {
      body: { messages: [{ role: 'user', content: '5+2=' }], max_tokens: 4, ...more },
      headers: { authorization: `Bearer ${server.token}` },
    })

  test('the prompt, as the model sees it', { timeout: 60_000 }, async () => {
    const { prompt, tokens } = JSON.parse((await sendTo('prompt')).text)
    expect(prompt).toContain('5+2=')
    expect(prompt).toMatch(/^A conversation between User and Assistant.*Assistant:/s)
    expect(tokens).toBeGreaterThan(10)
    expect((await sendTo('prompt', { messages: [] })).status).toBe(400)
  })

  test('with a strategy, and the same seed twice', { timeout: 60_000 }, async () => {
    const contents = []
    for (const query of ['strategy=vote&samples=3', 'strategy=vote&samples=3', 'strategy=refine&rounds=1'])
      contents.push(
        JSON.parse((await sendTo(`v1/chat/completions?${query}`, { seed: 7, temperature: 1 })).text),
      )
    expect(contents[0].choices).toEqual(contents[1].choices)
    // a vote asks for all of its responses
    expect(contents[0].usage.completion_tokens).toBeGreaterThan(4)
    const judged = await sendTo('v1/chat/completions?strategy=best-of-n&samples=2&judge=miniature-base')
    expect(judged.status, judged.text).toBe(200)
  })

  it.each([
    ['strategy=many', 'strategy: '],
    ['strategy=vote&samples=1000', 'samples: '],
    ['strategy=best-of-n', 'chosen by a reward model or a judge'],
    ['strategy=vote&judge=miniature-base', 'a judge belongs to the strategy best-of-n'],
    ['strategy=refine&reward=reward-1', 'a reward model belongs to'],
    ['strategy=vote&reward=reward-1', 'there is no run "reward-1"'],
  ])('%s is refused: %s', async (query, message) => {
    const { status, text } = await sendTo(`v1/chat/completions?${query}`)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(JSON.parse(text).error.message).toContain(message)
  })

  it.each([
    ['zero-2', 404],
    ['zero-1@7', 404],
    ['zero-1', 400],
    ['../..', 404],
    ['/etc', 404],
    ['.', 404],
  ])('%s: %i', async (model, status) => {
    run('zero-1')
    expect((await ask(model)).status).toBe(status)
    expect((await ask(model, {})).status).toBe(401)
  })
})

describe('who may use it', () => {
  it.each([
    [{ host: 'evil.example' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'http://localhost:5173' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{}, 200],
  ])('%j: %i', async (headers, status) => {
    run('zero-1')
    for (const path of ['runs', 'runs/zero-1', 'runs/zero-1/samples'])
      expect((await read(path, headers)).status).toBe(status)
    const own = { origin: server.url, authorization: `Bearer ${server.token}` }
    expect((await post('runs/zero-1/note', { note: 'x' }, { ...own, ...headers })).status).toBe(status)
  })

  test('where other machines reach it, reading needs the token, too', async () => {
    await server.stop()
    server = await start('0.0.0.0')
    expect((await read('runs')).status).toBe(401)
    expect((await read('runs', { authorization: `Bearer ${server.token}` })).status).toBe(200)
  })

  test('nobody is told that another page may read it', async () => {
    for (const path of ['/studio/api/runs', '/studio/', '/studio/nothing']) {
      const { headers } = await send(server, path)
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      expect(headers['content-security-policy']).not.toContain('unsafe')
      expect(headers['x-content-type-options']).toBe('nosniff')
    }
  })
})

describe('the page', () => {
  it.each([
    ['/studio/', 200, 'text/html'],
    ['/studio/assets/app-1a2b.js', 200, 'text/javascript'],
    ['/', 302, undefined],
    ['/studio', 302, undefined],
    ['/studio/assets/other.js', 404, 'application/json'],
    ['/studio/../package.json', 404, 'application/json'],
    ['/studio/%2e%2e/%2e%2e/etc/passwd', 404, 'application/json'],
    ['/studio/..%2f..%2fetc%2fpasswd', 404, 'application/json'],
    ['/studio/assets', 404, 'application/json'],
    ['/studio/api/nothing', 404, 'application/json'],
    ['/etc/passwd', 404, 'application/json'],
  ])('%s: %i', async (path, status, type) => {
    const found = await send(server, path)
    expect(found.status).toBe(status)
    if (type) expect(found.headers['content-type']).toContain(type)
  })

  test('an address with a token has it where no server sees it', () => {
    expect(server.page).toBe(`${server.url}/studio/#token=${server.token}`)
  })

  test('where it is not built, what to do is said', async () => {
    rmSync(join(root, '.page'), { recursive: true })
    const { status, text } = await send(server, '/studio/')
    expect(status).toBe(503)
    expect(text).toContain('npm run build')
  })
})
