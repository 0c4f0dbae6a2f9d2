import { Budget, TooLarge } from './budget.ts'
import type { Token } from './tokens.ts'

/** What was written cannot be read. Never leaves this folder. */
export class Unreadable extends Error {}

const MAX_DEPTH = 120

/** A position among tokens, with the limits of reading. */
export class Cursor {
  readonly #tokens: Token[]
  #at = 0
  #depth = 0
  readonly budget = new Budget(20_000)
  /** Inside |…|, a bar closes; in a set builder, a bar or colon ends the item; in a matrix, rows end items. */
  bars = 0
  /** How many brackets are open; in `]a, b[`, the bracket that opens elsewhere closes. */
  brackets = 0
  french = false
  builder = false
  matrix = false
  /** A sign of money was read in the current item. */
  currency: string | null = null

  constructor(tokens: readonly Token[]) {
    this.#tokens = [...tokens]
  }

  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead]
  }
  next(): Token {
    const token = this.#tokens[this.#at++]
    if (!token) throw new Unreadable('it ends too early')
    return token
  }
  get done(): boolean {
    return this.#at >= this.#tokens.length
  }
  /** Is the next token this mark or command? */
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
  /** Takes the next token if it is this one. */
  take(kind: Token['kind'], text: string): boolean {
    if (!this.is(kind, text)) return false
    this.#at++
    return true
  }
  /** Takes a closing brace; at the end of the text it may be missing. */
  closeBrace(): void {
    if (!this.take('mark', '}') && !this.done) throw new Unreadable(`unexpected "${this.peek()!.text}"`)
  }
  /** Puts a token in the place of the next one. */
  replace(token: Token): void {
    this.#tokens[this.#at] = token
  }
  /** Goes one level deeper for the time of `read`. */
  nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw new TooLarge('the depth')
    this.budget.spend()
    try {
      return read()
    } finally {
      this.#depth--
    }
  }
  /** Reads with other settings, which are then restored. */
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
