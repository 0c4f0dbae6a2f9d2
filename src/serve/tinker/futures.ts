import { randomUUID } from 'node:crypto'
import type { ForwardBackwardOutput, SampleResponse } from '../../tinker/protocol/index.ts'
import { RequestError } from '../problem.ts'

/** What the work of a request resulted in. Two kinds can be sent as protobuf. */
export type Result =
  | { readonly kind: 'json'; readonly body: object }
  | { readonly kind: 'sample'; readonly value: SampleResponse }
  | { readonly kind: 'output'; readonly value: ForwardBackwardOutput }

/** How a request ended. */
export type Settled =
  | { readonly result: Result }
  /** `user`: the request was at fault. */
  | { readonly error: string; readonly category: 'user' | 'server' }

interface Future {
  /** The session that it belongs to; null: to none. */
  readonly owner: string | null
  readonly work: AbortController
  readonly settles: Promise<void>
  settled: Settled | null
  bytes: number
  isRead: boolean
}

export interface FutureLimits {
  /** Requests whose result is not there yet. */
  readonly pending: number
  /** Memory of results that are kept. */
  readonly resultBytes: number
}

/**
 * The requests that are worked on, and their results, which are kept so that a client whose connection broke can ask again:
 * until their session ends or, if memory is short, those that were read first, the oldest of them first.
 */
export class Futures {
  readonly #futures = new Map<string, Future>()
  #pending = 0
  #bytes = 0

  /** @param explain What is told to a client about an error. */
  constructor(
    private readonly limits: FutureLimits,
    private readonly explain: (error: unknown) => Settled,
  ) {}

  get pending(): number {
    return this.#pending
  }

  /**
   * Begins work and returns the name of its future.
   *
   * @throws RequestError if too much work waits already.
   */
  begin(owner: string | null, run: (signal: AbortSignal) => Promise<Result>): string {
    if (this.#pending >= this.limits.pending)
      throw new RequestError('queueFull', `${this.#pending} requests wait already; try again later`, {
        headers: { 'retry-after': '1' },
      })
    const id = randomUUID()
    const work = new AbortController()
    this.#pending++
    const settles = run(work.signal)
      .then((result): Settled => ({ result }))
      .catch(this.explain)
      .then((settled) => {
        this.#pending--
        future.settled = settled
        future.bytes = 'result' in settled ? sizeOf(settled.result) : settled.error.length
        if (this.#futures.has(id)) {
          this.#bytes += future.bytes
          this.#shrink()
        }
      })
    const future: Future = { owner, work, settles, settled: null, bytes: 0, isRead: false }
    this.#futures.set(id, future)
    return id
  }

  /**
   * How a request ended, or null if it has not within so many milliseconds, or before `signal` is aborted.
   *
   * @throws RequestError if there is no such future (410): the client should send the request again.
   */
  async wait(id: string, milliseconds: number, signal: AbortSignal): Promise<Settled | null> {
    const future = this.#find(id)
    if (!future.settled) await first(future.settles, milliseconds, signal)
    if (!future.settled) return null
    future.isRead = true
    return future.settled
  }

  /** The session that a future belongs to. @throws RequestError as `wait` does. */
  ownerOf(id: string): string | null {
    return this.#find(id).owner
  }

  /** Stops the work of a future. Does nothing if there is no such future. */
  cancel(id: string, reason: unknown): void {
    this.#futures.get(id)?.work.abort(reason)
  }

  /** Stops the work of a session and drops its results. */
  end(owner: string, reason: unknown): void {
    for (const [id, future] of this.#futures)
      if (future.owner === owner) {
        future.work.abort(reason)
        this.#drop(id)
      }
  }

  /** Stops all work. */
  endAll(reason: unknown): void {
    for (const { work } of this.#futures.values()) work.abort(reason)
  }

  #find(id: string): Future {
    const future = this.#futures.get(id)
    if (!future)
      throw new RequestError(
        'gone',
        'there is no result under this request_id: its session has ended, or the server was started again; send the request again',
        { field: 'request_id' },
      )
    return future
  }

  #shrink(): void {
    for (const isRead of [true, false])
      for (const [id, future] of this.#futures) {
        if (this.#bytes <= this.limits.resultBytes) return
        if (future.settled && future.isRead === isRead) this.#drop(id)
      }
  }

  #drop(id: string): void {
    this.#bytes -= this.#futures.get(id)?.bytes ?? 0
    this.#futures.delete(id)
  }
}

/** Resolves when `settles` does, the time is over, or the signal is aborted. */
function first(settles: Promise<void>, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
    void settles.then(done)
  })
}

/** About how much memory a result takes. */
function sizeOf(result: Result): number {
  if (result.kind === 'json') return 1_000
  if (result.kind === 'output')
    return result.value.loss_fn_outputs
      .flatMap((fields) => Object.values(fields))
      .reduce((bytes, { data }) => bytes + data.length * 8 + 100, 1_000)
  const { sequences, prompt_logprobs, topk_prompt_logprobs } = result.value
  const topK = (topk_prompt_logprobs ?? []).reduce((bytes, pairs) => bytes + (pairs?.length ?? 0) * 64, 0)
  return (
    sequences.reduce((bytes, { tokens }) => bytes + tokens.length * 16, 1_000) +
    topK +
    (prompt_logprobs?.length ?? 0) * 8
  )
}
