import { plural } from '../common/words.ts'
import type { ChatMessage } from '../renderer/messages.ts'

/** A model that replies to messages, on this machine or behind an API. */
export interface Generator {
  /** Everything that a reply depends on besides the messages and the seed: the model and its settings. Has no secrets. */
  readonly identity: string
  /** Replies to the messages; a different `seed` gives a different reply to the same messages. */
  generate(messages: readonly ChatMessage[], options: { readonly seed: number }): Promise<Generation>
  /** The tokens and money used so far. */
  spent(): Spending
  close(): Promise<void>
}

/** A reply. */
export interface Generation {
  /** The text after the thinking; empty if the thinking did not end. */
  readonly text: string
  /** The thinking, or `null` if there is none. */
  readonly reasoning: string | null
  /** `length`: cut off at the maximum length; `content_filter`: withheld by the provider. */
  readonly finishReason: FinishReason
  /** Tokens of the prompt and of the reply (including the thinking); `null` if the provider does not say. */
  readonly usage: Usage | null
}

/** The reply of a model whose messages leave no room for one: cut off before it began. */
export const NO_REPLY: Generation = { text: '', reasoning: null, finishReason: 'length', usage: null }

export const FINISH_REASONS = ['stop', 'length', 'content_filter'] as const
export type FinishReason = (typeof FINISH_REASONS)[number]

export interface Usage {
  readonly promptTokens: number
  readonly completionTokens: number
}

export interface Spending {
  /** Replies from the model. */
  readonly calls: number
  /** Failed attempts, which a provider may charge for. */
  readonly failed: number
  /** Replies from the cache. */
  readonly cached: number
  readonly promptTokens: number
  readonly completionTokens: number
  /** In the currency of the prices; `null` without prices, or if the provider did not say how many tokens it used. */
  readonly cost: number | null
}

/** Prices per million tokens. */
export interface Prices {
  readonly prompt: number
  readonly completion: number
}

/** Adds up the tokens and the cost of replies. */
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

/** One line for people: "12 calls (3 failed attempts), 40 from the cache, 5,120 + 840 tokens, cost 0.0031". */
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
    `${n(calls)} ${calls === 1 ? 'call' : 'calls'}${failed > 0 ? ` (${plural(failed, 'failed attempt')})` : ''}`,
    ...(cached > 0 ? [`${n(cached)} from the cache`] : []),
    `${n(promptTokens)} + ${n(completionTokens)} tokens`,
    `cost ${cost === null ? 'unknown' : cost.toFixed(4)}`,
  ].join(', ')
}
