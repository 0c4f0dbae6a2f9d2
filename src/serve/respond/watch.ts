import type { ChoiceEvent } from '../dialect.ts'

/** Counts and times the events of a request's responses. */
export class Watch {
  private readonly since = performance.now()
  private first: number | null = null
  private last: number | null = null
  /** Tokens of all responses; null until a response ended, or where unknown. */
  readonly tokens: {
    prompt: number | null
    cached: number | null
    completion: number | null
    thinking: number | null
  } = { prompt: null, cached: null, completion: null, thinking: null }
  constructor(readonly choices: number) {}

  async *over(events: AsyncIterable<ChoiceEvent>): AsyncGenerator<ChoiceEvent> {
    for await (const choiceEvent of events) {
      const { event } = choiceEvent
      if (event.type === 'end') {
        const { promptTokens, cachedTokens, completionTokens, thinkingTokens } = event.usage
        const counts = {
          prompt: promptTokens,
          cached: cachedTokens,
          completion: completionTokens,
          thinking: thinkingTokens,
        }
        for (const [kind, count] of Object.entries(counts) as [keyof typeof counts, number | null][])
          if (count !== null) this.tokens[kind] = (this.tokens[kind] ?? 0) + count
      } else if (event.type !== 'progress') {
        this.last = performance.now()
        this.first ??= this.last
      }
      yield choiceEvent
    }
  }

  get seconds(): number {
    return (performance.now() - this.since) / 1000
  }
  /** null if there was none. */
  get secondsToFirstToken(): number | null {
    return this.first === null ? null : (this.first - this.since) / 1000
  }
  /** Mean seconds between tokens of a response; null if unknown. */
  get secondsPerToken(): number | null {
    const tokens = (this.tokens.completion ?? 0) / this.choices
    if (this.first === null || this.last === null || tokens < 2) return null
    return (this.last - this.first) / 1000 / (tokens - 1)
  }
}
