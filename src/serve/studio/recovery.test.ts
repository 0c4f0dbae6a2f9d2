import { cpSync, existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Database } from '../../common/sqlite.ts'
import { events, get, type Json, read, restart, root, run } from '../../testing/servers/open-studio.ts'
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
