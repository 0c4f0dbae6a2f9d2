/*
 * Stops a thread while it computes. The thread must end by itself: terminating a thread that is inside the runtime aborts
 * the process.
 */

const [STOP, BUSY, CANCEL] = [0, 1, 2]

/** Flags in memory that both threads share. */
export const stopFlags = (): SharedArrayBuffer => new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT)

/** Stops a thread from outside. */
export class Stopper {
  readonly #flags: Int32Array
  constructor(flags: SharedArrayBuffer) {
    this.#flags = new Int32Array(flags)
  }

  /** The thread ends its current call early and starts no further call. */
  stop(): void {
    Atomics.store(this.#flags, STOP, 1)
  }

  /** The thread ends its current call early, and starts no further one, if it can be cancelled. */
  cancel(): void {
    Atomics.store(this.#flags, CANCEL, 1)
  }

  /** Like `stop`, but blocks until the thread has left the runtime. */
  stopNow(): void {
    this.stop()
    while (Atomics.load(this.#flags, BUSY) === 1) Atomics.wait(this.#flags, BUSY, 1)
  }
}

/** Used by the thread that is to be stopped. */
export class Stoppable {
  readonly #flags: Int32Array
  constructor(flags: SharedArrayBuffer) {
    this.#flags = new Int32Array(flags)
  }

  /** Runs `work`, unless the thread was stopped. */
  run(work: () => void): void {
    Atomics.store(this.#flags, BUSY, 1)
    try {
      if (!this.#stopped()) work()
    } finally {
      Atomics.store(this.#flags, BUSY, 0)
      Atomics.notify(this.#flags, BUSY)
    }
  }

  /** @throws Error if the thread was stopped or, for a call that can be cancelled, if calls were. */
  check(cancellable: boolean): void {
    if (this.#stopped()) throw new Error('the engine was closed')
    if (cancellable && Atomics.load(this.#flags, CANCEL) === 1) throw new Error('the call was cancelled')
  }

  #stopped(): boolean {
    return Atomics.load(this.#flags, STOP) === 1
  }
}
