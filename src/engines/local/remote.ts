import type { Worker } from 'node:worker_threads'
import { UserError } from '../../errors.ts'
import type { Call, Reply } from './worker.ts'

type Streamed = Extract<Reply, { token: number }>

/** Calls into a worker, answered in order; a worker that dies fails all of them. */
export class Remote {
  #next = 0
  #open = new Map<
    number,
    { resolve(v: unknown): void; reject(e: unknown): void; onToken?: ((s: Streamed) => void) | undefined }
  >()
  #dead: Error | null = null
  readonly #worker: Worker

  constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (reply: Reply) => {
      const call = this.#open.get(reply.id)!
      if ('token' in reply) return call.onToken?.(reply)
      this.#open.delete(reply.id)
      if (this.#open.size === 0) worker.unref()
      if ('error' in reply) call.reject(revive(reply.error))
      else call.resolve(reply.value)
    })
    worker.on('error', (error) => this.#fail(error instanceof Error ? error : new Error(String(error))))
    worker.on('exit', (code) => this.#fail(new Error(`the engine's thread ended (code ${code})`)))
  }

  call(method: Call['method'], args: readonly unknown[], onToken?: (s: Streamed) => void): Promise<unknown> {
    if (this.#dead) return Promise.reject(this.#dead)
    return new Promise((resolve, reject) => {
      const id = this.#next++
      this.#open.set(id, { resolve, reject, onToken })
      this.#worker.ref()
      this.#worker.postMessage({ id, method, args } satisfies Call)
    })
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
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
