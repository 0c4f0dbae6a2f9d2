import { UserError } from '../../common/errors.ts'
import { startThread, type Thread } from './thread.ts'
import type { Call, EngineOptions, Reply } from './worker.ts'

type Streamed = Extract<Reply, { token: number }>

/** An engine in a thread of its own. Calls are answered in order; a thread that dies fails all of them. */
export class Remote {
  #next = 0
  #open = new Map<
    number,
    { resolve(v: unknown): void; reject(e: unknown): void; onToken?: ((s: Streamed) => void) | undefined }
  >()
  #dead: Error | null = null
  readonly #thread: Thread

  constructor(options: EngineOptions) {
    this.#thread = startThread((error) => this.#fail(error))
    const { port } = this.#thread
    port.on('message', (reply: Reply) => {
      const call = this.#open.get(reply.id)!
      if ('token' in reply) return call.onToken?.(reply)
      this.#open.delete(reply.id)
      if (this.#open.size === 0) this.#thread.awaited(false)
      if ('error' in reply) call.reject(revive(reply.error))
      else call.resolve(reply.value)
    })
    port.unref()
    port.postMessage(options)
  }

  call(method: Call['method'], args: readonly unknown[], onToken?: (s: Streamed) => void): Promise<unknown> {
    if (this.#dead) return Promise.reject(this.#dead)
    return new Promise((resolve, reject) => {
      const id = this.#next++
      this.#open.set(id, { resolve, reject, onToken })
      this.#thread.awaited(true)
      this.#thread.port.postMessage({ id, method, args } satisfies Call)
    })
  }

  async close(): Promise<void> {
    await this.#thread.terminate()
    this.#fail(new Error('the engine was closed'))
  }

  #fail(error: Error): void {
    this.#dead ??= error
    for (const { reject } of this.#open.values()) reject(error)
    this.#open.clear()
  }
}

function revive({ message, stack, user }: Extract<Reply, { error: unknown }>['error']): Error {
  return user ? new UserError(message) : Object.assign(new Error(message), { stack })
}
