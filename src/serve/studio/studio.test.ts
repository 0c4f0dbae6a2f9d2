import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, test, vi } from 'vitest'
import { send } from '../../testing/servers/fake-server.ts'
import {
  controlled,
  events,
  get,
  post,
  read,
  restart,
  root,
  run,
  server,
} from '../../testing/servers/open-studio.ts'
import { fakeRun } from '../../testing/studio-runs.ts'
import { createStudio } from './app.ts'
import type { Control, Evaluations } from './control.ts'
import { RunsFolder } from './runs/runs-folder.ts'
import { Watcher } from './runs/watcher.ts'

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
      // on held-out questions: of the same step, that on training questions is 0.1
      accuracy: { step: 10, value: 0.5 },
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
    const { sections, metricNames, accuracy, spark } = await get('runs/r1-1')
    // on held-out questions, after the newest step
    expect(accuracy).toEqual({ step: 4 + 3, value: 0.5 })
    expect(spark).toEqual([0.01, 0.02, 0.03, 0.04, 0.01, 0.02, 0.03])
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
    run('r1-1/student-zero', { steps: 2 })
    expect((await get('runs/r1-1')).accuracy).toEqual(accuracy)
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

  test('a folder that cannot be looked into is listed with the reason, and hides no other run', async () => {
    run('zero-1')
    symlinkSync('loop', join(root, 'loop'))
    const { runs } = await get('runs')
    expect(runs.map(({ id, problem }: Record<string, unknown>) => [id, problem])).toEqual([
      ['loop', expect.stringContaining('too many symbolic links')],
      ['zero-1', null],
    ])
    expect((await read('runs/loop')).status).toBe(503)
    const [hello] = await events((all) => all.length > 0)
    expect(hello!.event).toBe('hello')
  })

  test('of a run of several stages: the steps of all of them, and an estimate of the time left', async () => {
    run('r1-1', {
      recipe: 'r1',
      steps: 0,
      settings: {
        steps: undefined,
        zero: { steps: 10 },
        rl2: { share: 0.5, zero: { steps: 40 } },
        student: { model: null, zero: { steps: 1000 } },
      },
    }).record(3, { metrics: { 'stage/passAt1': 0.5 } })
    run('r1-1/zero', { steps: 0 }).record(10, { metrics: { 'time/total': 60 } })
    run('r1-1/cold-start', { steps: 0, recipe: 'sft' }).record(7, { metrics: { 'time/total': 10 } })
    run('r1-1/rl-2', { steps: 0 }).record(4, { metrics: { 'time/total': 14 } })
    const { runs } = await get('runs')
    // 14 of 50 steps of reinforcement learning in 84 seconds
    expect(runs[0]).toMatchObject({
      id: 'r1-1',
      steps: { done: 21, planned: null },
      secondsLeft: (36 * 84) / 14,
    })
    expect((await get('runs/r1-1')).steps.done).toBe(21)
  })

  test('the time that a run of several stages has left counts its data and measurements too', async () => {
    const settings = { steps: undefined, zero: { steps: 10 }, rl1: { steps: 10 } }
    const r1 = run('r1-1', { recipe: 'r1', steps: 0, settings })
    const zero = run('r1-1/zero', { steps: 0 })
    zero.record(10, { metrics: { 'time/total': 60 } })
    zero.finish({})
    // 40 seconds of measuring and of making data
    r1.record(3, { metrics: { 'stage/passAt1': 0.5, 'time/total': 100 } })
    run('r1-1/rl-1', { steps: 0 }).record(2, { metrics: { 'time/total': 8 } })
    expect((await get('runs')).runs[0].secondsLeft).toBe((8 * 108) / 12)
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

  test('of a total, a bucket has the last value', async () => {
    const store = run('zero-1', { steps: 0 })
    for (let step = 1; step <= 8; step++) store.record(step, { metrics: { 'total/tokens': 10 * step } })
    const { series } = await get('runs/zero-1/metrics?names=total/tokens&points=4')
    expect(series['total/tokens']).toMatchObject({ step: [2, 4, 6, 8], value: [20, 40, 60, 80] })
  })

  it.each(['points=0', 'points=x', 'from=1.5'])('%s: 400', async (query) => {
    run('zero-1')
    expect((await read(`runs/zero-1/metrics?${query}`)).status).toBe(400)
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
    await restart('0.0.0.0')
    expect((await read('runs')).status).toBe(401)
    expect((await read('runs')).body.error.message).toMatch(
      /^nothing is shown to this page: open the address/,
    )
    expect((await read('runs', { authorization: `Bearer ${server.token}` })).status).toBe(200)
  })

  test('a request for the headers of the events keeps no stream open', async () => {
    const close = vi.spyOn(Watcher.prototype, 'close')
    const { status } = await send(server, '/studio/api/events', { method: 'HEAD' })
    expect(status).toBe(200)
    expect(close).toHaveBeenCalledOnce()
    close.mockRestore()
  })

  test('who asks while it stops is told so', async () => {
    const app = createStudio({
      folder: new RunsFolder(root),
      page: join(root, '.page'),
      token: 'secret',
      isPrivate: false,
      hosts: [],
      control: {} as Control,
      evaluations: {} as Evaluations,
      question: () => (prompt) => prompt,
      onFailure: () => {},
    })
    const ask = async (): Promise<Response> =>
      app.fetch(new Request('http://localhost/studio/api/events', { headers: { host: 'localhost' } }))
    const response = await ask()
    app.stop()
    expect(await response.text()).toContain('event: hello')
    expect((await ask()).status).toBe(503)
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
