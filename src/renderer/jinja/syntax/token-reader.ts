import { fail } from '../errors.ts'
import type { Token } from './lexer.ts'

/** Reads tokens one by one. */
export class TokenReader {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  /** The next token. */
  get now(): Token {
    return this.#tokens[this.#at]!
  }

  /** The token after the next one. */
  get following(): Token | undefined {
    return this.#tokens[this.#at + 1]
  }

  /** The token that was taken last. */
  get last(): Token {
    return this.#tokens[this.#at - 1]!
  }

  skip(): void {
    this.#at++
  }

  /** @throws JinjaError with the line of the next token. */
  error(message: string): never {
    return fail(message, this.now.line)
  }

  unexpected(expected?: string): never {
    return this.error(`unexpected ${nameOf(this.now)}${expected ? `, expected ${expected}` : ''}`)
  }

  /** Is the next token of this type and, if values are given, one of them? */
  is(type: Token['type'], ...values: string[]): boolean {
    return this.now.type === type && (values.length === 0 || values.includes(this.now.value))
  }

  /** Takes the next token if `is` is true of it. */
  take(type: Token['type'], ...values: string[]): Token | null {
    return this.is(type, ...values) ? this.#tokens[this.#at++]! : null
  }

  /** Takes the next token. @throws JinjaError if `is` is false of it. */
  expect(type: Token['type'], value?: string): Token {
    return (
      this.take(type, ...(value === undefined ? [] : [value])) ??
      this.unexpected(value ? `'${value}'` : WORDS[type])
    )
  }
}

const WORDS: Readonly<Record<string, string>> = {
  variable_end: "'}}'",
  block_end: "'%}'",
  name: 'a name',
  end: 'the end of the template',
}

/** A token in a message. */
export const nameOf = ({ type, value }: Token): string =>
  type === 'string' ? `string ${JSON.stringify(value)}` : (WORDS[type === 'name' ? '' : type] ?? `'${value}'`)
