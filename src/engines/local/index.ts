import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { UserError } from '../../errors.ts'
import type { ModelConfig } from '../../models/config.ts'
import type { SampledSequence, SampleOptions, Sampler, Trainer } from '../contract.ts'
import type { Call, Reply } from './worker.ts'

export interface OpenOptions {
  /** A Hugging Face directory, or weights in memory (with the folder of their tokenizer, if any). */
  readonly model:
    | string
    | { config: ModelConfig; parameters: Map<string, Float32Array>; tokenizerFrom?: string }
  /** Threads of the runtime; the number of cores unless told. Results are the same bit for bit for the same number. */
  readonly threads?: number
}

/** The worker's code: beside this file when built; in the build when this runs from its TypeScript sources. */
function workerFile(): string {
  const file = fileURLToPath(
    new URL(
      import.meta.url.endsWith('.ts') ? '../../../dist/engines/local/worker.js' : './worker.js',
      import.meta.url,
    ),
  )
  if (!existsSync(file)) throw new Error('the engine worker is not built; run: npm run build')
  return file
}

/** Opens a model for training and sampling in a worker thread. */
export async function openLocalTrainer({
  model,
  threads = Math.min(availableParallelism(), 8),
}: OpenOptions): Promise<Trainer> {
  const worker = new Worker(workerFile(), { workerData: { model, threads } })
  const remote = new Remote(worker)
  let version = 0

  const sampler = (born: number): Sampler => {
    let queue: {
      request: { prompt: Int32Array; options: Omit<SampleOptions, 'onToken'>; stream: boolean }
      onToken: SampleOptions['onToken']
      resolve(s: SampledSequence[]): void
      reject(e: unknown): void
    }[] = []
    const current = () => {
      if (born !== version)
        throw new Error('this sampler is of an earlier policy; ask the trainer for a new one')
    }
    const flush = () => {
      const batch = queue
      queue = []
      remote
        .call('sample', [batch.map((b) => b.request)], ({ request, index, token }) =>
          batch[request]!.onToken?.(index, token),
        )
        .then(
          (all) => (all as SampledSequence[][]).forEach((s, i) => void batch[i]!.resolve(s)),
          (error) => batch.forEach((b) => void b.reject(error)),
        )
    }
    return {
      async sample(prompt, { onToken, ...options }) {
        current()
        return new Promise((resolve, reject) => {
          if (queue.length === 0) setImmediate(flush)
          queue.push({
            request: { prompt, options, stream: onToken !== undefined },
            onToken,
            resolve,
            reject,
          })
        })
      },
      async logprobs(tokens) {
        current()
        return (await remote.call('logprobs', [tokens])) as Float32Array
      },
    }
  }

  return {
    forwardBackward: (datums, objective) => remote.call('forwardBackward', [datums, objective]) as never,
    forward: (datums, options) => remote.call('forward', [datums, options?.weights ?? 'policy']) as never,
    optimStep: (adam) => {
      version++
      return remote.call('optimStep', [adam]) as never
    },
    refreshReference: () => remote.call('refreshReference', []) as never,
    save: (directory, options) => remote.call('save', [directory, options ?? {}]) as never,
    load: (directory) => {
      version++
      return remote.call('load', [directory]) as never
    },
    sampler: async () => sampler(version),
    close: async () => void (await worker.terminate()),
  }
}

type Streamed = Extract<Reply, { token: number }>

/** Calls into the worker, answered in order; a worker that dies fails all of them. */
class Remote {
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

  #fail(error: Error): void {
    this.#dead ??= error
    for (const { reject } of this.#open.values()) reject(error)
    this.#open.clear()
  }
}

function revive({ message, stack, user }: Extract<Reply, { error: unknown }>['error']): Error {
  return user ? new UserError(message) : Object.assign(new Error(message), { stack })
}
