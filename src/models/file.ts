import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { UserError } from '../common/errors.ts'

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of that path is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full; make space',
  EDQUOT: 'the disk quota is used up; make space',
  EIO: 'the disk reports an input/output error',
}

/** Runs `work`, turning a failing disk into a `UserError` that names the path. */
export function onFile<T>(doing: string, path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    const reason = REASONS[String((error as NodeJS.ErrnoException | null)?.code)]
    throw reason === undefined ? error : new UserError(`cannot ${doing} ${path}: ${reason}`)
  }
}

/** Writes a file so that it is there wholly or not at all: under a temporary name, flushed, then renamed. */
export function writeFileAtomically(
  path: string,
  write: (append: (bytes: Uint8Array) => void) => void,
): void {
  const temporary = `${path}.tmp-${process.pid}`
  onFile('write', path, () => {
    const fd = openSync(temporary, 'w')
    try {
      try {
        write((bytes) => {
          for (let done = 0; done < bytes.length; )
            done += writeSync(fd, bytes, done, Math.min(bytes.length - done, 1 << 28))
        })
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
      renameSync(temporary, path)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
    flushDirectory(dirname(path))
  })
}

/** Makes a rename in the folder survive a loss of power; Windows has no such call. */
function flushDirectory(directory: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(directory, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
