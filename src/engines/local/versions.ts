import type { Weights } from '../contract.ts'
import type { BaseFolder } from './base-folder.ts'
import { Hold } from './hold.ts'
import type { Exclusive } from './threads/exclusive.ts'
import type { Replicas } from './threads/replicas.ts'

/** How many versions of the weights can be held besides the current one. */
export const HELD_VERSIONS = 4

/** Weights of a local engine: a version of them, or a folder. */
class LocalWeights implements Weights {
  constructor(
    readonly owner: Versions,
    readonly kind: Weights['kind'],
    readonly name: string,
    readonly at: number | string,
  ) {}
}

/**
 * Keeps track of the versions of the weights. The base weights are version 0, and every change makes a new one. A version
 * lasts as long as a sampler or scorer holds it: the current weights are copied before a change if they are held.
 */
export class Versions {
  #current = 0
  #next = 1
  /** Do the replicas have the base weights, whether these are held or not? */
  #frozen = false
  /** How often each version is held. */
  readonly #holds = new Map<number, number>()
  readonly #replicas: Replicas
  readonly #exclusive: Exclusive
  readonly base: Weights
  readonly #baseFolder: BaseFolder | null

  /** @param baseFolder Where the base weights can be read again; null if they were given in memory. */
  constructor(replicas: Replicas, exclusive: Exclusive, baseFolder: BaseFolder | null) {
    this.#replicas = replicas
    this.#exclusive = exclusive
    this.#baseFolder = baseFolder
    this.base = new LocalWeights(this, 'base', baseFolder?.path ?? 'the model in memory', 0)
  }

  saved(directory: string): Weights {
    return new LocalWeights(this, 'checkpoint', directory, directory)
  }

  /** The version that is trained. */
  get current(): number {
    return this.#current
  }

  /** The current weights. */
  snapshot(name: string): Weights {
    if (this.#replicas.dead) throw this.#replicas.dead
    return new LocalWeights(this, 'snapshot', name, this.#current)
  }

  /**
   * Opens the trainer. If the base weights are `frozen`, its own weights, which are these with adapters, become version `next`,
   * and the replicas always have the base weights.
   */
  async open(frozen: boolean, open: (next: number) => Promise<unknown>): Promise<void> {
    const next = frozen ? this.#next++ : this.#current
    await open(next)
    this.#current = next
    this.#frozen = frozen
  }

  /** Holds weights for `holder`, and reads them first if they are in a folder. */
  hold(weights: Weights, holder: string): Promise<Hold> {
    return this.#exclusive.run(async () => {
      const version = await this.#find(weights)
      this.#holds.set(version, (this.#holds.get(version) ?? 0) + 1)
      return new Hold(version, holder, () => this.#exclusive.run(() => this.#release(version)))
    })
  }

  /**
   * Changes the current weights, which become version `next`; with `keep`, the replicas hold the old ones. One change at
   * a time.
   */
  async change<T>(make: (change: { next: number; keep: boolean }) => Promise<T>): Promise<T> {
    const keep = this.#holds.has(this.#current)
    if (keep) this.#checkRoom()
    const next = this.#next++
    const result = await make({ next, keep })
    this.#current = next
    return result
  }

  /** The version number of weights, which are read if they are not in memory. */
  async #find(weights: Weights): Promise<number> {
    if (this.#replicas.dead) throw this.#replicas.dead
    if (!(weights instanceof LocalWeights) || weights.owner !== this)
      throw new Error(`${weights.name}: these weights belong to another engine`)
    const { at, kind, name } = weights
    if (typeof at === 'string')
      return this.#read(this.#next++, (version) => this.#replicas.all('hold', version, at))
    if (at === this.#current || this.#holds.has(at) || this.#isFrozen(at)) return at
    const folder = this.#baseFolder
    if (kind === 'base' && folder)
      return this.#read(at, (version) =>
        folder.readUnchanged(() => this.#replicas.all('hold', version, null)),
      )
    throw new Error(
      `${name}: the trainer has changed these weights since; open a sampler or scorer on them before the next step`,
    )
  }

  async #read(version: number, read: (version: number) => Promise<void>): Promise<number> {
    this.#checkRoom()
    try {
      await read(version)
    } catch (error) {
      // the first error is the one to report
      if (!this.#replicas.dead) await this.#replicas.all('drop', version).catch(() => {})
      throw error
    }
    return version
  }

  #checkRoom(): void {
    const held = [...this.#holds.keys()].filter(
      (version) => version !== this.#current && !this.#isFrozen(version),
    ).length
    if (held >= HELD_VERSIONS)
      throw new Error(
        `this engine holds at most ${HELD_VERSIONS} versions of the weights besides the current one: close a sampler or scorer first`,
      )
  }

  async #release(version: number): Promise<void> {
    const holds = this.#holds.get(version)! - 1
    if (holds > 0) return void this.#holds.set(version, holds)
    this.#holds.delete(version)
    if (version !== this.#current && !this.#isFrozen(version) && !this.#replicas.dead)
      await this.#replicas.all('drop', version)
  }

  #isFrozen(version: number): boolean {
    return this.#frozen && version === 0
  }
}
