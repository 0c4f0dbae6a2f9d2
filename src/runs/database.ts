import { existsSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { diskError, onDisk } from '../common/disk.ts'
import { UserError } from '../common/errors.ts'
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
  stop_reason TEXT NOT NULL, length INTEGER NOT NULL
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
CREATE TABLE IF NOT EXISTS sessions (seconds REAL NOT NULL);
`

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
    return connect(file)
  })
}

/**
 * Opens an existing run database; for writing, indexes and tables that it lacks are added.
 *
 * @throws UserError if there is none, its version is another, or the disk fails.
 */
export function openDatabase(file: string, { write }: { write: boolean }): SqliteDatabase {
  if (!existsSync(file))
    throw new UserError(`no run at ${file}; \`ruminate runs\` lists the runs of this folder`)
  return onDisk('open', file, () => {
    const database = connect(file)
    const { user_version: version } = database.prepare('PRAGMA user_version').get() as {
      user_version: number
    }
    if (version !== VERSION) {
      database.close()
      throw new UserError(
        `${file} has version ${version} of the run database; this version of Ruminate reads version ${VERSION}`,
      )
    }
    // the version is written again, so that a file that may not be written to fails here
    if (write) database.exec(`${LATER} PRAGMA user_version = ${VERSION}`)
    return database
  })
}

function connect(file: string): SqliteDatabase {
  const database = new Database(file, { timeout: 5000 })
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000')
  return database
}

/**
 * Takes the lock of a run, which one process at a time can hold; the operating system releases it when that process ends.
 *
 * @throws UserError if another process holds it, or the disk fails.
 */
export function lockRun(file: string): SqliteDatabase {
  const lock = onDisk('open', file, () => new Database(file, { timeout: 0 }))
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
