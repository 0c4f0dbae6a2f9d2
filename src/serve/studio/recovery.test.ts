import { spawnSync } from 'node:child_process'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Database } from '../../common/sqlite.ts'
import {
  events,
  get,
  type Json,
  post,
  read,
  restart,
  root,
  run,
  server,
} from '../../testing/servers/open-studio.ts'
import { recordStep } from '../../testing/studio-runs.ts'

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

  test('a run that takes the name of another one is read again', { timeout: 20_000 }, async () => {
    run('zero-1').close()
    run('zero-2').close()
    const seen = await events(
      (all) => all.some(({ event }) => event === 'reset'),
      async () => {
        rmSync(join(root, 'zero-1'), { recursive: true })
        renameSync(join(root, 'zero-2'), join(root, 'zero-1'))
      },
    )
    expect(seen).toContainEqual({ event: 'reset', data: { id: 'zero-1', step: 0 } })
  })

  test('another start of the server has another id', async () => {
    const [first] = await events((all) => all.length > 0)
    await restart()
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

test('a run that failed says why', async () => {
  const store = run('zero-1')
  store.fail(new Error('the provider cannot be reached\nat some place'))
  expect(await get('runs/zero-1')).toMatchObject({
    status: 'failed',
    problem: 'the provider cannot be reached',
    events: expect.arrayContaining([{ step: 10, level: 'error', message: 'the provider cannot be reached' }]),
  })
})

test('a server that dies and comes back at its address has the same runs, and tells of its new start', async () => {
  run('zero-1')
  const [before, address, token] = [await get('runs'), new URL(server.url), server.token]
  const [first] = await events((all) => all.length > 0)
  await restart('127.0.0.1', Number(address.port))
  expect(server.url).toBe(address.origin)
  expect(await get('runs')).toEqual(before)
  const [second] = await events((all) => all.length > 0)
  expect(second!.data.id).not.toBe(first!.data.id)
  // a page that was open before may still read; to change something, it needs the new address
  const { status, body } = await post('runs/zero-1/note', { note: 'x' }, { authorization: `Bearer ${token}` })
  expect(status).toBe(401)
  expect(body.error.message).toContain('open the address that `ruminate studio` printed')
})

test('a file that is deleted while it is read is gone in one line, and back when it is there again', {
  timeout: 30_000,
}, async () => {
  const store = run('zero-1')
  expect((await get('runs/zero-1')).steps.done).toBe(10)
  const seen = await events(
    (all) => all.some(({ event, data }) => event === 'run' && data.steps.done === 3),
    async () => {
      store.close()
      rmSync(join(root, 'zero-1'), { recursive: true })
      for (const path of ['', '/samples', '/metrics', '/samples/1', '/aha']) {
        const { status, body } = await read(`runs/zero-1${path}`)
        expect(status).toBe(404)
        expect(body.error.message).toBe('there is no run "zero-1" here (it may have been deleted)')
      }
      setTimeout(() => run('zero-1', { steps: 3 }), 3000)
    },
  )
  expect(seen).toContainEqual({ event: 'gone', data: { id: 'zero-1' } })
})

test('two pages see the same, also what one of them changes, and one may leave', {
  timeout: 30_000,
}, async () => {
  const store = run('zero-1')
  const isTold = (all: { event: string; data: Json }[]): boolean =>
    all.some(({ event, data }) => event === 'run' && data.note === 'noted' && data.steps.done === 11)
  const leaving = events((all) => all.some(({ event }) => event === 'metrics'))
  const staying = events(isTold, async () => {
    recordStep(store, 11)
    await leaving
    await post('runs/zero-1/note', { note: 'noted' })
  })
  expect((await leaving).filter(({ event }) => event === 'metrics')).toEqual(
    (await staying).filter(({ event }) => event === 'metrics'),
  )
})

test('the clock jumps, backwards and forwards: steps are still told, and the time left stays', {
  timeout: 30_000,
}, async () => {
  const store = run('zero-1')
  const left = (await get('runs/zero-1')).secondsLeft
  expect(left).toBe(30)
  const years = [new Date('2050-01-01'), new Date('1990-01-01'), new Date('2070-01-01')]
  let step = 10
  const seen = await events(
    (all) => all.some(({ event, data }) => event === 'metrics' && data.step === 13),
    async () => {
      for (const year of years) {
        recordStep(store, ++step)
        // what the disk says of the files is then of another time
        for (const name of ['run.sqlite', 'run.sqlite-wal'])
          utimesSync(join(root, 'zero-1', name), year, year)
        await sleep(700)
      }
    },
  )
  const steps = seen.filter(({ event }) => event === 'metrics').map(({ data }) => data.step)
  expect(steps).toEqual([11, 12, 13])
  expect((await get('runs/zero-1')).secondsLeft).toBe(21)
})

test('a full disk is said in one line; runs are still read, and written once there is room', async ({
  skip,
}) => {
  const disk = join(root, 'zero-1')
  mkdirSync(disk)
  const mount = (...words: readonly string[]): boolean => spawnSync(words[0]!, words.slice(1)).status === 0
  if (!mount('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk))
    skip('only who may mount a file system can fill it')
  try {
    const store = run('zero-1', { steps: 2 })
    fill(join(disk, '.full'))
    expect((await get('runs/zero-1')).steps.done).toBe(2)
    const { status, body } = await post('runs/zero-1/note', { note: 'x'.repeat(9000) })
    expect(status).toBe(400)
    expect(body.error).toEqual({
      message: expect.stringMatching(/^cannot (open|write) \S+: the disk is full$/),
      help: 'make space',
    })
    // the process that writes the run fails, too
    expect(() => {
      for (let step = 3; step < 100; step++) recordStep(store, step)
    }).toThrow(/the disk is full; make space\. `ruminate resume/)
    store.fail(new Error('the disk is full'))
    store.close()
    await restart()
    expect((await read('runs/zero-1')).body).toMatchObject({ status: 'stopped', steps: { done: 2 } })
    expect((await read('runs/zero-1/samples')).status).toBe(200)
    rmSync(join(disk, '.full'))
    expect((await post('runs/zero-1/note', { note: 'x' })).status).toBe(200)
  } finally {
    mount('umount', '--lazy', disk)
  }
})

/** Writes a file until the disk is full. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (;;) writeSync(file, Buffer.alloc(4096))
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC')
  } finally {
    closeSync(file)
  }
}
