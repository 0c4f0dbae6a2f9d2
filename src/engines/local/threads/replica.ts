import { UserError } from '../../../common/errors.ts'
import type { ContinuousLoad } from '../continuous/sampler.ts'
import type { Call, ReplicaMethods, Replies, Reply, SentError, StreamedToken } from './messages.ts'
import { startThread, type Thread } from './thread.ts'

interface Waiting {
  resolve(value: never): void
  reject(error: Error): void
  readonly onToken: ((token: StreamedToken) => void) | undefined
}

/** A replica of a model, in its own thread. Calls are answered in order; if the thread dies, all of them fail. */
export class Replica {
  #next = 0
  readonly #waiting = new Map<number, Waiting>()
  #dead: Error | null = null
  #ended: Promise<void> | null = null
  readonly #thread: Thread
  /** What each continuous sampler was doing after its last step. */
  readonly loads = new Map<number, ContinuousLoad>()

  constructor() {
    this.#thread = startThread((error) => this.#fail(error))
    const { port } = this.#thread
    port.on('message', (replies: Replies) => {
      for (const reply of replies)
        if ('load' in reply) this.loads.set(reply.sampler, reply.load)
        else this.#receive(reply)
    })
    port.unref()
  }

  /** Why calls fail: the thread has died or was closed. Null while it works. */
  get dead(): Error | null {
    return this.#dead
  }

  call<M extends keyof ReplicaMethods>(
    method: M,
    args: Parameters<ReplicaMethods[M]>,
    onToken?: (token: StreamedToken) => void,
  ): Promise<ReturnType<ReplicaMethods[M]>> {
    if (this.#dead) return Promise.reject(this.#dead)
    return new Promise((resolve, reject) => {
      const id = this.#next++
      this.#thread.port.postMessage({ id, method, args } satisfies Call)
      this.#waiting.set(id, { resolve, reject, onToken })
      this.#thread.setAwaited(true)
    })
  }

  /** Ends the current call early, and makes later ones fail, if they can be cancelled. */
  cancel(): void {
    this.#thread.cancel()
  }

  /** Fails pending calls and ends the thread. Resolves once it has ended, also if called again. */
  close(): Promise<void> {
    this.#fail(new Error('the engine was closed'))
    this.#ended ??= this.#thread.end()
    return this.#ended
  }

  #receive(reply: Reply): void {
    const call = this.#waiting.get(reply.id)
    if (!call) return // failed already
    if ('token' in reply) {
      call.onToken?.(reply)
      return
    }
    this.#waiting.delete(reply.id)
    if (this.#waiting.size === 0) this.#thread.setAwaited(false)
    if ('error' in reply) call.reject(received(reply.error))
    else call.resolve(reply.value as never)
  }

  #fail(error: Error): void {
    this.#dead ??= error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

function received({ message, stack, user }: SentError): Error {
  return user ? new UserError(message) : Object.assign(new Error(message), { stack })
}
