import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { currentStage, findRun, listRuns } from './find-run.ts'
import { setNote } from './notes.ts'
import { RunStore, readInfo } from './store.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ruminate-find-'))
  chmodSync(root, 0o755)
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
})

const create = (name: string, recipe = 'zero'): RunStore =>
  RunStore.create({ recipe, seed: 0, settings: {}, out: join(root, name) })
const finished = (name: string, recipe?: string): string => {
  const store = create(name, recipe)
  store.record(3, { metrics: { loss: 1 } })
  store.finish({})
  store.close()
  return store.directory
}

describe('a run by its name', () => {
  test.each([
    ['its name', 'zero-1', 'zero-1'],
    ['a stage of a run', 'r1-1/rl-1', 'r1-1/rl-1'],
    ['its model', 'zero-1/model', 'zero-1'],
    ['a checkpoint', 'zero-1/checkpoints/step-000020', 'zero-1'],
    ['a checkpoint of a stage', 'r1-1/rl-1/checkpoints/step-000020', 'r1-1/rl-1'],
  ])('%s, inside the folder of the runs and as a path', (_, name, run) => {
    for (const path of ['zero-1', 'r1-1', 'r1-1/rl-1']) finished(path)
    for (const path of ['zero-1', 'r1-1/rl-1'])
      for (const folder of ['model', 'checkpoints/step-000020'])
        mkdirSync(join(root, path, folder), { recursive: true })
    const found = join(root, run)
    expect(findRun(name, root)).toBe(found)
    expect(findRun(join(root, name))).toBe(found)
    expect(findRun(`${relative('.', join(root, name))}/`)).toBe(found)
  })

  test('an unknown name is an error with the similar ones', () => {
    finished('zero-1')
    mkdirSync(join(root, 'data'))
    expect(() => findRun('zero-9', root)).toThrow(/there is no run zero-9.*similar names in .*: zero-1$/)
    expect(() => findRun(join(root, 'data'), root)).toThrow('is not a run (it has no run.sqlite)')
  })
})

describe('the status', () => {
  test('a run is running while a process writes it, and stopped once that process has gone', () => {
    const store = create('a')
    store.record(7, { metrics: { loss: 1 } })
    expect(store.info().status).toBe('running')
    expect(readInfo(store.directory)).toMatchObject({ status: 'running', step: 7 })
    store.close()
    expect(readInfo(store.directory)).toMatchObject({ status: 'stopped', step: 7 })
    RunStore.open(store.directory, { write: true }).close()
    expect(readInfo(store.directory).status).toBe('stopped')
  })

  test.each(['interrupted', 'failed', 'done'] as const)('a run that ended itself is %s', (status) => {
    const store = create('a')
    store.setStatus(status)
    store.close()
    expect(readInfo(store.directory).status).toBe(status)
  })

  test('a run of several stages is in the stage that is not done', () => {
    const outer = create('r1-1', 'r1')
    finished('r1-1/zero')
    const inner = create('r1-1/rl-1')
    inner.record(12, { metrics: { loss: 1 } })
    expect(currentStage(outer.info())).toMatchObject({
      directory: inner.directory,
      status: 'running',
      step: 12,
    })
    inner.close()
    outer.close()
    const [listed] = listRuns(root, () => {})
    expect(listed!.status).toBe('stopped')
    expect(currentStage(listed!)).toMatchObject({ status: 'stopped', step: 12 })
    expect(currentStage(readInfo(finished('zero-1')))).toBeNull()
  })
})

test('a note is kept, replaced and removed, also of a run in progress', () => {
  const store = create('a')
  expect(store.info().note).toBeNull()
  setNote(store.directory, 'a first try\n')
  expect(store.info().note).toBe('a first try')
  setNote(store.directory, 'better')
  store.close()
  expect(readInfo(store.directory).note).toBe('better')
  setNote(store.directory, ' ')
  expect(readInfo(store.directory).note).toBeNull()
  expect(() => setNote(join(root, 'none'), 'x')).toThrow('no run at')
})

/** Root may write everywhere; this user may not. */
const other = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : null
const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const canRead =
  process.platform !== 'win32' && spawnSync(process.execPath, [cli, '--version'], { ...other }).status === 0

describe.skipIf(!canRead)('a run that may only be read (needs a package that other users may read)', () => {
  /** What `ruminate runs` prints for a user who may only read. */
  const listed = (folder: string) => {
    const run = join(folder, 'a')
    if (!other) chmodSync(run, 0o555)
    try {
      const { stdout, stderr } = spawnSync(process.execPath, [cli, 'runs', '--dir', folder, '--json'], {
        encoding: 'utf8',
        ...other,
      })
      return {
        runs: stdout
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line))
          .filter(({ type }) => type === 'run'),
        stderr,
      }
    } finally {
      if (!other) chmodSync(run, 0o755)
    }
  }
  const inside = (status: string) => ({ runs: [expect.objectContaining({ status, step: 3 })], stderr: '' })

  test('one that is done', () => {
    finished('a')
    expect(listed(root)).toEqual(inside('done'))
  })

  test('one that another user is writing, and one that was killed', () => {
    const store = create('a')
    store.record(3, { metrics: { loss: 1 } })
    expect(listed(root)).toEqual(inside('running'))
    const killed = join(root, 'killed')
    cpSync(store.directory, join(killed, 'a'), { recursive: true })
    rmSync(join(killed, 'a', 'run.sqlite-shm'))
    expect(listed(killed)).toEqual(inside('stopped'))
    store.close()
  })

  test('one that may not be read is an error, and the others are listed', () => {
    finished('a')
    writeFileSync(join(root, 'a', 'run.sqlite'), '')
    expect(listed(root)).toMatchObject({
      runs: [],
      stderr: expect.stringContaining('version 0 of the run'),
    })
    chmodSync(join(root, 'a', 'run.sqlite'), 0)
    expect(listed(root)).toMatchObject({ runs: [], stderr: expect.stringContaining('permission denied') })
  })
})
