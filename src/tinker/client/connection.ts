import { setMaxListeners } from 'node:events'
import pLimit, { type LimitFunction } from 'p-limit'
import { type FutureOptions, type ResultOf, retrieve, submit } from './futures.ts'
import { linked } from './signals.ts'
import type { Call, Reply, Transport } from './transport.ts'

/** What a session, its models and its samplers share: calls that end with the session. */
export class Connection {
  readonly sessionId: string
  /** Limits how many requests for samples are under way. */
  readonly limit: LimitFunction
  readonly transport: Transport
  readonly #ended = new AbortController()
  #samplers = 0

  constructor(transport: Transport, sessionId: string, concurrency: number) {
    this.transport = transport
    this.sessionId = sessionId
    this.limit = pLimit(concurrency)
    // each call under way listens
    setMaxListeners(0, this.ended)
  }

  /** The address of the server, for messages. */
  get server(): string {
    return this.transport.server
  }

  /** Aborted with the reason once the session has ended. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  /** Ends the calls under way, and fails later ones. */
  end(reason: Error): void {
    this.#ended.abort(reason)
  }

  /** The number of the next sampler. */
  samplerNumber(): number {
    return this.#samplers++
  }

  call(call: Call): Promise<Reply> {
    return this.#within(call.signal, (signal) => this.transport.call({ ...call, signal }))
  }

  /** Submits work. @returns the name of its future. */
  submitted(call: Call): Promise<string> {
    return this.#within(call.signal, (signal) => submit(this.transport, { ...call, signal }))
  }

  /** Waits for the result of submitted work; `again` submits it again. */
  result<T>(
    requestId: string,
    result: ResultOf<T>,
    again: () => Promise<string>,
    options: FutureOptions = {},
  ): Promise<T> {
    return this.#within(options.signal, (signal) =>
      retrieve(this.transport, requestId, result, again, { ...options, signal }),
    )
  }

  /** Submits work and waits for its result. */
  async future<T>(call: Call, result: ResultOf<T>): Promise<T> {
    const again = () => this.submitted(call)
    return this.result(await again(), result, again, { signal: call.signal })
  }

  async #within<T>(outer: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal, release } = linked(this.#ended.signal, outer)
    try {
      return await work(signal)
    } finally {
      release()
    }
  }
}
