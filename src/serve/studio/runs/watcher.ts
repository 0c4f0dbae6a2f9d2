import { join } from 'node:path'
import type { RunStore } from '../../../runs/store.ts'
import { type Found, isReplaced, NO_FILE, type RunsFolder, signatureOf } from './runs-folder.ts'
import { type RunSummary, summaryOf } from './summary.ts'

/** What the page is told. */
export type StudioEvent =
  /** A run is new, or its summary has changed. */
  | { readonly event: 'run'; readonly data: RunSummary }
  /** The metrics of a step, whole, also if some of them were told before. */
  | { readonly event: 'metrics'; readonly data: { id: string; step: number; values: Record<string, number> } }
  /** Steps after this one were discarded, or more steps were recorded than are told one by one: the series is to be read again. */
  | { readonly event: 'reset'; readonly data: { id: string; step: number } }
  | { readonly event: 'gone'; readonly data: { id: string } }

/** What is known of a run. */
interface Known extends Found {
  signature: string
  summary: RunSummary
  /** The last step with metrics, and how many it has. */
  step: number
  count: number
  /** When the summary was made, and whether the run has changed since. */
  summarised: number
  isStale: boolean
}

/** Milliseconds between two looks at the files, and between two at all folders. */
const EVERY = 500
const ALL_EVERY = 2000
/** A process that was killed writes nothing more: so often it is asked whether the run is still being written. */
const CHECK_EVERY = 2000
/** A summary costs more than a look, so it is made no more often than this. */
const SUMMARY_EVERY = 1000
/** Steps that are told one by one. */
const STEPS = 50

/**
 * Follows the runs of a folder while somebody listens. A look at a run that has not changed asks for the times of two files; only
 * one that has changed is read. All times are measured with a clock that never jumps.
 */
export class Watcher {
  readonly #folder: RunsFolder
  readonly #listeners = new Set<(event: StudioEvent) => void>()
  #known = new Map<string, Known>()
  #timer: NodeJS.Timeout | null = null
  #listed = Number.NEGATIVE_INFINITY

  constructor(folder: RunsFolder) {
    this.#folder = folder
  }

  /**
   * Calls `listener` with every change from now on. Returns the function that ends this.
   *
   * @throws UserError if the folder cannot be read.
   */
  listen(listener: (event: StudioEvent) => void): () => void {
    if (this.#timer === null) {
      this.#known = new Map(this.#folder.list().map((found) => [found.id, this.#first(found)]))
      this.#listed = performance.now()
      this.#next()
    }
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.close()
    }
  }

  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #next(): void {
    this.#timer = setTimeout(() => {
      this.#look()
      if (this.#timer !== null) this.#next()
    }, EVERY)
    this.#timer.unref()
  }

  #look(): void {
    const now = performance.now()
    if (now - this.#listed >= ALL_EVERY) {
      this.#listed = now
      this.#lookForRuns()
    }
    for (const known of this.#known.values()) this.#lookAt(known, now)
  }

  #lookForRuns(): void {
    let found: Found[]
    try {
      found = this.#folder.list()
    } catch {
      // the folder may be read again later; until then nothing is known to be gone
      return
    }
    const ids = new Set(found.map(({ id }) => id))
    for (const id of this.#known.keys())
      if (!ids.has(id)) {
        this.#known.delete(id)
        this.#tell({ event: 'gone', data: { id } })
      }
    for (const one of found) {
      if (this.#known.has(one.id)) continue
      const known = this.#first(one)
      this.#known.set(one.id, known)
      this.#tell({ event: 'run', data: known.summary })
    }
  }

  #first(found: Found): Known {
    const signature = this.#signature(found)
    const summary = summaryOf(this.#folder, found)
    const { step, count } = this.#attempt(found, lastStep) ?? { step: 0, count: 0 }
    return { ...found, signature, summary, step, count, summarised: performance.now(), isStale: false }
  }

  #lookAt(known: Known, now: number): void {
    const signature = this.#signature(known)
    if (signature.startsWith(NO_FILE)) {
      this.#known.delete(known.id)
      this.#tell({ event: 'gone', data: { id: known.id } })
      return
    }
    if (signature !== known.signature) {
      if (isReplaced(known.signature, signature)) this.#reset(known)
      known.signature = signature
      known.isStale = true
      this.#attempt(known, (store) => this.#tellSteps(known, store))
    }
    const age = now - known.summarised
    const isDue = known.isStale
      ? age >= SUMMARY_EVERY
      : known.summary.status === 'running' && age >= CHECK_EVERY
    if (!isDue) return
    known.summarised = now
    known.isStale = false
    const summary = summaryOf(this.#folder, known)
    if (JSON.stringify(summary) === JSON.stringify(known.summary)) return
    known.summary = summary
    this.#tell({ event: 'run', data: summary })
  }

  /** Another run has the name of one that is known: nothing that was told of that one holds. */
  #reset(known: Known): void {
    known.step = 0
    known.count = 0
    this.#tell({ event: 'reset', data: { id: known.id, step: 0 } })
  }

  #tellSteps(known: Known, store: RunStore): void {
    const { id } = known
    const last = lastStep(store)
    if (last.step < known.step || last.step > known.step + STEPS)
      this.#tell({ event: 'reset', data: { id, step: Math.min(last.step, known.step) } })
    else {
      const rows = store.select<{ step: number; name: string; value: number }>(
        'SELECT step, name, value FROM metrics WHERE step >= ? ORDER BY step',
        known.step,
      )
      for (const [step, values] of grouped(rows))
        if (step > known.step || values.length !== known.count)
          this.#tell({
            event: 'metrics',
            data: { id, step, values: Object.fromEntries(values.map(({ name, value }) => [name, value])) },
          })
    }
    Object.assign(known, last)
  }

  #signature({ id }: Found): string {
    try {
      return signatureOf(join(this.#folder.root, id))
    } catch (error) {
      // a folder that may not be looked into; its summary says so
      return String(error)
    }
  }

  /** Reads from a run; null if it cannot be read, which its summary tells. */
  #attempt<T>({ id }: Found, read: (store: RunStore) => T): T | null {
    try {
      return this.#folder.read(id, read)
    } catch {
      return null
    }
  }

  #tell(event: StudioEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

function lastStep(store: RunStore): { step: number; count: number } {
  const [row] = store.select<{ step: number | null; count: number }>(
    'SELECT step, count(*) AS count FROM metrics WHERE step = (SELECT max(step) FROM metrics)',
  )
  return { step: row?.step ?? 0, count: row?.count ?? 0 }
}

function grouped<Row extends { readonly step: number }>(rows: readonly Row[]): Map<number, Row[]> {
  const groups = new Map<number, Row[]>()
  for (const row of rows) groups.set(row.step, [...(groups.get(row.step) ?? []), row])
  return groups
}
