import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { join, sep } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { onDisk } from '../../../common/files/disk.ts'
import { isRun, RunStore } from '../../../runs/store.ts'
import { RequestError } from '../../problem.ts'

/** A run below the folder of the runs. */
export interface Found {
  /** Its path below that folder, with `/`. */
  readonly id: string
  /** The run of which it is a stage, or null. */
  readonly parent: string | null
}

interface Opened {
  readonly store: RunStore
  /** Which file is open: see `fileOf`. */
  readonly file: string
  used: number
}

/** Connections that stay open at most, and for how many milliseconds after their last use. */
const OPEN = 16
const KEPT = 10_000
/** Milliseconds to wait for a file that another process keeps locked. */
const WAIT = 150
/** Stages of stages are looked for down to this depth. */
const DEPTH = 4

/**
 * The runs below a folder, opened for reading. A run may be written, replaced or deleted at any time: its connection is kept for
 * a while, but only as long as the file is still the one that was opened.
 */
export class RunsFolder {
  readonly root: string
  readonly #open = new Map<string, Opened>()
  readonly #timer: NodeJS.Timeout

  constructor(root: string) {
    this.root = root
    this.#timer = setInterval(() => this.#closeUnused(), KEPT / 2)
    this.#timer.unref()
  }

  /** All runs, each before its stages. @throws UserError if the folder cannot be read. */
  list(): Found[] {
    return this.#below(null, namesIn(this.root))
  }

  /** The stages of a run, each before its own; none of a run that cannot be looked into, whose reading says why. */
  stagesOf(id: string): Found[] {
    const directory = join(this.root, id)
    if (id.split('/').length >= DEPTH || !this.#isInside(directory)) return []
    let names: string[]
    try {
      names = namesIn(directory)
    } catch (error) {
      if (error instanceof UserError) return []
      throw error
    }
    return this.#below(id, names)
  }

  #below(parent: string | null, names: readonly string[]): Found[] {
    return names.flatMap((name) => {
      const id = parent === null ? name : `${parent}/${name}`
      return isRunOrUnreadable(join(this.root, id)) ? [{ id, parent }, ...this.stagesOf(id)] : []
    })
  }

  /** The run of an id. @throws RequestError as `directoryOf`. */
  find(id: string): Found {
    this.directoryOf(id)
    return { id, parent: id.includes('/') ? id.slice(0, id.lastIndexOf('/')) : null }
  }

  /**
   * The folder of a run.
   *
   * @throws RequestError if there is no such run, or it is a link to a place outside the folder of the runs.
   */
  directoryOf(id: string): string {
    const parts = id.split('/')
    const isPath = parts.every((part) => part !== '' && !part.startsWith('.') && !/[\\\0]/.test(part))
    const directory = join(this.root, ...parts)
    if (!isPath || !isRun(directory))
      throw new RequestError(
        'notFound',
        `there is no run ${JSON.stringify(id)} here (it may have been deleted)`,
      )
    if (!this.#isInside(directory) || !this.#isInside(join(directory, 'run.sqlite')))
      throw new RequestError(
        'forbidden',
        `${id} is a link to a place outside ${this.root}: start the studio with the folder that it leads to`,
      )
    return directory
  }

  /**
   * Reads from a run.
   *
   * @throws RequestError as `directoryOf`; UserError if the file is damaged, locked or of another version.
   */
  read<T>(id: string, read: (store: RunStore) => T): T {
    const directory = this.directoryOf(id)
    const file = fileOf(directory)
    let opened = this.#open.get(id)
    if (opened && opened.file !== file) {
      this.#close(id, opened)
      opened = undefined
    }
    opened ??= { store: RunStore.open(directory, { wait: WAIT }), file, used: 0 }
    // the one that was not used for the longest time comes first
    this.#open.delete(id)
    this.#open.set(id, opened)
    opened.used = performance.now()
    for (const [other, old] of this.#open) {
      if (this.#open.size <= OPEN) break
      this.#close(other, old)
    }
    try {
      return read(opened.store)
    } catch (error) {
      this.#close(id, opened)
      throw error
    }
  }

  close(): void {
    clearInterval(this.#timer)
    for (const [id, opened] of this.#open) this.#close(id, opened)
  }

  #close(id: string, { store }: Opened): void {
    this.#open.delete(id)
    store.close()
  }

  #closeUnused(): void {
    for (const [id, opened] of this.#open) if (performance.now() - opened.used > KEPT) this.#close(id, opened)
  }

  /** Is a path, once its links are followed, below the folder of the runs? */
  #isInside(path: string): boolean {
    try {
      return realpathSync(path).startsWith(realpathSync(this.root) + sep)
    } catch {
      // it was deleted a moment ago; what opens it says so
      return true
    }
  }
}

/** Folders whose names begin with a dot are unfinished. A folder that is deleted meanwhile has no names. */
function namesIn(folder: string): string[] {
  return onDisk('read', folder, () =>
    statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [],
  )
    .filter((name) => !name.startsWith('.'))
    .sort()
}

/** A run that may not be looked into is listed, too: reading it says why. */
function isRunOrUnreadable(directory: string): boolean {
  try {
    return isRun(directory)
  } catch {
    return true
  }
}

/**
 * Changes when another file takes the place of a run's file. A file in a folder that may not be written to is read as one that
 * does not change, so there it also changes with the file.
 */
function fileOf(directory: string): string {
  const stats = statSync(join(directory, 'run.sqlite'))
  const isFixed = (statSync(directory).mode & 0o222) === 0
  return `${stats.dev}:${stats.ino}${isFixed ? `:${signatureOf(directory)}` : ''}`
}

/** Do two signatures tell of two files, of which one has taken the place of the other? */
export const isReplaced = (before: string, after: string): boolean =>
  before.split(':')[0] !== after.split(':')[0]

/** How the signature of a folder without a run begins. */
export const NO_FILE = '-'

/** Changes whenever a run's file, or the log beside it, is written. Cheap: nothing is opened. */
export function signatureOf(directory: string): string {
  const part = (name: string): string => {
    const stats: Stats | undefined = statSync(join(directory, name), { throwIfNoEntry: false })
    return stats ? `${stats.ino}:${stats.size}:${stats.mtimeMs}` : NO_FILE
  }
  return `${part('run.sqlite')} ${part('run.sqlite-wal')}`
}
