import type { Hash } from 'node:crypto'
import {
  closeSync,
  constants,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { access, chmod, copyFile, open, readdir, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { diskError, onDisk } from './disk.ts'

/** Most bytes given to the operating system in one call. */
const CHUNK = 1 << 28
/** Bytes read at a time from a file that is only passed on. */
const READ_CHUNK = 1 << 20

/**
 * Writes a file atomically: under a temporary name, flushed to the disk, then renamed. `write` calls `append` with the
 * content, piece by piece.
 *
 * @throws UserError when the disk fails; the file is then as it was before.
 */
export function writeFileAtomically(
  path: string,
  write: (append: (bytes: Uint8Array) => void) => void,
): void {
  const temporary = `${path}.tmp-${process.pid}`
  onDisk('write', path, () => {
    try {
      const fd = openSync(temporary, 'w')
      try {
        write((bytes) => {
          for (let done = 0; done < bytes.length; )
            done += writeSync(fd, bytes, done, Math.min(bytes.length - done, CHUNK))
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
    flush(dirname(path))
  })
}

/**
 * Writes a file atomically, as `writeFileAtomically`, but lets other work go on between its pieces.
 *
 * @throws UserError when the disk fails, and whatever `write` throws; the file is then as it was before.
 */
export async function writeFileInPieces(
  path: string,
  write: (append: (bytes: Uint8Array) => Promise<void>) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.tmp-${process.pid}`
  try {
    const file = await open(temporary, 'w')
    try {
      await write(async (bytes) => {
        for (let done = 0; done < bytes.length; )
          done += (await file.write(bytes, done, Math.min(bytes.length - done, CHUNK))).bytesWritten
      })
      await file.sync()
    } finally {
      await file.close()
    }
    renameSync(temporary, path)
    flush(dirname(path))
  } catch (error) {
    rmSync(temporary, { force: true })
    throw diskError(error, 'write', path)
  }
}

/** Writes a text file atomically, as UTF-8. */
export function writeText(path: string, text: string): void {
  writeFileAtomically(path, (append) => append(Buffer.from(text)))
}

/** Adds the content of a file of any size to a hash. @throws UserError if the file cannot be read. */
export async function hashFile(hash: Hash, path: string): Promise<void> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: READ_CHUNK })) hash.update(chunk)
  } catch (error) {
    throw diskError(error, 'read', path)
  }
}

/**
 * Copies the content of a file of any size; a link is followed. The copy may be written to even if the file may not. A file
 * system that can share the blocks of two files does so.
 *
 * @throws UserError if a file cannot be read or written.
 */
export async function copyContent(from: string, to: string): Promise<void> {
  await access(from, constants.R_OK).catch((error: unknown) => {
    throw diskError(error, 'read', from)
  })
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    await chmod(to, (await stat(to)).mode | 0o200)
  } catch (error) {
    throw diskError(error, 'write', to)
  }
}

/**
 * Makes a folder and its parents, unless it exists. Node's recursive mkdir never returns if a parent cannot be made, as
 * inside /proc.
 *
 * @throws Error of the file system if the folder cannot be made.
 */
export function makeFolder(path: string): void {
  if (isFolder(path)) return
  const parent = dirname(resolve(path))
  if (!existsSync(parent)) makeFolder(parent)
  try {
    mkdirSync(path)
  } catch (error) {
    if (!isFolder(path)) throw error // another process may have made it meanwhile
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

const TEMPORARY = '.tmp-'

/**
 * Writes a folder atomically: `write` fills a temporary folder, which is flushed to the disk, then renamed. A folder of
 * the same name is replaced.
 *
 * @throws UserError when the disk fails, and whatever `write` throws; the temporary folder is removed.
 */
export async function writeFolderAtomically(
  directory: string,
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  const parent = dirname(directory)
  const temporary = join(parent, `${TEMPORARY}${process.pid}-${Date.now()}`)
  try {
    makeFolder(temporary)
    await write(temporary)
    await flushTree(temporary)
    rmSync(directory, { recursive: true, force: true })
    renameSync(temporary, directory)
    flush(parent)
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true })
    throw diskError(error, 'write', directory)
  }
}

/** Removes the temporary folders in `parent` that an interrupted `writeFolderAtomically` left behind. */
export function removeTemporaryFolders(parent: string): void {
  for (const name of readdirSync(parent))
    if (name.startsWith(TEMPORARY)) rmSync(join(parent, name), { recursive: true, force: true })
}

/** Flushes a folder and everything in it. Large files may take seconds, during which other work continues. */
export async function flushTree(path: string): Promise<void> {
  if ((await stat(path)).isDirectory())
    for (const name of await readdir(path)) await flushTree(join(path, name))
  if (process.platform === 'win32') return
  const file = await open(path)
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Flushes one file, or a folder so that a rename in it survives a loss of power. Windows has no such call for folders. */
function flush(path: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
