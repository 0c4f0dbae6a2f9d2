import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { UserError } from '../common/errors.ts'
import { keepConversions } from '../common/files/conversions.ts'
import { diskError, onDisk } from '../common/files/disk.ts'
import { makeFolder, removeTemporaryFolders, writeFolderAtomically } from '../common/files/files.ts'
import { versions } from '../common/files/package.ts'
import { pathFromHere } from '../common/files/paths.ts'
import { shellWord } from '../common/shell.ts'
import { inTransaction, type SqliteDatabase } from '../common/sqlite.ts'
import { createDatabase, isLocked, lockRun, openDatabase } from './database.ts'
import { observersOf, type RunObserver } from './observe.ts'
import type { Checkpoint, MetricPoint, RolloutRow, RunEvent, RunInfo, RunStatus, StepRecord } from './rows.ts'
import { fromRow, toParameters } from './rows.ts'

/**
 * One run on disk: `run.sqlite` (settings, metrics, every rollout), `checkpoints/step-000120/` (a Hugging Face
 * directory with the optimizer's state) and, at the end, `model/`.
 */
export class RunStore {
  readonly directory: string
  #database: SqliteDatabase
  #lock: SqliteDatabase | null
  #open = true
  #session: { readonly id: number; readonly before: number; readonly started: number } | null = null
  readonly #observers: readonly RunObserver[]

  private constructor(directory: string, database: SqliteDatabase, lock: SqliteDatabase | null) {
    this.directory = directory
    this.#database = database
    this.#lock = lock
    this.#observers = lock === null ? [] : observersOf(this)
  }

  /**
   * Creates a run: in `out` if given, else in the next free `<root>/<recipe>-<n>`.
   *
   * @throws UserError if the folder holds a run or anything else, or the disk fails.
   */
  static create(options: {
    recipe: string
    seed: number
    settings: unknown
    out?: string
    root?: string
    /** `weightsHash` of the model that the run trains, if there is one. */
    modelHash?: string
  }): RunStore {
    const directory = resolve(options.out ?? makeNextFree(options.root ?? 'runs', options.recipe))
    checkFree(directory)
    onDisk('create', directory, () => makeFolder(directory))
    keepConversions(options.settings)
    const lock = lockRun(lockFile(directory))
    try {
      const database = createDatabase(databaseFile(directory), [
        options.recipe,
        options.seed,
        JSON.stringify(options.settings),
        JSON.stringify(versions()),
        'running',
        creationTime(directory),
      ])
      if (options.modelHash !== undefined)
        database.prepare('INSERT INTO model VALUES (?)').run(options.modelHash)
      const checkpoints = join(directory, 'checkpoints')
      onDisk('create', checkpoints, () => makeFolder(checkpoints))
      return new RunStore(directory, database, lock)
    } catch (error) {
      lock.close()
      throw error
    }
  }

  /**
   * Opens an existing run; `write` takes the lock that keeps other writers out.
   *
   * @throws UserError if it is not a run, another process writes it, or the disk fails.
   */
  static open(
    directory: string,
    {
      write = false,
      wait,
    }: {
      write?: boolean /** Milliseconds to wait for a process that keeps the file locked. */
      wait?: number
    } = {},
  ): RunStore {
    const path = resolve(directory)
    if (!isRun(path))
      throw new UserError(`${directory} is not a run (it has no run.sqlite); \`ruminate runs\` lists them`)
    const lock = write ? lockRun(lockFile(path)) : null
    try {
      const checkpoints = join(path, 'checkpoints')
      if (write)
        for (const folder of [path, checkpoints])
          if (existsSync(folder)) onDisk('write', folder, () => removeTemporaryFolders(folder))
      return new RunStore(
        path,
        openDatabase(databaseFile(path), { write, ...(wait === undefined ? {} : { wait }) }),
        lock,
      )
    } catch (error) {
      lock?.close()
      throw error
    }
  }

  /** The rows that a query of the tables in `database.ts` finds. @throws UserError if the file cannot be read. */
  select<Row>(sql: string, ...values: readonly (string | number)[]): Row[] {
    return this.#read(sql, ...values) as Row[]
  }

  /** The run's settings, status, note and last step. */
  info(): RunInfo {
    const [row] = this.#read('SELECT * FROM run') as [Record<string, string | number | null>]
    const stored = row.status as RunStatus
    const isWritten = stored !== 'running' || this.#lock !== null || isInProgress(this.directory)
    const [{ step }] = this.#read('SELECT max(step) AS step FROM metrics') as [{ step: number | null }]
    return {
      directory: this.directory,
      recipe: String(row.recipe),
      seed: Number(row.seed),
      status: isWritten ? stored : 'stopped',
      created: String(row.created),
      settings: JSON.parse(String(row.settings)),
      versions: JSON.parse(String(row.versions)),
      result: row.result === null ? null : JSON.parse(String(row.result)),
      step: step ?? 0,
      note: this.#note(),
      tags: this.#tags(),
    }
  }

  #note(): string | null {
    return this.#single('notes', 'text')
  }

  #tags(): string[] {
    if (!this.#hasTable('tags')) return []
    const rows = this.#read('SELECT name FROM tags ORDER BY name') as { name: string }[]
    return rows.map(({ name }) => name)
  }

  /** `weightsHash` of the model that the run trains, as it began; null if it trains none, or an earlier release began it. */
  modelHash(): string | null {
    return this.#single('model', 'sha256')
  }

  /** A text in a table of at most one row, which databases of earlier releases may not have. */
  #single(table: string, column: string): string | null {
    if (!this.#hasTable(table)) return null
    const [row] = this.#read(`SELECT ${column} FROM ${table}`) as Record<string, string>[]
    return row?.[column] ?? null
  }

  #hasTable(name: string): boolean {
    return this.#read('SELECT 1 FROM sqlite_master WHERE name = ?', name).length > 0
  }

  /** Sets the status. Why an earlier session failed is forgotten. */
  setStatus(status: RunStatus): void {
    this.#write(() =>
      inTransaction(this.#database, () => {
        this.#storeSeconds()
        this.#database.prepare('UPDATE run SET status = ?').run(status)
        this.#database.prepare("DELETE FROM events WHERE level = 'error'").run()
      }),
    )
  }

  /**
   * Sets the status of a run that ended with an error, which becomes an event. That error is the one to report, so a disk failure
   * here is ignored.
   */
  fail(error: unknown): void {
    const message = (error instanceof Error ? error.message : String(error)).split('\n')[0]!
    try {
      this.setStatus('failed')
      this.record(this.info().step, { events: [{ level: 'error', message }] })
    } catch (error) {
      if (!(error instanceof UserError)) throw error
    }
  }

  /** Sets the status of a completed run, with its result. */
  finish(result: unknown): void {
    this.#write(() =>
      this.#database.prepare("UPDATE run SET status = 'done', result = ?").run(JSON.stringify(result)),
    )
  }

  /** Starts to count the time of this session, in which the run is begun or resumed. */
  startSession(): void {
    const before = this.#storedSeconds()
    this.#write(() => {
      const { lastInsertRowid } = this.#database.prepare('INSERT INTO sessions VALUES (0)').run()
      this.#session = { id: Number(lastInsertRowid), before, started: performance.now() }
    })
  }

  /** Seconds of all sessions. Those that ended without a change of status count up to their last checkpoint. */
  seconds(): number {
    this.#write(() => this.#storeSeconds())
    return this.#storedSeconds()
  }

  /** As `seconds`, up to now, without asking the disk; null before a session has started. */
  elapsed(): number | null {
    return this.#session && this.#session.before + secondsSince(this.#session.started)
  }

  #storedSeconds(): number {
    return (this.#read('SELECT total(seconds) AS total FROM sessions') as [{ total: number }])[0].total
  }

  #storeSeconds(): void {
    if (!this.#session) return
    const { id, started } = this.#session
    this.#database.prepare('UPDATE sessions SET seconds = ? WHERE rowid = ?').run(secondsSince(started), id)
  }

  /** Stores everything that one step produced, in one transaction. A metric that is NaN is unknown and gets no row. */
  record(step: number, { metrics = {}, rollouts = [], events = [] }: StepRecord): void {
    const metric = this.#database.prepare('INSERT OR REPLACE INTO metrics VALUES (?, ?, ?)')
    const event = this.#database.prepare('INSERT INTO events VALUES (?, ?, ?)')
    const question = this.#database.prepare('INSERT OR IGNORE INTO questions (text) VALUES (?)')
    const rollout = this.#database.prepare(
      `INSERT INTO rollouts (step, split, question, kind, gold, prompt, tokens, text, thinking, answer, logprobs,
       rewards, correct, total, advantage, stop_reason, length, reason, reasons, entropies, asked)
       VALUES (${Array(20).fill('?').join(', ')}, (SELECT id FROM questions WHERE text = ?))`,
    )
    this.#write(() =>
      inTransaction(this.#database, () => {
        for (const [name, value] of Object.entries(metrics))
          if (!Number.isNaN(value)) metric.run(step, name, value)
        for (const row of rollouts) {
          if (row.asked !== undefined) question.run(row.asked)
          rollout.run(...toParameters(step, row))
        }
        for (const { level, message } of events) event.run(step, level, message)
      }),
    )
    for (const observer of this.#observers) observer.recorded(step, metrics)
  }

  /** The values of a metric, ordered by step. */
  metric(name: string): MetricPoint[] {
    return this.#read('SELECT step, value FROM metrics WHERE name = ? ORDER BY step', name) as MetricPoint[]
  }

  /** Names of all metrics, in alphabetical order. */
  metricNames(): string[] {
    return this.#distinct('metrics', 'name')
  }

  /** All metrics of one step. */
  metricsAt(step: number): Record<string, number> {
    const rows = this.#read('SELECT name, value FROM metrics WHERE step = ?', step)
    return Object.fromEntries((rows as { name: string; value: number }[]).map((r) => [r.name, r.value]))
  }

  /** Rollouts that match the filter, newest first; at most `limit`. */
  rollouts(filter: { split?: string; step?: number; question?: string; limit?: number } = {}): RolloutRow[] {
    const where: string[] = []
    const values: (string | number)[] = []
    for (const column of ['split', 'step', 'question'] as const) {
      if (filter[column] === undefined) continue
      where.push(`${column} = ?`)
      values.push(filter[column])
    }
    const condition = where.length ? `WHERE ${where.join(' AND ')}` : ''
    const limit = filter.limit === undefined ? '' : `LIMIT ${Math.trunc(filter.limit)}`
    const rows = this.#read(
      `SELECT * FROM rollouts ${condition} ORDER BY id DESC ${limit}`,
      ...values,
    ) as Record<string, unknown>[]
    const questions = this.#questions(rows)
    return rows.map((row) => fromRow(row, questions.get(row.asked as number)))
  }

  /** The texts of the questions of some rollouts, by the ids that these have. */
  #questions(rows: readonly Record<string, unknown>[]): Map<number, string> {
    const ids = new Set(rows.map(({ asked }) => asked).filter((id) => typeof id === 'number'))
    if (ids.size === 0) return new Map()
    const found = this.#read(`SELECT id, text FROM questions WHERE id IN (${[...ids].join(', ')})`)
    return new Map((found as { id: number; text: string }[]).map(({ id, text }) => [id, text]))
  }

  /**
   * The share of right responses to each question at each step, of the responses of a split that could be checked; in the order
   * in which they were recorded.
   */
  shares(split: string): { step: number; question: string; share: number }[] {
    return this.#read(
      `SELECT step, question, avg(correct) AS share FROM rollouts
       WHERE split = ? AND correct IS NOT NULL GROUP BY step, question ORDER BY min(id)`,
      split,
    ) as { step: number; question: string; share: number }[]
  }

  /** Names of all splits of the rollouts, in the order in which they were recorded. */
  splits(): string[] {
    const first = (split: string): number =>
      this.select<{ id: number }>('SELECT min(id) AS id FROM rollouts WHERE split = ?', split)[0]!.id
    return this.#distinct('rollouts', 'split').sort((a, b) => first(a) - first(b))
  }

  /** The values of an indexed column, in alphabetical order. Each is looked up in the index, which is not read as a whole. */
  #distinct(table: string, column: string): string[] {
    const rows = this.select<{ value: string }>(
      `WITH RECURSIVE found(value) AS (
         SELECT min(${column}) FROM ${table}
         UNION ALL SELECT (SELECT min(${column}) FROM ${table} WHERE ${column} > found.value) FROM found WHERE found.value IS NOT NULL
       ) SELECT value FROM found WHERE value IS NOT NULL`,
    )
    return rows.map(({ value }) => value)
  }

  /** Events, ordered by step. */
  events(): RunEvent[] {
    return this.#read('SELECT step, level, message FROM events ORDER BY step, rowid') as RunEvent[]
  }

  /** Checkpoints that exist, ordered by step; paths are absolute. */
  checkpoints(): Checkpoint[] {
    const rows = this.#read('SELECT step, path, score FROM checkpoints ORDER BY step') as Checkpoint[]
    return rows
      .map((row) => ({ ...row, path: join(this.directory, row.path) }))
      .filter(({ path }) => existsSync(path))
  }

  /**
   * Writes `checkpoints/step-…` atomically, then deletes all but the last two and the one with the best score; with the
   * setting `keepCheckpoints: all`, only those that were written between the steps at which checkpoints are due.
   */
  async checkpoint(
    step: number,
    score: number | null,
    write: (directory: string) => Promise<void>,
  ): Promise<void> {
    const path = `checkpoints/step-${String(step).padStart(6, '0')}`
    await this.#fill(join(this.directory, path), write)
    this.#write(() => {
      this.#storeSeconds()
      this.#database.prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)').run(step, path, score)
    })
    const all = this.checkpoints()
    const best = all.reduce<Checkpoint | null>(
      (b, c) => (c.score !== null && c.score > (b?.score ?? -Infinity) ? c : b),
      null,
    )
    const due = this.#keptSteps()
    for (const old of all.slice(0, -2))
      if (old.step !== best?.step && (due === null || old.step % due !== 0)) this.#delete(old)
  }

  /** Checkpoints at multiples of this number of steps are kept for good; null: none are. */
  #keptSteps(): number | null {
    const [{ settings }] = this.#read('SELECT settings FROM run') as [{ settings: string }]
    const { keepCheckpoints, checkpointEvery } = JSON.parse(settings)
    return keepCheckpoints === 'all' ? checkpointEvery : null
  }

  /** Writes the trained model to `model/`, atomically. Resolves to its path. */
  async writeModel(write: (directory: string) => Promise<void>): Promise<string> {
    const path = modelOf(this.directory)
    await this.#fill(path, write)
    return path
  }

  /** Deletes everything after `step`, so that those steps can be run again. */
  truncateAfter(step: number): void {
    for (const later of this.checkpoints().filter((c) => c.step > step)) this.#delete(later)
    this.#write(() =>
      inTransaction(this.#database, () => {
        for (const table of ['metrics', 'rollouts', 'events', 'checkpoints'])
          this.#database.prepare(`DELETE FROM ${table} WHERE step > ?`).run(step)
      }),
    )
    for (const observer of this.#observers) observer.truncated(step)
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#database.close()
    this.#lock?.close()
  }

  #delete({ step, path }: Checkpoint): void {
    this.#write(() => this.#database.prepare('DELETE FROM checkpoints WHERE step = ?').run(step))
    onDisk('write', path, () => rmSync(path, { recursive: true, force: true }))
  }

  #read(sql: string, ...values: readonly (string | number)[]): unknown[] {
    return onDisk('read', databaseFile(this.directory), () => this.#database.prepare(sql).all(...values))
  }

  #write(work: () => unknown): void {
    try {
      work()
    } catch (error) {
      throw this.#withAdvice(diskError(error, 'write', databaseFile(this.directory)))
    }
  }

  async #fill(directory: string, write: (temporary: string) => Promise<void>): Promise<void> {
    try {
      await writeFolderAtomically(directory, write)
    } catch (error) {
      throw this.#withAdvice(error)
    }
  }

  /** Adds to a disk error how to continue the run. */
  #withAdvice(error: unknown): unknown {
    if (!(error instanceof UserError)) return error
    return new UserError(
      `${error.message}. \`ruminate resume ${shellWord(this.directory)}\` then continues from the last checkpoint`,
    )
  }
}

/**
 * Reads from a run, and closes it.
 *
 * @throws UserError if it is not a run, or cannot be read.
 */
export function readRun<T>(directory: string, read: (store: RunStore) => T): T {
  const store = RunStore.open(directory)
  try {
    return read(store)
  } finally {
    store.close()
  }
}

/** A run's own record. @throws UserError if it is not a run, or cannot be read. */
export const readInfo = (directory: string): RunInfo => readRun(directory, (store) => store.info())

/** The folder of the model that a run has trained. */
export const modelOf = (directory: string): string => join(directory, 'model')

/** Is this folder a run? @throws UserError if it cannot be looked into. */
export function isRun(directory: string): boolean {
  const file = databaseFile(directory)
  try {
    return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return false
    throw diskError(error, 'read', file)
  }
}

/** Is a process writing this run? */
export const isInProgress = (directory: string): boolean => isLocked(lockFile(directory))

/**
 * Sets the note of a run, also of one in progress; an empty text removes it.
 *
 * @throws UserError if it is not a run, or may not be written to.
 */
export function setNote(directory: string, text: string): void {
  change(directory, (database) => {
    database.prepare('DELETE FROM notes').run()
    if (text.trim() !== '') database.prepare('INSERT INTO notes VALUES (?)').run(text.trim())
  })
}

/** Characters of a tag, and tags of a run, at most. */
const [TAG_LENGTH, TAGS] = [40, 20]

/**
 * Sets the tags of a run, also of one in progress, in the place of those that it has. Spaces around tags, and tags that are
 * empty, do not count. Returns the tags.
 *
 * @throws UserError for tags that are too long or too many; if it is not a run, or may not be written to.
 */
export function setTags(directory: string, tags: readonly string[]): string[] {
  const names = [...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== ''))].sort()
  const wrong = names.find((name) => name.length > TAG_LENGTH || /[,\p{Cc}]/u.test(name))
  if (wrong !== undefined)
    throw new UserError(
      `${JSON.stringify(wrong.slice(0, 2 * TAG_LENGTH))} is not a tag; a tag has at most ${TAG_LENGTH} characters, no comma and no line break`,
      2,
    )
  if (names.length > TAGS)
    throw new UserError(`${names.length} tags are too many; a run has at most ${TAGS}`, 2)
  change(directory, (database) => {
    database.prepare('DELETE FROM tags').run()
    for (const name of names) database.prepare('INSERT INTO tags VALUES (?)').run(name)
  })
  return names
}

/** Sets the folder of the model in the settings of a run. @throws UserError if it is not a run, or may not be written to. */
export function setModel(directory: string, model: string): void {
  const settings = { ...(readInfo(directory).settings as object), model }
  keepConversions(model)
  change(directory, (database) =>
    database.prepare('UPDATE run SET settings = ?').run(JSON.stringify(settings)),
  )
}

/** Changes a run in one transaction. */
function change(directory: string, work: (database: SqliteDatabase) => unknown): void {
  const file = databaseFile(directory)
  const database = openDatabase(file, { write: true })
  try {
    onDisk('write', file, () => inTransaction(database, () => work(database)))
  } finally {
    database.close()
  }
}

const secondsSince = (started: number): number => (performance.now() - started) / 1000

const databaseFile = (directory: string): string => join(directory, 'run.sqlite')
const lockFile = (directory: string): string => join(directory, '.lock')

/**
 * Now or, of a stage of a run where the clock was set back, the time of the newest stage: stages are in the order of their
 * times. ISO 8601.
 */
function creationTime(directory: string): string {
  const parent = dirname(directory)
  const siblings = isRun(parent) ? readdirSync(parent).map((name) => join(parent, name)) : []
  const times = siblings.filter((path) => path !== directory && isRun(path)).map((path) => createdIn(path))
  const newest = times.reduce((a, b) => Math.max(a, b), 0)
  return new Date(Math.max(Date.now(), newest + 1)).toISOString()
}

/** When a run was created; 0 if that cannot be read. */
function createdIn(directory: string): number {
  try {
    return Date.parse(readInfo(directory).created)
  } catch (error) {
    if (error instanceof UserError) return 0
    throw error
  }
}

/** Makes the folder of the next free number. Making a folder fails where it exists, so processes never share one. */
function makeNextFree(root: string, recipe: string): string {
  return onDisk('create', root, () => {
    makeFolder(root)
    for (let n = 1; ; n++) {
      const directory = join(root, `${recipe}-${n}`)
      if (existsSync(directory)) continue
      try {
        mkdirSync(directory)
        return directory
      } catch (error) {
        if (!existsSync(directory)) throw error
      }
    }
  })
}

/** @throws UserError if there is something in the folder; names that begin with a dot do not count. */
function checkFree(directory: string): void {
  if (!existsSync(directory)) return
  const path = pathFromHere(directory)
  if (isRun(directory))
    throw new UserError(
      `${path} already holds a run; choose another folder, or continue it with \`ruminate resume ${shellWord(path)}\``,
    )
  const names = onDisk('read', directory, () => readdirSync(directory))
  if (names.some((name) => !name.startsWith('.')))
    throw new UserError(`${path} is not empty and holds no run; choose a new or an empty folder`)
}
