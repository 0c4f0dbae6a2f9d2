import { turnOffTelemetry } from '../../../onnx/telemetry.ts'
import type { ContinuousLoad } from '../continuous/sampler.ts'
import type { LocalSpec } from '../model/local-model.ts'
import { isCancellable, type Opened, type ReplicaMethods, type StreamedToken } from './messages.ts'
import { Replica } from './replica.ts'

type Arguments<M extends keyof ReplicaMethods> = Parameters<ReplicaMethods[M]>
type Result<M extends keyof ReplicaMethods> = ReturnType<ReplicaMethods[M]>

/**
 * The replicas of a model. Their weights are equal, and each does a part of the work. If one dies, or their weights may
 * differ, every later call fails.
 */
export class Replicas {
  readonly #replicas: readonly Replica[]
  /** The error of a `commit` or `abandon` that failed. */
  #diverged: Error | null = null
  /** Why calls that compute fail, once they were cancelled. */
  #cancelled: { readonly reason: unknown } | null = null

  private constructor(count: number) {
    this.#replicas = Array.from({ length: count }, () => new Replica())
  }

  /** Opens a model in each of `count` threads. */
  static async open(count: number, spec: LocalSpec): Promise<{ replicas: Replicas; opened: Opened }> {
    await turnOffTelemetry()
    const replicas = new Replicas(count)
    try {
      return { replicas, opened: await replicas.all('open', spec) }
    } catch (error) {
      await replicas.close()
      throw error
    }
  }

  get count(): number {
    return this.#replicas.length
  }

  /** Calls the first replica. */
  async one<M extends keyof ReplicaMethods>(method: M, ...args: Arguments<M>): Promise<Result<M>> {
    return (await this.each(method, [args]))[0]!
  }

  /** Makes the same call to every replica; the results are equal, and one is returned. */
  async all<M extends keyof ReplicaMethods>(method: M, ...args: Arguments<M>): Promise<Result<M>> {
    return (
      await this.each(
        method,
        this.#replicas.map(() => args),
      )
    )[0]!
  }

  /** Calls the first `args.length` replicas, each with its own arguments, and waits for all of them even if one fails. */
  async each<M extends keyof ReplicaMethods>(
    method: M,
    args: readonly Arguments<M>[],
    onToken?: (replica: number, token: StreamedToken) => void,
  ): Promise<Result<M>[]> {
    const outcomes = await Promise.allSettled(
      args.map((callArgs, k) => this.at(k, method, callArgs, onToken && ((token) => onToken(k, token)))),
    )
    return outcomes.map((outcome) => {
      if (outcome.status === 'rejected') throw this.dead ?? outcome.reason
      return outcome.value
    })
  }

  /** Calls replica `k`. */
  async at<M extends keyof ReplicaMethods>(
    k: number,
    method: M,
    args: Arguments<M>,
    onToken?: (token: StreamedToken) => void,
  ): Promise<Result<M>> {
    const cancelled = () => (isCancellable(method) ? this.#cancelled : null)
    const refuse = () => {
      if (this.dead) throw this.dead
      if (cancelled()) throw cancelled()!.reason
    }
    refuse()
    try {
      return await this.#replicas[k]!.call(method, args, onToken)
    } catch (error) {
      refuse()
      throw error
    }
  }

  /** What a continuous sampler was doing in replica `k` after its last step there; undefined if there was none. */
  load(k: number, sampler: number): ContinuousLoad | undefined {
    return this.#replicas[k]!.loads.get(sampler)
  }

  /**
   * Makes a change in all replicas, or in none if `prepare` fails in any of them. If `commit` fails in one, their weights
   * may differ, so every later call fails with its error.
   */
  async change<M extends 'prepareStep' | 'prepareLoad'>(
    prepare: M,
    ...args: Arguments<M>
  ): Promise<Result<M>> {
    const prepared = await this.all(prepare, ...args)
    try {
      await this.all('commit')
    } catch (error) {
      this.#diverged = error as Error
      throw error
    }
    return prepared
  }

  /**
   * Drops prepared changes and accumulated gradients in all replicas, after an error. If this fails in one, they may differ,
   * so every later call fails with its error.
   */
  async abandon(): Promise<void> {
    try {
      await this.all('abandon')
    } catch (error) {
      this.#diverged ??= error as Error
    }
  }

  /** Makes pending and later calls that compute fail with `reason`. */
  cancel(reason: unknown): void {
    this.#cancelled ??= { reason }
    for (const replica of this.#replicas) replica.cancel()
  }

  /** Why replicas can no longer be called: one of them has died, a change failed halfway, or they were closed. */
  get dead(): Error | null {
    for (const { dead } of this.#replicas) if (dead) return dead
    return this.#diverged
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.close()))
  }
}
