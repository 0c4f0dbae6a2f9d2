import { statfsSync } from 'node:fs'
import { UserError } from '../errors.ts'

/** What is done to a file or folder, as an error message names it: "cannot read PATH". */
export type DiskAction = 'read' | 'open' | 'create' | 'write'

/** Why a disk operation failed, by Node's error code or the beginning of SQLite's. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of that path is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  EEXIST: 'a file with that name already exists',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full; make space',
  EDQUOT: 'the disk quota is used up; make space',
  EMFILE: 'this process has too many files open',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'it has too many symbolic links',
  EFBIG: 'the file would be larger than this system allows',
  EIO: 'the disk reports an input/output error',
  SQLITE_FULL: 'the disk is full; make space',
  SQLITE_READONLY: 'the file may not be written to',
  SQLITE_CANTOPEN: 'it cannot be opened; check that the folder exists and is writable',
  SQLITE_IOERR: 'the disk reports an input/output error (it may be full)',
  SQLITE_BUSY: 'another process is using it',
  SQLITE_CORRUPT: 'the file is damaged',
  SQLITE_NOTADB: 'it is not a SQLite database',
}
/** SQLite's primary result codes, by number (sqlite.org/rescode.html). */
const SQLITE_CODES: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  26: 'SQLITE_NOTADB',
}
/** Failures that another folder would avoid, if the action was to write. */
const WRONG_FOLDER = ['EACCES', 'EPERM', 'EROFS', 'SQLITE_READONLY']

/** The `UserError` for a failed disk operation on `path`; an error of any other kind is returned unchanged. */
export function diskError(error: unknown, action: DiskAction, path: string): unknown {
  if (error instanceof UserError) return error
  const message = error instanceof Error ? error.message : String(error)
  const code = codeOf(error, message)
  const key = Object.keys(REASONS).find((k) => code === k || (k.startsWith('SQLITE_') && code.startsWith(k)))
  if (key === undefined) return error
  const advice =
    (action === 'write' || action === 'create') && WRONG_FOLDER.includes(key)
      ? '; choose a folder that you may write to'
      : ''
  return new UserError(`cannot ${action} ${path}: ${REASONS[key]}${advice}`)
}

function codeOf(error: unknown, message: string): string {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string' && code !== '') {
    // libsql has no name for some extended codes, whose last byte is the primary code.
    const number = /^UNKNOWN_SQLITE_ERROR_(\d+)$/.exec(code)?.[1]
    return number === undefined ? code : (SQLITE_CODES[Number(number) & 0xff] ?? code)
  }
  // libsql gives this failure no code, or an empty one.
  if (message.includes('Unable to open')) return 'SQLITE_CANTOPEN'
  // An error from a worker thread has lost its code, but Node's messages begin with it.
  return /^E[A-Z]+(?=: )/.exec(message)?.[0] ?? ''
}

/**
 * Runs `work`, which reads or writes `path`.
 *
 * @throws UserError for a disk operation that failed, with the path and the reason; other errors as they are.
 */
export function onDisk<T>(action: DiskAction, path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw diskError(error, action, path)
  }
}

/** The bytes that are left to this user on the disk of a folder. @throws UserError if the folder cannot be read. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = onDisk('read', folder, () => statfsSync(folder))
  return bavail * bsize
}
