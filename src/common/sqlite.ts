import { createRequire } from 'node:module'
import type Libsql from 'libsql'

/*
 * To find out which C library there is, libsql asks Node for a diagnostic report as it is loaded. For that, Node looks up
 * the names of the peers of all open connections, unless the report leaves the network out.
 */
const report = process.report as NodeJS.ProcessReport & { excludeNetwork: boolean }
const { excludeNetwork } = report
report.excludeNetwork = true

/** SQLite databases, with the interface of better-sqlite3. */
export const Database: typeof Libsql = createRequire(import.meta.url)('libsql')

/** An open database. */
export type SqliteDatabase = Libsql.Database

/**
 * Does `work` in one transaction, which is undone where it fails. The driver's own wrapper hides the error of a full disk, after
 * which SQLite has undone the transaction by itself.
 */
export function inTransaction<T>(database: SqliteDatabase, work: () => T): T {
  database.exec('BEGIN')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.inTransaction) database.exec('ROLLBACK')
    throw error
  }
}

report.excludeNetwork = excludeNetwork
