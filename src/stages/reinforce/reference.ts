import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Datum, Engine, Scorer, Trainer, Weights } from '../../engines/contract.ts'

/** Folder of the reference policy inside a checkpoint. */
const FOLDER = 'reference'

/** The reference policy π_ref of the KL term, at the temperature of the policy: the base model until it is refreshed. */
export class ReferencePolicy {
  readonly #engine: Engine
  readonly #temperature: number
  #weights: Weights
  #scorer: Scorer

  private constructor(engine: Engine, temperature: number, weights: Weights, scorer: Scorer) {
    this.#engine = engine
    this.#temperature = temperature
    this.#weights = weights
    this.#scorer = scorer
  }

  /** Opens the reference saved in a checkpoint, or the base model if there is none. */
  static async open(
    engine: Engine,
    checkpoint: string | null,
    temperature: number,
  ): Promise<ReferencePolicy> {
    const folder = checkpoint === null ? null : join(checkpoint, FOLDER)
    const weights = folder !== null && existsSync(folder) ? engine.saved(folder) : engine.base
    return new ReferencePolicy(engine, temperature, weights, await engine.scorer(weights))
  }

  /** log π_ref(target) at each position of each datum. */
  logprobs(datums: readonly Datum[]): Promise<Float32Array[]> {
    return this.#scorer.logprobs(datums, { temperature: this.#temperature })
  }

  /** Makes the current policy the reference. */
  async refresh(trainer: Trainer): Promise<void> {
    const weights = await trainer.snapshot()
    const scorer = await this.#engine.scorer(weights)
    const replaced = this.#scorer
    this.#weights = weights
    this.#scorer = scorer
    await replaced.close()
  }

  /** Saves the reference into a checkpoint, unless it is the base model. */
  async save(checkpoint: string): Promise<void> {
    if (this.#weights.kind !== 'base') await this.#engine.save(this.#weights, join(checkpoint, FOLDER))
  }

  async close(): Promise<void> {
    await this.#scorer.close()
  }
}
