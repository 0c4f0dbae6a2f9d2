import { Queue } from '../../common/queue.ts'
import { collect } from '../collect.ts'
import type { TextEvent, TextModel, TextRequest, TextResponse, TextUsage } from '../model.ts'
import { type LeftUsage, plus, sumUsage } from './usage.ts'

/** A response that ended, or failed. */
export type Outcome = Sampled | { readonly index: number; readonly error: unknown }

/** A response that ended. */
export interface Sampled {
  readonly index: number
  readonly response: TextResponse
  /** Its pieces and calls, in their order. */
  readonly events: readonly TextEvent[]
}

/** Several responses to one request, sampled together. */
export class Samples {
  readonly #model: TextModel
  readonly #request: TextRequest
  readonly #count: number
  readonly #ended: TextUsage[] = []
  /** Tokens of responses that have not ended. */
  readonly #running = new Map<number, LeftUsage>()

  constructor(model: TextModel, request: TextRequest, count: number) {
    this.#model = model
    this.#request = request
    this.#count = count
  }

  /**
   * The responses in the order in which they end. Response i of sample s of the request uses the random stream
   * (seed, s · count + i). Leaving the iteration aborts those that have not ended.
   */
  async *outcomes(): AsyncGenerator<Outcome, void, undefined> {
    const { sample = 0, signal } = this.#request
    const leaving = new AbortController()
    const either = signal ? AbortSignal.any([signal, leaving.signal]) : leaving.signal
    const outcomes = new Queue<Outcome>()
    for (let index = 0; index < this.#count; index++) {
      const request: TextRequest = {
        ...this.#request,
        sample: sample * this.#count + index,
        whole: true,
        signal: either,
      }
      this.#read(request, index).then(
        (sampled) => outcomes.push(sampled),
        (error) => outcomes.push({ index, error }),
      )
    }
    try {
      let ended = 0
      for await (const outcome of outcomes) {
        signal?.throwIfAborted()
        yield outcome
        if (++ended === this.#count) return
      }
    } finally {
      leaving.abort()
    }
  }

  /** The tokens of all responses, also of those that were aborted. */
  usage(): TextUsage {
    return sumUsage(this.#ended, [...this.#running.values()])
  }

  async #read(request: TextRequest, index: number): Promise<Sampled> {
    const events: TextEvent[] = []
    const running = this.#running
    running.set(index, { completionTokens: 0, thinkingTokens: 0 })
    async function* counted(source: AsyncIterable<TextEvent>): AsyncGenerator<TextEvent> {
      for await (const event of source) {
        if (event.type === 'thinking' || event.type === 'answer') {
          const { completionTokens, thinkingTokens } = running.get(index)!
          running.set(index, {
            completionTokens: plus(completionTokens, event.tokens),
            thinkingTokens: event.type === 'answer' ? thinkingTokens : plus(thinkingTokens, event.tokens),
          })
        }
        yield event
      }
    }
    const response = await collect(recorded(counted(this.#model.respond(request)), events))
    running.delete(index)
    this.#ended.push(response.end.usage)
    return { index, response, events }
  }
}

/** Is a score known? */
export const isKnown = (score: number | null): score is number => score !== null && !Number.isNaN(score)

/** Passes a response on, and adds its pieces and calls to `events`. */
export async function* recorded(
  source: AsyncIterable<TextEvent>,
  events: TextEvent[],
): AsyncGenerator<TextEvent> {
  for await (const event of source) {
    if (event.type !== 'progress' && event.type !== 'end') events.push(event)
    yield event
  }
}

/** The first line of an error, for people. */
export const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0]!
