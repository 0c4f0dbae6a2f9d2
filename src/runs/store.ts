import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { UserError } from '../common/errors.ts'
import { versions } from '../common/package.ts'
import { shellWord } from '../common/shell.ts'
import { removeLeftovers, writeAtomically } from './checkpoint.ts'
import { createDatabase, lockRun, openDatabase, type SqliteDatabase } from './database.ts'
import { explainFailure, onDisk } from './failures.ts'
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

  private constructor(directory: string, database: SqliteDatabase, lock: SqliteDatabase | null) {
    this.directory = directory
    this.#database = database
    this.#lock = lock
  }

  /** A new run: in `out` if given, else in the next free `<root>/<recipe>-<n>`. */
  static create(options: {
    recipe: string
    seed: number
    settings: unknown
    out?: string
    root?: string
  }): RunStore {
    const directory = resolve(options.out ?? nextFree(options.root ?? 'runs', options.recipe))
    if (existsSync(join(directory, 'run.sqlite')))
      throw new UserError(
        `${directory} already holds a run; \`ruminate resume ${directory}\` goes on with it`,
      )
    onDisk('create', directory, () => makeFolder(join(directory, 'checkpoints')))
    const lock = lockRun(join(directory, '.lock'))
    const database = createDatabase(join(directory, 'run.sqlite'), [
      options.recipe,
      options.seed,
      JSON.stringify(options.settings),
      JSON.stringify(versions()),
      'running',
      new Date().toISOString(),
    ])
    return new RunStore(directory, database, lock)
  }

  /** An existing run; `write` takes the lock that keeps a second writer out. */
  static open(directory: string, { write = false } = {}): RunStore {
    const path = resolve(directory)
    const file = join(path, 'run.sqlite')
    if (!existsSync(file))
      throw new UserError(`${directory} is not a run (it has no run.sqlite); \`ruminate runs\` lists them`)
    const lock = write ? lockRun(join(path, '.lock')) : null
    const store = new RunStore(path, openDatabase(file), lock)
    if (write) removeLeftovers(join(path, 'checkpoints'))
    return store
  }

  info(): RunInfo {
    const row = this.#database.prepare('SELECT * FROM run').get() as Record<string, string | number | null>
    const { step } = this.#database.prepare('SELECT max(step) AS step FROM metrics').get() as {
      step: number | null
    }
    return {
      directory: this.directory,
      recipe: String(row.recipe),
      seed: Number(row.seed),
      status: row.status as RunStatus,
      created: String(row.created),
      settings: JSON.parse(String(row.settings)),
      versions: JSON.parse(String(row.versions)),
      result: row.result === null ? null : JSON.parse(String(row.result)),
      step: step ?? 0,
    }
  }

  setStatus(status: RunStatus): void {
    this.#write(() => this.#database.prepare('UPDATE run SET status = ?').run(status))
  }

  /** Marks a run that an error ended. The error itself is what gets reported, so a disk that fails again here is not. */
  fail(): void {
    try {
      this.setStatus('failed')
    } catch (error) {
      if (!(error instanceof UserError)) throw error
    }
  }

  /** The run is done, with this outcome. */
  finish(result: unknown): void {
    this.#write(() =>
      this.#database.prepare("UPDATE run SET status = 'done', result = ?").run(JSON.stringify(result)),
    )
  }

  /** Everything that one step produced, in one transaction. A metric that is NaN is unknown and gets no row. */
  record(step: number, { metrics = {}, rollouts = [], events = [] }: StepRecord): void {
    const metric = this.#database.prepare('INSERT OR REPLACE INTO metrics VALUES (?, ?, ?)')
    const event = this.#database.prepare('INSERT INTO events VALUES (?, ?, ?)')
    const rollout = this.#database.prepare(
      `INSERT INTO rollouts (step, split, question, kind, gold, prompt, tokens, text, thinking, answer, logprobs,
       rewards, correct, total, advantage, stop_reason, length) VALUES (${Array(17).fill('?').join(', ')})`,
    )
    this.#write(
      this.#database.transaction(() => {
        for (const [name, value] of Object.entries(metrics))
          if (!Number.isNaN(value)) metric.run(step, name, value)
        for (const row of rollouts) rollout.run(...toParameters(step, row))
        for (const { level, message } of events) event.run(step, level, message)
      }),
    )
  }

  /** A metric's values in the order of steps. */
  metric(name: string): MetricPoint[] {
    return this.#database
      .prepare('SELECT step, value FROM metrics WHERE name = ? ORDER BY step')
      .all(name) as MetricPoint[]
  }

  metricNames(): string[] {
    const rows = this.#database.prepare('SELECT DISTINCT name FROM metrics ORDER BY name').all() as {
      name: string
    }[]
    return rows.map(({ name }) => name)
  }

  /** All metrics of one step. */
  metricsAt(step: number): Record<string, number> {
    const rows = this.#database.prepare('SELECT name, value FROM metrics WHERE step = ?').all(step)
    return Object.fromEntries((rows as { name: string; value: number }[]).map((r) => [r.name, r.value]))
  }

  /** Rollouts, newest first. */
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
    const rows = this.#database
      .prepare(`SELECT * FROM rollouts ${condition} ORDER BY id DESC ${limit}`)
      .all(...values)
    return (rows as Record<string, unknown>[]).map(fromRow)
  }

  events(): RunEvent[] {
    return this.#database
      .prepare('SELECT step, level, message FROM events ORDER BY step, rowid')
      .all() as RunEvent[]
  }

  checkpoints(): Checkpoint[] {
    const rows = this.#database
      .prepare('SELECT step, path, score FROM checkpoints ORDER BY step')
      .all() as Checkpoint[]
    return rows
      .map((row) => ({ ...row, path: join(this.directory, row.path) }))
      .filter(({ path }) => existsSync(path))
  }

  /** Writes `checkpoints/step-…` whole or not at all, then drops all but the last two and the one with the best score. */
  async checkpoint(
    step: number,
    score: number | null,
    write: (directory: string) => Promise<void>,
  ): Promise<void> {
    const path = `checkpoints/step-${String(step).padStart(6, '0')}`
    await this.#fill(join(this.directory, path), write)
    this.#write(() =>
      this.#database.prepare('INSERT OR REPLACE INTO checkpoints VALUES (?, ?, ?)').run(step, path, score),
    )
    const all = this.checkpoints()
    const best = all.reduce<Checkpoint | null>(
      (b, c) => (c.score !== null && c.score > (b?.score ?? -Infinity) ? c : b),
      null,
    )
    for (const old of all.slice(0, -2)) if (old.step !== best?.step) this.#drop(old)
  }

  /** Writes the trained model to `model/`, whole or not at all. */
  async writeModel(write: (directory: string) => Promise<void>): Promise<string> {
    const path = join(this.directory, 'model')
    await this.#fill(path, write)
    return path
  }

  /** Forgets everything after `step`, so that it can be done again. */
  truncateAfter(step: number): void {
    for (const later of this.checkpoints().filter((c) => c.step > step)) this.#drop(later)
    this.#write(
      this.#database.transaction(() => {
        for (const table of ['metrics', 'rollouts', 'events', 'checkpoints'])
          this.#database.prepare(`DELETE FROM ${table} WHERE step > ?`).run(step)
      }),
    )
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#database.close()
    this.#lock?.close()
  }

  #drop({ step, path }: Checkpoint): void {
    this.#write(() => this.#database.prepare('DELETE FROM checkpoints WHERE step = ?').run(step))
    rmSync(path, { recursive: true, force: true })
  }

  #write(work: () => unknown): void {
    try {
      work()
    } catch (error) {
      throw this.#goesOn(explainFailure(error, 'write', join(this.directory, 'run.sqlite')))
    }
  }

  async #fill(directory: string, write: (temporary: string) => Promise<void>): Promise<void> {
    try {
      await writeAtomically(directory, write)
    } catch (error) {
      throw this.#goesOn(error)
    }
  }

  /** A disk that failed costs no more than the work since the last checkpoint, and people are told. */
  #goesOn(error: unknown): unknown {
    if (!(error instanceof UserError)) return error
    return new UserError(
      `${error.message}. \`ruminate resume ${shellWord(this.directory)}\` then goes on from the last checkpoint`,
    )
  }
}

/** Every run below `root`, oldest first. A folder that cannot be read is reported by `onBroken`. */
export function listRuns(root: string, onBroken: (message: string) => void): RunInfo[] {
  if (!existsSync(root)) return []
  const runs: RunInfo[] = []
  for (const name of onDisk('list the runs in', root, () => readdirSync(root))) {
    if (!existsSync(join(root, name, 'run.sqlite'))) continue
    try {
      const store = RunStore.open(join(root, name))
      try {
        runs.push(store.info())
      } finally {
        store.close()
      }
    } catch (error) {
      onBroken(error instanceof Error ? error.message : String(error))
    }
  }
  return runs.sort((a, b) => a.created.localeCompare(b.created))
}

/** Folder by folder: Node's recursive mkdir never returns where a parent cannot be made, as below /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path)
}

function nextFree(root: string, recipe: string): string {
  let n = 1
  while (existsSync(join(root, `${recipe}-${n}`))) n++
  return join(root, `${recipe}-${n}`)
}
