import { Budget, TooLarge } from '../terms/budget.ts'
import type { Expression } from '../terms/expression.ts'
import type { Token } from './tokens.ts'

/** The text cannot be read. Always caught in this folder. */
export class Unreadable extends Error {}

const MAX_DEPTH = 120

/** The rules of `parse.ts` that the rules for atoms, units and matrices refer back to. */
export interface Grammar {
  list(c: Cursor): Expression
  item(c: Cursor): Expression
  sum(c: Cursor): Expression
  power(c: Cursor): Expression
  exponent(c: Cursor): Expression
}

/** A position among the tokens, the grammar to read them by, and the limits on the work. */
export class Cursor {
  readonly #tokens: Token[]
  #at = 0
  #depth = 0
  readonly budget = new Budget(20_000)
  /** How many |…| are open: inside them, a bar closes. */
  bars = 0
  /** How many brackets are open. */
  brackets = 0
  /** Inside `]a, b[`, where `[` closes. */
  french = false
  /** Inside a set builder, where a bar or a colon ends the item. */
  builder = false
  /** Inside a matrix, where the end of a row ends the item. */
  matrix = false
  /** The currency sign that was read in the current item. */
  currency: string | null = null

  constructor(
    tokens: readonly Token[],
    readonly grammar: Grammar,
  ) {
    this.#tokens = [...tokens]
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead]
  }
  next(): Token {
    const token = this.#tokens[this.#at++]
    if (!token) throw new Unreadable('it is incomplete')
    return token
  }
  get done(): boolean {
    return this.#at >= this.#tokens.length
  }
  /** Whether the next token, or the one `ahead` of it, is this one. */
  is(kind: Token['kind'], text: string, ahead = 0): boolean {
    const token = this.peek(ahead)
    return token?.kind === kind && token.text === text
  }
  mark(text: string): boolean {
    return this.is('mark', text)
  }
  command(text: string): boolean {
    return this.is('command', text)
  }
  /** Moves past the next token if it is this one. */
  take(kind: Token['kind'], text: string): boolean {
    if (!this.is(kind, text)) return false
    this.#at++
    return true
  }
  /** Moves past a closing brace, which may be missing at the end of the text. */
  closeBrace(): void {
    if (!this.take('mark', '}') && !this.done) throw new Unreadable(`unexpected "${this.peek()!.text}"`)
  }
  /** Replaces the next token. */
  replace(token: Token): void {
    this.#tokens[this.#at] = token
  }
  /** What `read` returns, or `null` without moving if the tokens cannot be read so. */
  attempt<T>(read: () => T): T | null {
    const at = this.#at
    const depth = this.#depth
    try {
      return read()
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      this.#at = at
      this.#depth = depth
      return null
    }
  }
  /** Runs `read` one level deeper. @throws TooLarge */
  nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new TooLarge('the nesting depth')
    this.budget.spend()
    try {
      return read()
    } finally {
      this.#depth--
    }
  }
  /** Runs `read` with other settings, then restores them. */
  within<T>(
    settings: Partial<Pick<Cursor, 'bars' | 'builder' | 'matrix' | 'brackets' | 'french'>>,
    read: () => T,
  ): T {
    const { bars, builder, matrix, brackets, french } = this
    Object.assign(this, settings)
    try {
      return this.nested(read)
    } finally {
      Object.assign(this, { bars, builder, matrix, brackets, french })
    }
  }
}
