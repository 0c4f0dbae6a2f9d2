import { UserError } from '../../common/errors.ts'
import { plural } from '../../common/words.ts'
import type { TinkerModel } from '../../tinker/index.ts'
import type { Weights } from '../contract.ts'

/** A reference to weights of this engine. */
export interface TinkerWeights extends Weights {
  readonly source:
    | { readonly kind: 'base' }
    | { readonly kind: 'version'; readonly version: number }
    | { readonly kind: 'folder'; readonly directory: string }
}

/** The versions of the trained weights, and which of them are held by samplers and scorers. */
export class Versions {
  /** Where sharing is true, sampling an earlier version would overwrite what is trained, so none may be held over a step. */
  readonly #shares: boolean
  readonly #paths = new Map<number, string>()
  /** Those that a folder refers to. */
  readonly #kept = new Set<string>()
  readonly #holders = new Map<number, number>()
  /** The model in training; null before there is a trainer. */
  model: TinkerModel | null = null
  current = 0
  readonly #names: () => string
  readonly #discard: (uri: string) => void

  /**
   * @param names makes the names of saved weights.
   * @param discard deletes weights that nobody holds any more.
   */
  constructor(shares: boolean, names: () => string, discard: (uri: string) => void) {
    this.#shares = shares
    this.#names = names
    this.#discard = discard
  }

  /** Holds a version. @throws UserError if the server does not have it any more. */
  hold(version: number): () => void {
    if (version !== this.current && !this.#paths.has(version))
      throw new UserError(
        `the weights of version ${version} can be opened only before the next step, unless somebody holds them`,
      )
    this.#holders.set(version, (this.#holders.get(version) ?? 0) + 1)
    return () => {
      const left = this.#holders.get(version)! - 1
      if (left > 0) return void this.#holders.set(version, left)
      this.#holders.delete(version)
      if (version !== this.current) this.#drop(version)
    }
  }

  /** Where a held version can be sampled from. */
  async path(version: number): Promise<{ readonly path: string }> {
    const known = this.#paths.get(version)
    if (known !== undefined) return { path: known }
    if (version !== this.current) throw new UserError(`the server has lost the weights of version ${version}`)
    const path = await this.model!.saveSamplerWeights(this.#names())
    this.#paths.set(version, path)
    return { path }
  }

  /** Where a held version can be sampled from, also when nobody holds it any more. */
  async keep(version: number): Promise<string> {
    const { path } = await this.path(version)
    this.#kept.add(path)
    return path
  }

  /** Before the weights change: saves those that are held. @throws UserError if the server cannot keep them. */
  async beforeChange(): Promise<void> {
    if (!this.#holders.has(this.current)) return
    if (this.#shares)
      throw new UserError(
        `this server can hold ${plural(0, 'version')} of the weights besides the current one: close the sampler before the step`,
      )
    await this.path(this.current)
  }

  /** The weights are now another version. */
  changed(): void {
    if (!this.#holders.has(this.current)) this.#drop(this.current)
    this.current++
  }

  #drop(version: number): void {
    const path = this.#paths.get(version)
    if (path !== undefined && !this.#kept.has(path)) this.#discard(path)
    this.#paths.delete(version)
  }

  /** What was saved for sampling belonged to a model that is gone. */
  forgetCurrent(): void {
    this.#paths.delete(this.current)
  }
}
