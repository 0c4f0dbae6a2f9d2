import type { ChatMessage } from '../models/tokenizer.ts'

/** Text generation by a model, wherever it runs: messages in, a reply out. */
export interface Generator {
  /** All that decides a reply besides the messages and the seed: which model, with what settings. Holds no secret. */
  readonly identity: string
  /** Another `seed` asks for another reply to the same messages. */
  generate(messages: readonly ChatMessage[], options: { readonly seed: number }): Promise<Generation>
  /** What it has cost so far. */
  spent(): Spending
  close(): Promise<void>
}

/** A reply. */
export interface Generation {
  /** What comes after the thinking; empty where the thinking did not end. */
  readonly text: string
  /** The thinking, or `null` where the model showed none. */
  readonly reasoning: string | null
  /** `length`: cut off at the longest reply; `content_filter`: withheld by the provider. */
  readonly finishReason: FinishReason
  /** Tokens read and written (thinking included); `null` where the provider does not say. */
  readonly usage: Usage | null
}

export const FINISH_REASONS = ['stop', 'length', 'content_filter'] as const
export type FinishReason = (typeof FINISH_REASONS)[number]

export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
}

export interface Spending {
  /** Replies that the model gave. */
  readonly calls: number
  /** Attempts that failed; a provider may charge for them all the same. */
  readonly failed: number
  /** Replies that were known already. */
  readonly cached: number
  readonly promptTokens: number
  readonly completionTokens: number
  /** In the currency of the prices; `null` without prices, or where a provider did not say how many tokens it used. */
  readonly cost: number | null
}

/** Price of a million tokens. */
export interface Prices {
  readonly prompt: number
  readonly completion: number
}

/** Adds up what replies cost. */
export class Account {
  failed = 0
  #calls = 0
  #unmetered = 0
  #promptTokens = 0
  #completionTokens = 0
  readonly #prices: Prices | null

  constructor(prices: Prices | null) {
    this.#prices = prices
  }

  add(usage: Usage | null): void {
    this.#calls++
    if (!usage) this.#unmetered++
    this.#promptTokens += usage?.promptTokens ?? 0
    this.#completionTokens += usage?.completionTokens ?? 0
  }

  spent(): Spending {
    const known = this.#prices !== null && this.#unmetered === 0
    return {
      calls: this.#calls,
      failed: this.failed,
      cached: 0,
      promptTokens: this.#promptTokens,
      completionTokens: this.#completionTokens,
      cost: known
        ? (this.#promptTokens * this.#prices.prompt + this.#completionTokens * this.#prices.completion) / 1e6
        : null,
    }
  }
}

/** One line for people: "12 calls (3 failed attempts), 40 known already, 5,120 + 840 tokens, cost 0.0031". */
export function describeSpending({
  calls,
  failed,
  cached,
  promptTokens,
  completionTokens,
  cost,
}: Spending): string {
  const n = (count: number) => count.toLocaleString('en-US')
  return [
    `${n(calls)} calls${failed > 0 ? ` (${n(failed)} failed attempts)` : ''}`,
    ...(cached > 0 ? [`${n(cached)} known already`] : []),
    `${n(promptTokens)} + ${n(completionTokens)} tokens`,
    `cost ${cost === null ? 'unknown' : cost.toFixed(4)}`,
  ].join(', ')
}
