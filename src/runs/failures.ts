import { UserError } from '../common/errors.ts'

const REASONS: Record<string, string> = {
  ENOSPC: 'the disk is full; make space',
  SQLITE_FULL: 'the disk is full; make space',
  EDQUOT: 'the disk quota is used up; make space',
  EFBIG: 'the file would be larger than this system allows',
  EACCES: 'permission denied; choose a folder you may write to with --out DIR',
  EPERM: 'not permitted; choose a folder you may write to with --out DIR',
  EROFS: 'the file system is read-only; choose another folder with --out DIR',
  ENOTDIR: 'a part of that path is a file, not a folder',
  EEXIST: 'a file of that name is in the way',
  ENOENT: 'there is no such file or folder',
  EIO: 'the disk reports an input/output error',
  SQLITE_READONLY: 'the file may not be written to; choose another folder with --out DIR',
  SQLITE_CANTOPEN: 'it cannot be opened; is the folder there and writable?',
  SQLITE_IOERR: 'the disk reports an input/output error (it may be full)',
  SQLITE_CORRUPT: 'the file is damaged',
  SQLITE_NOTADB: 'the file is not a run database',
}

/** A failing disk as one line that says what to do; anything else is returned as it is. */
export function explainFailure(error: unknown, doing: string, path: string): unknown {
  if (error instanceof UserError) return error
  const message = error instanceof Error ? error.message : String(error)
  // An error from a worker thread has lost its code; Node's messages begin with it.
  const code = String((error as { code?: unknown } | null)?.code ?? /^E[A-Z]+(?=: )/.exec(message)?.[0] ?? '')
  const key = Object.keys(REASONS).find((k) => code === k || (k.startsWith('SQLITE_') && code.startsWith(k)))
  if (key) return new UserError(`cannot ${doing} ${path}: ${REASONS[key]}`)
  if (message.includes('Unable to open'))
    return new UserError(`cannot ${doing} ${path}: ${REASONS.SQLITE_CANTOPEN}`)
  return error
}

/** Runs `work`, turning a failing disk into a `UserError`. */
export function onDisk<T>(doing: string, path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw explainFailure(error, doing, path)
  }
}
