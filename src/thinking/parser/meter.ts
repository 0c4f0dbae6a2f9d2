import type { Piece } from './parser.ts'

/** How much of a response one part of it was. */
export interface PartStatistics {
  /** Seconds from the first piece of this type to the next piece of the other type, or to the end; 0 if there is none. */
  readonly seconds: number
  /** null if it is unknown for a piece. */
  readonly tokens: number | null
  /** UTF-16 code units. */
  readonly characters: number
}

export interface ThinkingStatistics {
  /** Seconds until the first piece; null if none has come. */
  readonly firstSeconds: number | null
  readonly thinking: PartStatistics
  readonly answer: PartStatistics
}

interface Count {
  seconds: number
  tokens: number | null
  characters: number
}

/** Measures a response while it comes. `now` is a clock in milliseconds. The time starts when the meter is made. */
export class ThinkingMeter {
  readonly #now: () => number
  readonly #start: number
  #first: number | null = null
  #type: Piece['type'] | null = null
  #since = 0
  readonly #counts: Record<Piece['type'], Count> = {
    thinking: { seconds: 0, tokens: 0, characters: 0 },
    answer: { seconds: 0, tokens: 0, characters: 0 },
  }

  constructor({ now = () => performance.now() }: { readonly now?: () => number } = {}) {
    this.#now = now
    this.#start = now()
  }

  /** Counts a piece that has just come, with its number of tokens if it is known. */
  push({ type, text, tokens = null }: Piece & { readonly tokens?: number | null | undefined }): void {
    const now = this.#now()
    this.#first ??= now
    if (type !== this.#type) this.#switch(type, now)
    const count = this.#counts[type]
    count.characters += text.length
    count.tokens = tokens === null || count.tokens === null ? null : count.tokens + tokens
  }

  /** Ends the measurement: the time of the last part no longer grows. */
  end(): void {
    this.#switch(null, this.#now())
  }

  /** What has been measured so far, with the time up to now. */
  get statistics(): ThinkingStatistics {
    return {
      firstSeconds: this.#first === null ? null : (this.#first - this.#start) / 1000,
      thinking: this.#part('thinking'),
      answer: this.#part('answer'),
    }
  }

  #part(type: Piece['type']): PartStatistics {
    const count = this.#counts[type]
    const running = this.#type === type ? (this.#now() - this.#since) / 1000 : 0
    return { ...count, seconds: count.seconds + running }
  }

  #switch(type: Piece['type'] | null, now: number): void {
    if (this.#type !== null) this.#counts[this.#type].seconds += (now - this.#since) / 1000
    this.#type = type
    this.#since = now
  }
}
