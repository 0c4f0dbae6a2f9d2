import { plural } from '../common/words.ts'
import type { TextModel, TextUsage } from '../thinking/model.ts'

/** Tokens and money that a model used. */
export interface Spending {
  /** Responses from the model. */
  readonly calls: number
  /** Failed attempts, which a provider may charge for. */
  readonly failed: number
  /** Responses from the cache. */
  readonly cached: number
  /** Responses whose tokens the provider did not say; the counts below are without them. */
  readonly uncounted: number
  readonly promptTokens: number
  /** Thinking included. */
  readonly completionTokens: number
  /** In the currency of the prices; `null` without prices, or if a response was not counted. */
  readonly cost: number | null
}

/** Prices per million tokens. */
export interface Prices {
  readonly prompt: number
  /** Of prompt tokens that the provider had in its cache; by default the same. */
  readonly cachedPrompt?: number | undefined
  readonly completion: number
}

/** The counts of a response that cost money. */
export type Usage = Pick<TextUsage, 'promptTokens' | 'completionTokens'> &
  Partial<Pick<TextUsage, 'cachedTokens'>>

/** Adds up the tokens and the cost of responses. */
export class Account {
  failed = 0
  #calls = 0
  #uncounted = 0
  #promptTokens = 0
  #cachedTokens = 0
  #completionTokens = 0
  readonly #prices: Prices | null

  constructor(prices: Prices | null) {
    this.#prices = prices
  }

  add(usage: Usage | null): void {
    this.#calls++
    if (usage === null || usage.promptTokens === null || usage.completionTokens === null) this.#uncounted++
    this.#promptTokens += usage?.promptTokens ?? 0
    this.#cachedTokens += usage?.cachedTokens ?? 0
    this.#completionTokens += usage?.completionTokens ?? 0
  }

  spent(): Spending {
    return {
      calls: this.#calls,
      failed: this.failed,
      cached: 0,
      uncounted: this.#uncounted,
      promptTokens: this.#promptTokens,
      completionTokens: this.#completionTokens,
      cost: this.#prices !== null && this.#uncounted === 0 ? this.#costOf(this.#prices) : null,
    }
  }

  #costOf({ prompt, cachedPrompt = prompt, completion }: Prices): number {
    const computed = this.#promptTokens - this.#cachedTokens
    // (p · computed + p_cached · cached + c · completion) / 10⁶
    return (computed * prompt + this.#cachedTokens * cachedPrompt + this.#completionTokens * completion) / 1e6
  }
}

/** A text model that keeps account of what it used. */
export interface MeteredModel extends TextModel {
  /** The tokens and money used so far. */
  spent(): Spending
}

/** The model, with every response added to the account. */
export function metered(model: TextModel, account: Account): MeteredModel {
  return {
    name: model.name,
    identity: model.identity,
    can: model.can,
    async *respond(request) {
      for await (const event of model.respond(request)) {
        if (event.type === 'end') account.add(event.usage)
        yield event
      }
    },
    ...(model.countPrompt ? { countPrompt: model.countPrompt.bind(model) } : {}),
    ...(model.showPrompt ? { showPrompt: model.showPrompt.bind(model) } : {}),
    spent: () => account.spent(),
    close: () => model.close(),
  }
}

/** One line for people: "12 calls (3 failed attempts), 40 from the cache, 5,120 + 840 tokens, cost 0.0031". */
export function describeSpending({
  calls,
  failed,
  cached,
  uncounted,
  promptTokens,
  completionTokens,
  cost,
}: Spending): string {
  const n = (count: number) => count.toLocaleString('en-US')
  return [
    `${n(calls)} ${calls === 1 ? 'call' : 'calls'}${failed > 0 ? ` (${plural(failed, 'failed attempt')})` : ''}`,
    ...(cached > 0 ? [`${n(cached)} from the cache`] : []),
    `${n(promptTokens)} + ${n(completionTokens)} tokens${uncounted > 0 ? ` (${plural(uncounted, 'response')} not counted)` : ''}`,
    `cost ${cost === null ? 'unknown' : cost.toFixed(4)}`,
  ].join(', ')
}
