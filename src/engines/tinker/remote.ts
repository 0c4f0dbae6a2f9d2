import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type TinkerClient, TinkerError, type TinkerSession } from '../../tinker/index.ts'

/** How often work is begun again after the server lost what it needs. */
const TRIES = 4
/** Seconds that the server has to delete weights. */
const DELETING = 10

/**
 * A session that is opened again when the server loses it, or the model. Work runs in it and is repeated in the new one, so
 * that it must be safe to repeat.
 */
export class Remote {
  readonly client: TinkerClient
  readonly #warn: (line: string) => void
  readonly #stopping = new AbortController()
  #session: TinkerSession
  #epoch = 0
  #recovering: Promise<void> | null = null
  /** Creates again what a session needs; set by whoever keeps state there. */
  rebuild: (session: TinkerSession) => Promise<void> = async () => {}

  private constructor(client: TinkerClient, session: TinkerSession, warn: (line: string) => void) {
    this.client = client
    this.#session = session
    this.#warn = warn
    // each call under way listens
    setMaxListeners(0, this.stopped)
  }

  static async open(client: TinkerClient, warn: (line: string) => void): Promise<Remote> {
    return new Remote(client, await client.openSession(), warn)
  }

  /** The number of sessions before this one: what belongs to another is of no use. */
  get epoch(): number {
    return this.#epoch
  }

  /** Aborted once the engine is cancelled or closed. */
  get stopped(): AbortSignal {
    return this.#stopping.signal
  }

  /** Fails all calls from now on. */
  stop(reason: unknown): void {
    this.#stopping.abort(reason)
  }

  /** @throws what it was stopped with. */
  check(): void {
    this.stopped.throwIfAborted()
  }

  /**
   * Runs `work`, and again after a failure that a new session may mend.
   *
   * @param stoppable false: it goes on although the engine was cancelled, as saving does.
   */
  async run<T>(work: (session: TinkerSession) => Promise<T>, stoppable = true): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      if (stoppable) this.check()
      const epoch = this.#epoch
      try {
        return await work(this.#session)
      } catch (error) {
        if (stoppable) this.check()
        if (!isMendable(error) || attempt === TRIES) throw error
        await this.#recover(epoch, error)
      }
    }
  }

  /** Lets the server delete weights that nobody needs any more. Not all servers do. */
  discard(uri: string): void {
    this.client.deleteCheckpoint(uri, { signal: AbortSignal.timeout(1000 * DELETING) }).catch(() => {})
  }

  async close(): Promise<void> {
    await this.#session.close()
  }

  /** Opens a new session in the place of the one that failed, once, however many calls have failed in it. */
  async #recover(epoch: number, error: TinkerError): Promise<void> {
    if (epoch !== this.#epoch) return
    this.#recovering ??= this.#reopen(error).finally(() => {
      this.#recovering = null
    })
    return this.#recovering
  }

  async #reopen(error: TinkerError): Promise<void> {
    this.#warn(`${error.message}; going on from the last saved state`)
    for (let attempt = 1; ; attempt++) {
      try {
        // a model that the server still has would keep its place there
        await this.#session.close()
        this.#session = await this.client.openSession()
        await this.rebuild(this.#session)
        this.#epoch++
        this.#warn('the training has been restored on the server')
        return
      } catch (failure) {
        if (!isMendable(failure) || attempt === TRIES) throw failure
        await sleep(1000 * 2 ** attempt)
      }
    }
  }
}

/** Can a new session mend it? */
function isMendable(error: unknown): error is TinkerError {
  return error instanceof TinkerError && ['lost', 'server', 'unknown-outcome'].includes(error.kind)
}
