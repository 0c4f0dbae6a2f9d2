const NEWLINE = 10
const SPACE = 32
const TAB = 9
const RETURN = 13
const APOSTROPHE = 39
const GREATER = 62
const BACKTICK = 96
const TILDE = 126

/** The characters that end a quotation, by those that begin it. */
const QUOTES = new Map(
  ['""', '“”', '‘’', '«»', '„“', '「」', '『』'].map((pair) => [pair.charCodeAt(0), pair.charCodeAt(1)]),
)

/** The characters that a `MarkdownContext` must read; of others, only those that come while it is `waiting`. */
export const MARKDOWN_CHARACTERS: readonly number[] = [NEWLINE, BACKTICK, TILDE, ...[...QUOTES].flat()]

/**
 * Whether a reader of Markdown is inside code (a fence, a code span, indented code) or a quotation (quotation marks, a block
 * quote). Only what came before is known, so spans and quotations that are not closed end with their line.
 */
export class MarkdownContext {
  /** Delimiters that began inside the code or quotation and have not ended. */
  nested = 0
  /** Length and character of the fence that is open; 0 if none is. */
  #fence = 0
  #fenceCharacter = 0
  /** On the line of an opening fence, another row of backticks shows that it is a code span instead. */
  #fenceLine = false
  /** Backticks that ended would end the code span; 0 outside of one. */
  #span = 0
  /** The character that ends the quotation; 0 outside of one. */
  #quote = 0
  /** On a line of a block quote or of indented code. */
  #line = false
  #atLineStart = true
  #indent = 0
  #afterBlank = false
  /** Characters of the row of backticks or tildes that is being read. */
  #row = 0
  #rowCharacter = 0
  #rowAtStart = false

  /** Must every character be read? */
  get waiting(): boolean {
    return this.#atLineStart || this.#row > 0
  }

  /** Is what follows the character `before` inside code or a quotation? */
  inside(before: number): boolean {
    return this.#fence > 0 || this.#span > 0 || this.#quote > 0 || this.#line || before === APOSTROPHE
  }

  /** Does the character `c` end a code span, or a quotation that began no later than at `before`, also one in code? */
  endsWith(c: number, before: number): boolean {
    if (QUOTES.get(before) === c || (before === APOSTROPHE && c === APOSTROPHE)) return true
    return this.#span > 0 ? c === BACKTICK : this.#quote > 0 && c === this.#quote
  }

  /** Reads the character `c`, which comes after `before`. */
  read(c: number, before: number): void {
    this.settle(c)
    if (c === NEWLINE) this.#endLine()
    else if (c === BACKTICK || c === TILDE) {
      if (this.#row === 0) this.#rowAtStart = this.#atLineStart
      this.#row++
      this.#rowCharacter = c
      this.#atLineStart = false
    } else if (!this.#atLineStart) this.#readQuote(c, before)
    else if (c === GREATER) this.#line ||= this.#fence === 0
    else this.#indent += c === TAB ? 4 : 1
  }

  /** Ends what a character `c`, if it comes next, ends: a row of backticks or tildes, the white space before a line. */
  settle(c: number): void {
    if (this.#row > 0 && c !== this.#rowCharacter) this.#endRow(c)
    if (!this.#atLineStart || c === NEWLINE || c === SPACE || c === TAB || c === RETURN || c === GREATER)
      return
    if (c === BACKTICK || c === TILDE) return
    this.#atLineStart = false
    this.#line ||= this.#indent >= 4 && this.#afterBlank && this.#fence === 0
  }

  #endLine(): void {
    this.#afterBlank = this.#atLineStart
    this.#atLineStart = true
    this.#indent = this.#span = this.#quote = 0
    this.#line = this.#fenceLine = false
    if (this.#fence === 0) this.nested = 0
  }

  #endRow(next: number): void {
    const length = this.#row
    const tildes = this.#rowCharacter === TILDE
    this.#row = 0
    if (this.#fenceLine && !tildes) {
      this.#span = length === this.#fence ? 0 : this.#fence
      this.#fence = 0
      this.#fenceLine = false
    } else if (this.#fence > 0) {
      if (this.#endsFence(length, next)) this.#fence = this.nested = 0
    } else if (this.#span > 0) {
      if (!tildes && this.#span === length) this.#span = this.nested = 0
    } else if (length >= 3 && (!tildes || this.#rowAtStart)) {
      this.#fence = length
      this.#fenceCharacter = this.#rowCharacter
      this.#fenceLine = !tildes
    } else if (!tildes) this.#span = length
  }

  #endsFence(length: number, next: number): boolean {
    const endsLine = next === NEWLINE || next === SPACE || next === TAB || next === RETURN
    return (
      endsLine && this.#rowAtStart && this.#rowCharacter === this.#fenceCharacter && length >= this.#fence
    )
  }

  #readQuote(c: number, before: number): void {
    if (this.#fence > 0 || this.#span > 0) return
    if (this.#quote === 0) {
      if (!isWordCharacter(before)) this.#quote = QUOTES.get(c) ?? 0
    } else if (c === this.#quote) this.#quote = this.nested = 0
  }
}

/** After a letter or digit, a quotation mark is a unit or the end of a quotation. */
const isWordCharacter = (c: number): boolean =>
  (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122)
