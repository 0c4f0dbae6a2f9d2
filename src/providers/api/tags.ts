/** A part of a text: thinking between the delimiters, or answer. */
export interface TagPart {
  readonly type: 'thinking' | 'answer'
  readonly text: string
}

/** Splits text that comes in pieces at the delimiters of a thinking block at its beginning. */
export class Tags {
  #state: 'before' | 'thinking' | 'answer'
  #held = ''
  readonly #start: string
  readonly #end: string

  constructor({ start, end }: { readonly start: string; readonly end: string }, opened: boolean) {
    this.#start = start
    this.#end = end
    this.#state = opened ? 'thinking' : 'before'
  }

  push(text: string): TagPart[] {
    this.#held += text
    const parts: TagPart[] = []
    if (this.#state === 'before') {
      const begun = this.#held.trimStart()
      if (this.#start.startsWith(begun) && begun.length < this.#start.length) return []
      if (begun.startsWith(this.#start)) {
        this.#state = 'thinking'
        this.#held = begun.slice(this.#start.length)
      } else this.#state = 'answer'
    }
    if (this.#state === 'thinking') {
      const at = this.#held.indexOf(this.#end)
      if (at < 0) {
        const keep = overlap(this.#held, this.#end)
        const sure = this.#held.slice(0, this.#held.length - keep)
        this.#held = this.#held.slice(sure.length)
        return sure === '' ? [] : [{ type: 'thinking', text: sure }]
      }
      if (at > 0) parts.push({ type: 'thinking', text: this.#held.slice(0, at) })
      this.#held = this.#held.slice(at + this.#end.length)
      this.#state = 'answer'
    }
    if (this.#held !== '') parts.push({ type: 'answer', text: this.#held })
    this.#held = ''
    return parts
  }

  /** What was held back, because it could have been the beginning of a delimiter. */
  end(): TagPart[] {
    const text = this.#held
    this.#held = ''
    return text === '' ? [] : [{ type: this.#state === 'thinking' ? 'thinking' : 'answer', text }]
  }
}

/** Length of the longest beginning of `tag` that `text` ends with. */
function overlap(text: string, tag: string): number {
  for (let n = Math.min(text.length, tag.length - 1); n > 0; n--) if (text.endsWith(tag.slice(0, n))) return n
  return 0
}
