import { displayWidth } from '../width.ts'

/**
 * Breaks the lines of a text that comes in pieces between words, at `width()` columns. A word is given out once it has
 * ended. Fenced code is not broken, since it may have to be copied.
 */
export class WordWrap {
  readonly #width: () => number
  /** The line so far, as it stands in the text; it tells where fences are. */
  #line = ''
  #column = 0
  #space = ''
  #word = ''
  #inFence = false

  constructor(width: () => number) {
    this.#width = width
  }

  push(text: string): string {
    let out = ''
    for (const part of text.match(/\n|[^\S\n]+|\S+/g) ?? []) {
      if (part === '\n') out += this.#endWord() + this.#endLine()
      else if (/^\s/.test(part)) {
        out += this.#endWord()
        this.#space += part
      } else this.#word += part
    }
    return out
  }

  /** The last word. */
  end(): string {
    return this.#endWord()
  }

  #endWord(): string {
    if (this.#word === '') return ''
    const word = this.#word
    const space = this.#space
    this.#line += space + word
    this.#word = this.#space = ''
    const width = displayWidth(word)
    const fits = this.#column + space.length + width <= this.#width()
    if (fits || this.#column === 0 || this.#inFence || /^\s*(?:```|~~~)/.test(this.#line)) {
      this.#column += space.length + width
      return space + word
    }
    this.#column = width
    return `\n${word}`
  }

  #endLine(): string {
    if (/^\s*(?:```|~~~)/.test(this.#line)) this.#inFence = !this.#inFence
    this.#line = this.#space = ''
    this.#column = 0
    return '\n'
  }
}
