import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { UserError } from '../common/errors.ts'
import { diskError, onDisk } from '../common/files/disk.ts'
import { Database, type SqliteDatabase } from '../common/sqlite.ts'

/** Increased when the tables change. */
const VERSION = 1

const SCHEMA = `
CREATE TABLE run (
  recipe TEXT NOT NULL, seed INTEGER NOT NULL, settings TEXT NOT NULL, versions TEXT NOT NULL,
  status TEXT NOT NULL, created TEXT NOT NULL, result TEXT
);
CREATE TABLE metrics (step INTEGER NOT NULL, name TEXT NOT NULL, value REAL NOT NULL, PRIMARY KEY (name, step)) WITHOUT ROWID;
CREATE TABLE rollouts (
  id INTEGER PRIMARY KEY, step INTEGER NOT NULL, split TEXT NOT NULL, question TEXT NOT NULL, kind TEXT NOT NULL,
  gold TEXT NOT NULL, prompt TEXT NOT NULL, tokens BLOB NOT NULL, text TEXT NOT NULL, thinking TEXT, answer TEXT,
  logprobs BLOB NOT NULL, rewards TEXT NOT NULL, correct INTEGER, total REAL, advantage REAL,
  stop_reason TEXT NOT NULL, length INTEGER NOT NULL, reason TEXT, reasons TEXT, entropies BLOB,
  asked INTEGER
);
CREATE INDEX rollouts_by_step ON rollouts (split, step);
CREATE INDEX rollouts_by_question ON rollouts (question, split);
CREATE TABLE checkpoints (step INTEGER PRIMARY KEY, path TEXT NOT NULL, score REAL);
CREATE TABLE events (step INTEGER NOT NULL, level TEXT NOT NULL, message TEXT NOT NULL);
`
/** What databases of the same version, made by earlier releases, may lack. */
const LATER = `
CREATE INDEX IF NOT EXISTS metrics_by_step ON metrics (step);
CREATE INDEX IF NOT EXISTS rollouts_of_step ON rollouts (step);
CREATE INDEX IF NOT EXISTS rollouts_of_split ON rollouts (split);
CREATE INDEX IF NOT EXISTS rollouts_facts ON rollouts (step, split, correct, kind, stop_reason, total, advantage, length, asked);
CREATE TABLE IF NOT EXISTS questions (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS sessions (seconds REAL NOT NULL);
CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tags (name TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS model (sha256 TEXT NOT NULL);
`

/** Columns that the rollouts of earlier releases lack. `asked` is an id of the table of questions. */
const LATER_COLUMNS = { reason: 'TEXT', reasons: 'TEXT', entropies: 'BLOB', asked: 'INTEGER' }

/** Creates a run database with the row of its run, atomically. @throws UserError if the disk fails. */
export function createDatabase(file: string, run: readonly (string | number)[]): SqliteDatabase {
  return onDisk('create', file, () => {
    // a folder that holds only names with a dot is still free for a run
    const temporary = join(dirname(file), `.${basename(file)}.new`)
    rmSync(temporary, { force: true })
    const database = new Database(temporary)
    database.exec(`BEGIN; ${SCHEMA} ${LATER} PRAGMA user_version = ${VERSION}`)
    database.prepare('INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, NULL)').run(...run)
    database.exec('COMMIT')
    database.close()
    renameSync(temporary, file)
    return connectForWriting(file)
  })
}

/**
 * Opens an existing run database; for writing, indexes and tables that it lacks are added. Reading needs no right to write,
 * neither to the file nor to its folder.
 *
 * @throws UserError if there is none, its version is another, or the disk fails.
 */
export function openDatabase(
  file: string,
  { write, wait = WAIT }: { write: boolean /** See `RunStore.open`. */; wait?: number },
): SqliteDatabase {
  if (!existsSync(file))
    throw new UserError(`no run at ${file}; \`ruminate runs\` lists the runs in this folder`)
  return onDisk('open', file, () => {
    const database = write ? connectForWriting(file) : connectForReading(file, wait)
    const version = versionOf(database)
    if (version !== VERSION) {
      database.close()
      throw new UserError(
        `${file} has version ${version} of the run database; this version of Ruminate reads version ${VERSION}`,
      )
    }
    // the version is written again, so that a file that may not be written to fails here
    if (write) database.exec(`${addedColumns(database)} ${LATER} PRAGMA user_version = ${VERSION}`)
    return database
  })
}

const hasColumn = (database: SqliteDatabase, column: string): boolean =>
  database.prepare("SELECT 1 FROM pragma_table_info('rollouts') WHERE name = ?").all(column).length > 0

const addedColumns = (database: SqliteDatabase): string =>
  Object.entries(LATER_COLUMNS)
    .filter(([column]) => !hasColumn(database, column))
    .map(([column, type]) => `ALTER TABLE rollouts ADD COLUMN ${column} ${type};`)
    .join(' ')

function versionOf(database: SqliteDatabase): number {
  return (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version
}

/** Milliseconds to wait for another process that is writing. */
const WAIT = 5000

function connectForWriting(file: string): SqliteDatabase {
  const database = new Database(file, { timeout: WAIT })
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = ${WAIT}`)
  return database
}

/**
 * SQLite reads a database with a write-ahead log only where it can make files beside it, or another process has made them.
 * In a folder that may not be written to, or on a full disk, a database without a log is read as one that does not change, and a database
 * with one (its process was killed) is copied.
 */
function connectForReading(file: string, wait: number): SqliteDatabase {
  accessSync(file, constants.R_OK)
  try {
    const database = new Database(file, { timeout: wait })
    versionOf(database)
    return database
  } catch (error) {
    const log = `${file}-wal`
    if (isWritable(dirname(file)) && !isFull(error)) throw error
    const hasLog = (statSync(log, { throwIfNoEntry: false })?.size ?? 0) > 0
    return hasLog ? openCopy(file, log) : new Database(withMode(file, 'immutable=1'))
  }
}

function openCopy(file: string, log: string): SqliteDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-run-'))
  try {
    const copy = join(folder, basename(file))
    copyFileSync(file, copy)
    copyFileSync(log, `${copy}-wal`)
    const database = new Database(copy)
    // what the log holds moves into the copy, which needs no file beside it from now on
    database.exec('PRAGMA journal_mode = DELETE')
    return database
  } finally {
    // an open file stays readable, except on Windows, where folders have no such rights
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Does an error say that the disk is, or may be, full? */
const isFull = (error: unknown): boolean =>
  /^SQLITE_(FULL|IOERR|CANTOPEN)/.test(String((error as { code?: unknown }).code))

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const withMode = (file: string, mode: string): string => `${pathToFileURL(file)}?${mode}`

/** Milliseconds to wait for a process that asks whether the lock is held. One that holds it keeps it for longer. */
const LOCK_WAIT = 100

/**
 * Takes the lock of a run, which one process at a time can hold; the operating system releases it when that process ends.
 *
 * @throws UserError if another process holds it, or the disk fails.
 */
export function lockRun(file: string): SqliteDatabase {
  const lock = onDisk('open', file, () => new Database(file, { timeout: LOCK_WAIT }))
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY'))
      throw new UserError(`another process is writing this run (${file} is locked); stop it first`)
    throw diskError(error, 'open', file)
  }
  return lock
}

/** Does a process hold the lock of a run? It is still writing that run. */
export function isLocked(file: string): boolean {
  if (!existsSync(file)) return false
  let lock: SqliteDatabase | null = null
  try {
    lock = new Database(withMode(file, 'mode=ro'), { timeout: 0 })
    lock.prepare('SELECT count(*) FROM sqlite_master').get()
    return false
  } catch (error) {
    return String((error as { code?: unknown }).code).startsWith('SQLITE_BUSY')
  } finally {
    lock?.close()
  }
}
