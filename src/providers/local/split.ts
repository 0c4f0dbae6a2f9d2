import type { ThinkingFormat } from '../../thinking/model.ts'
import { overlap } from './stop-strings.ts'

export interface Piece {
  readonly type: 'thinking' | 'answer'
  readonly text: string
}

/** Splits a response, piece by piece, into its thinking and its answer. */
export class Splitter {
  state: 'before' | 'thinking' | 'answer'
  readonly #format: ThinkingFormat
  #held = ''

  constructor(format: ThinkingFormat, { opened }: { opened: boolean }) {
    this.#format = format
    this.state = opened ? 'thinking' : 'before'
  }

  push(text: string): Piece[] {
    const { start, end } = this.#format.thinking
    this.#held += text
    if (this.state === 'before') {
      const begun = this.#held.trimStart()
      if (begun.startsWith(start)) {
        this.#held = begun.slice(start.length)
        this.state = 'thinking'
      } else if (start.startsWith(begun)) return []
      else this.state = 'answer'
    }
    const pieces: Piece[] = []
    if (this.state === 'thinking') {
      const at = this.#held.indexOf(end)
      if (at < 0) return this.#take('thinking', this.#held.length - overlap(this.#held, end))
      pieces.push(...this.#take('thinking', at))
      this.#held = this.#held.slice(end.length)
      this.state = 'answer'
    }
    const tags = this.#format.answer === null ? [] : [this.#format.answer.start, this.#format.answer.end]
    for (const tag of tags) this.#held = this.#held.replace(tag, '')
    const held = Math.max(0, ...tags.map((tag) => overlap(this.#held, tag)))
    return [...pieces, ...this.#take('answer', this.#held.length - held)]
  }

  end(): Piece[] {
    return this.#take(this.state === 'thinking' ? 'thinking' : 'answer', this.#held.length)
  }

  #take(type: Piece['type'], length: number): Piece[] {
    const text = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    return text === '' ? [] : [{ type, text }]
  }
}
