import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { UserError } from '../common/errors.ts'
import { findRun, listRuns } from './find-run.ts'
import type { RolloutRow } from './rows.ts'
import { RunStore, readInfo, setTags } from './store.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ruminate-store-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const create = (out = join(root, 'zero-1')): RunStore =>
  RunStore.create({ recipe: 'zero', seed: 7, settings: { steps: 3 }, out })

const rollout = (question: string, split = 'train'): Omit<RolloutRow, 'step'> => ({
  split,
  question,
  kind: 'arithmetic/2',
  gold: '71',
  prompt: 'User: 60 + 11. Assistant:',
  tokens: Int32Array.of(3, 70000, 1),
  text: '<think>等 wait</think>',
  thinking: '等 wait',
  answer: null,
  logprobs: Float32Array.of(-0.5, -1.25, 0),
  rewards: { accuracy: 0, language: null },
  correct: false,
  total: 0.1,
  advantage: null,
  stopReason: 'length',
  length: 3,
})

const write = (text: string) => async (directory: string) => {
  writeFileSync(join(directory, 'weights'), text)
}

describe('RunStore', () => {
  test('reads back what was stored', () => {
    const store = create()
    store.record(1, {
      metrics: { accuracy: 0.25, kl: Number.NaN },
      rollouts: [rollout('q1'), rollout('q2', 'eval-before')],
      events: [{ level: 'warning', message: 'flat' }],
    })
    store.close()
    const again = RunStore.open(join(root, 'zero-1'))
    expect(again.metric('accuracy')).toEqual([{ step: 1, value: 0.25 }])
    expect(again.metricNames()).toEqual(['accuracy'])
    expect(again.rollouts({ split: 'train' })).toEqual([{ step: 1, ...rollout('q1') }])
    expect(again.rollouts({ question: 'q2' })).toEqual([{ step: 1, ...rollout('q2', 'eval-before') }])
    expect(again.events()).toEqual([{ step: 1, level: 'warning', message: 'flat' }])
    expect(again.info()).toMatchObject({
      recipe: 'zero',
      seed: 7,
      status: 'stopped',
      settings: { steps: 3 },
      result: null,
      step: 1,
    })
    again.close()
  })

  test('reads back questions and the reasons of rewards and checks', () => {
    const store = create()
    const reasoned = {
      ...rollout('q1'),
      asked: 'What is 60 + 11?',
      reason: '12 is not 71',
      reasons: { accuracy: '12 is not 71' },
      entropies: Float32Array.of(0.5, Number.NaN, 12.25),
    }
    store.record(1, { rollouts: [reasoned, reasoned] })
    expect(store.rollouts({ limit: 1 })).toEqual([{ step: 1, ...reasoned }])
    expect(store.select('SELECT text FROM questions')).toEqual([{ text: 'What is 60 + 11?' }])
    store.close()
  })

  test('a run of an earlier release, without reasons and tags, is read, resumed and tagged', () => {
    const directory = join(root, 'zero-1')
    const store = create()
    store.record(1, { rollouts: [rollout('q1')] })
    store.close()
    const old = new Database(join(directory, 'run.sqlite'))
    old.exec(
      `DROP TABLE tags; DROP TABLE questions; DROP INDEX rollouts_facts;
       ${['reason', 'reasons', 'entropies', 'asked'].map((name) => `ALTER TABLE rollouts DROP COLUMN ${name};`).join('')}`,
    )
    old.close()
    const read = RunStore.open(directory)
    expect(read.rollouts()).toEqual([{ step: 1, ...rollout('q1') }])
    expect(read.info().tags).toEqual([])
    const resumed = RunStore.open(directory, { write: true })
    const reasoned = {
      ...rollout('q2'),
      asked: 'Why?',
      reason: 'the same text',
      reasons: { accuracy: 'the same text' },
    }
    resumed.record(2, { rollouts: [reasoned] })
    resumed.close()
    expect(setTags(directory, ['old'])).toEqual(['old'])
    // the connection that was open before sees the new columns, too
    expect(read.rollouts()).toEqual([
      { step: 2, ...reasoned },
      { step: 1, ...rollout('q1') },
    ])
    expect(read.info().tags).toEqual(['old'])
    read.close()
  })

  test('a stage that begins after the clock was set back is still later than those before it', () => {
    RunStore.create({ recipe: 'r1', seed: 0, settings: {}, out: join(root, 'r1-1') }).close()
    const created = ['b', 'a'].map((name, i) => {
      vi.setSystemTime(new Date(`203${5 - i}-01-01`))
      const stage = RunStore.create({ recipe: 'zero', seed: 0, settings: {}, out: join(root, 'r1-1', name) })
      stage.close()
      return stage.directory
    })
    vi.useRealTimers()
    const times = created.map((directory) => readInfo(directory).created)
    expect(times).toEqual(['2035-01-01T00:00:00.000Z', '2035-01-01T00:00:00.001Z'])
  })

  test('a step is recorded completely or not at all', () => {
    const store = create()
    const bad = { ...rollout('q1'), kind: null as unknown as string }
    expect(() => store.record(1, { metrics: { accuracy: 1 }, rollouts: [rollout('q0'), bad] })).toThrow()
    expect(store.metric('accuracy')).toEqual([])
    expect(store.rollouts()).toEqual([])
    store.close()
  })

  test('keeps the last two checkpoints and the best', async () => {
    const store = create()
    for (const [step, score] of [
      [20, 0.1],
      [40, 0.9],
      [60, 0.5],
      [80, null],
      [100, 0.6],
    ] as const)
      await store.checkpoint(step, score, write(String(step)))
    expect(store.checkpoints().map(({ step }) => step)).toEqual([40, 80, 100])
    expect(readdirSync(join(root, 'zero-1', 'checkpoints')).sort()).toEqual([
      'step-000040',
      'step-000080',
      'step-000100',
    ])
    store.close()
  })

  test('keeps all checkpoints that were due, with the setting keepCheckpoints', async () => {
    const settings = { keepCheckpoints: 'all', checkpointEvery: 20 }
    const store = RunStore.create({ recipe: 'zero', seed: 0, settings, root })
    // 33 and 47: after a time, or an interrupt
    for (const step of [20, 33, 40, 47, 60, 80, 100]) await store.checkpoint(step, null, write(String(step)))
    expect(store.checkpoints().map(({ step }) => step)).toEqual([20, 40, 60, 80, 100])
    store.close()
  })

  test('a checkpoint that could not be written leaves nothing', async () => {
    const store = create()
    await expect(
      store.checkpoint(20, null, async (directory) => {
        writeFileSync(join(directory, 'weights'), 'half')
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
      }),
    ).rejects.toThrow(/the disk is full; make space\. `ruminate resume \S+zero-1` then continues/)
    expect(readdirSync(join(root, 'zero-1', 'checkpoints'))).toEqual([])
    expect(store.checkpoints()).toEqual([])
    store.close()
  })

  test('truncateAfter deletes later steps and their checkpoints', async () => {
    const store = create()
    for (const step of [0, 1, 2, 3])
      store.record(step, {
        metrics: { loss: step },
        rollouts: [rollout(`q${step}`)],
        events: [{ level: 'info', message: 'x' }],
      })
    await store.checkpoint(1, null, write('1'))
    await store.checkpoint(3, null, write('3'))
    store.truncateAfter(1)
    expect(store.metric('loss').map(({ step }) => step)).toEqual([0, 1])
    expect(store.rollouts().map(({ step }) => step)).toEqual([1, 0])
    expect(store.events().map(({ step }) => step)).toEqual([0, 1])
    expect(store.checkpoints().map(({ step }) => step)).toEqual([1])
    expect(existsSync(join(root, 'zero-1', 'checkpoints', 'step-000003'))).toBe(false)
    store.close()
  })

  test('one writer at a time, readers at any time', () => {
    const store = create()
    expect(() => RunStore.open(store.directory, { write: true })).toThrow(/another process is writing/)
    RunStore.open(store.directory).close()
    store.close()
    RunStore.open(store.directory, { write: true }).close()
  })

  test('the remains of an interrupted checkpoint are removed', () => {
    const store = create()
    store.close()
    mkdirSync(join(store.directory, 'checkpoints', '.tmp-1-1'))
    RunStore.open(store.directory, { write: true }).close()
    expect(readdirSync(join(store.directory, 'checkpoints'))).toEqual([])
  })

  test('the remains of an interrupted copy of a model are removed', () => {
    const store = create()
    store.close()
    mkdirSync(join(store.directory, '.tmp-1-1'))
    mkdirSync(join(store.directory, 'base'))
    RunStore.open(store.directory, { write: true }).close()
    const folders = readdirSync(store.directory, { withFileTypes: true }).filter((file) => file.isDirectory())
    expect(folders.map(({ name }) => name).sort()).toEqual(['base', 'checkpoints'])
  })

  test('uses the next free folder; lists runs and reports broken ones', () => {
    for (let i = 0; i < 2; i++) RunStore.create({ recipe: 'zero', seed: i, settings: {}, root }).close()
    mkdirSync(join(root, 'zero-3'))
    writeFileSync(join(root, 'zero-3', 'run.sqlite'), 'this is not a database, it is text of some length')
    const broken: string[] = []
    expect(listRuns(root, (message) => broken.push(message)).map(({ seed }) => seed)).toEqual([0, 1])
    expect(broken).toHaveLength(1)
  })
})

describe('what a step reads costs the same however many steps there are', () => {
  /** The query plans of what `work` reads. */
  const plansOf = (store: RunStore, work: (store: RunStore) => unknown): string[] => {
    const prepare = vi.spyOn(Database.prototype, 'prepare')
    work(store)
    const queries = prepare.mock.calls
      .map(([sql]) => sql)
      .filter((sql) => /FROM (metrics|rollouts)/.test(sql))
    prepare.mockRestore()
    expect(queries.length).toBeGreaterThan(0)
    const database = new Database(join(store.directory, 'run.sqlite'))
    const rows = queries.flatMap((sql) =>
      database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...Array(sql.split('?').length - 1).fill(1)),
    ) as { detail: string }[]
    database.close()
    return rows.map(({ detail }) => detail)
  }
  const reads: [string, (store: RunStore) => unknown, index: string][] = [
    ['info', (store) => store.info(), 'metrics_by_step'],
    ['metricsAt', (store) => store.metricsAt(3), 'metrics_by_step'],
    ['rollouts of a step', (store) => store.rollouts({ step: 3 }), 'rollouts_of_step'],
    [
      'rollouts of a split and a step',
      (store) => store.rollouts({ split: 'a', step: 3 }),
      'rollouts_by_step',
    ],
    ['newest rollouts of a split', (store) => store.rollouts({ split: 'a', limit: 3 }), 'rollouts_of_split'],
    [
      'rollouts of a question',
      (store) => store.rollouts({ split: 'a', question: 'q' }),
      'rollouts_by_question',
    ],
  ]
  const fill = () => {
    const store = create()
    for (let step = 0; step < 20; step++) store.record(step, { metrics: { loss: step, reward: -step } })
    return store
  }

  test.each(reads)('%s uses an index, which gives the order too', (_, read, index) => {
    const store = fill()
    const plans = plansOf(store, read)
    expect(plans).toEqual([
      expect.stringMatching(new RegExp(`^SEARCH \\w+ USING (COVERING )?INDEX ${index}`)),
    ])
    store.close()
  })

  test.each(reads.filter(([, , index]) => !/rollouts_by_/.test(index)))(
    '%s, in a run made before there was the index',
    (_, read, index) => {
      const store = fill()
      store.close()
      const database = new Database(join(store.directory, 'run.sqlite'))
      database.exec(`DROP INDEX ${index}`)
      database.close()
      const reader = RunStore.open(store.directory)
      expect(reader.info().step).toBe(19)
      expect(reader.metricsAt(3)).toEqual({ loss: 3, reward: -3 })
      expect(plansOf(reader, read).join()).not.toContain(index)
      reader.close()
      const writer = RunStore.open(store.directory, { write: true })
      expect(plansOf(writer, read).join()).toContain(`INDEX ${index}`)
      expect(writer.metricsAt(3)).toEqual({ loss: 3, reward: -3 })
      writer.close()
    },
  )
})

describe('findRun', () => {
  test('by path, or by name inside the folder of runs', () => {
    create().close()
    expect(findRun(join(root, 'zero-1'))).toBe(join(root, 'zero-1'))
    expect(findRun('zero-1', root)).toBe(join(root, 'zero-1'))
  })
  test('an unknown name is an error that lists the most similar ones', () => {
    for (const name of ['zero-1', 'zero-12', 'r1-1']) create(join(root, name)).close()
    mkdirSync(join(root, 'zero-2'))
    expect(() => findRun('zero-2', root)).toThrow(
      `there is no run zero-2, neither at that path nor in ${root}/; similar names in ${root}/: zero-1, zero-12, r1-1`,
    )
    expect(() => findRun(root, root)).toThrow(`${root} is not a run (it has no run.sqlite); similar names`)
    expect(() => findRun('zero-1', join(root, 'none'))).toThrow(/none\/ has no runs$/)
  })
})

describe('a failing disk is one line', () => {
  const cases: [string, () => unknown, RegExp][] = [
    [
      'a file is in the way',
      () => {
        writeFileSync(join(root, 'f'), '')
        create(join(root, 'f', 'run'))
      },
      /cannot create .*: a part of that path is a file/,
    ],
    [
      'the folder holds a run',
      () => {
        create().close()
        create()
      },
      /already holds a run/,
    ],
    [
      'the folder holds something else',
      () => {
        mkdirSync(join(root, 'mine'), { recursive: true })
        writeFileSync(join(root, 'mine', 'thesis.tex'), '')
        create(join(root, 'mine'))
      },
      /mine is not empty and holds no run; choose a new or an empty folder$/,
    ],
    [
      'a file instead of a folder',
      () => {
        writeFileSync(join(root, 'f'), '')
        create(join(root, 'f'))
      },
      /cannot read .*: a part of that path is a file/,
    ],
    ['no such run', () => RunStore.open(join(root, 'none')), /is not a run/],
  ]
  test.each(cases)('%s', (_, work, message) => {
    expect(work).toThrow(UserError)
    expect(work).toThrow(message)
  })

  test('a foreign folder is left as it is; dot files do not count', () => {
    const directory = join(root, 'dots')
    mkdirSync(directory)
    // what a process that was killed while it created the run leaves behind
    for (const name of ['.gitignore', '.lock', '.run.sqlite.new']) writeFileSync(join(directory, name), '')
    create(directory).close()
    expect(readdirSync(directory).sort()).toEqual(['.gitignore', '.lock', 'checkpoints', 'run.sqlite'])
    const foreign = join(root, 'foreign')
    mkdirSync(join(foreign, 'checkpoints'), { recursive: true })
    expect(() => create(foreign)).toThrow(/is not empty/)
    expect(readdirSync(foreign)).toEqual(['checkpoints'])
  })

  /** Lets SQLite refuse statements as it refuses them to a user who may not write the run's folder. */
  const readOnly = (statements: RegExp) => {
    const exec = Database.prototype.exec
    vi.spyOn(Database.prototype, 'exec').mockImplementation(function (this: Database.Database, sql) {
      if (!statements.test(sql)) return exec.call(this, sql)
      throw Object.assign(new Error('attempt to write a readonly database'), {
        code: 'UNKNOWN_SQLITE_ERROR_1544',
      })
    })
  }
  test.each([
    ['the lock', /BEGIN EXCLUSIVE/, /^cannot open \S+\.lock: the file may not be written to$/],
    ['the database', /PRAGMA user_version/, /^cannot open \S+run\.sqlite: the file may not be written to$/],
  ])('%s may not be written to', (_, statements, message) => {
    const store = create()
    store.close()
    const open = () => RunStore.open(store.directory, { write: true })
    readOnly(statements)
    expect(open).toThrow(UserError)
    expect(open).toThrow(message)
    vi.restoreAllMocks()
    // and no lock is left behind
    open().close()
  })

  test('a damaged page', () => {
    const store = create()
    store.close()
    const file = join(store.directory, 'run.sqlite')
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.fill(7, 4096 * 2))
    const damaged = RunStore.open(store.directory)
    expect(() => damaged.rollouts()).toThrow(UserError)
    expect(() => damaged.rollouts()).toThrow(/^cannot read \S+run\.sqlite: the file is damaged$/)
    damaged.close()
  })

  test.skipIf(process.getuid?.() === 0)('an unwritable folder', () => {
    chmodSync(root, 0o500)
    expect(() => create()).toThrow(/permission denied/)
    chmodSync(root, 0o700)
  })
})
