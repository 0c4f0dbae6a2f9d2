/**
 * Passes a text on, piece by piece, up to the first of some stop strings, which may be cut anywhere between the pieces. What
 * may be the beginning of one is held back until it is certain.
 */
export class StopStrings {
  /** Length of the text before the stop string; null as long as there was none. */
  at: number | null = null
  /** The stop string; null as long as there was none. */
  found: string | null = null
  readonly #stop: readonly string[]
  #held = ''
  #passed = 0

  constructor(stop: readonly string[]) {
    this.#stop = stop.filter((one) => one !== '')
  }

  push(piece: string): string {
    if (this.at !== null) return ''
    const text = this.#held + piece
    const first = Math.min(...this.#stop.map((one) => text.indexOf(one)).filter((at) => at >= 0))
    if (Number.isFinite(first)) {
      this.found = this.#stop.find((one) => text.startsWith(one, first))!
      this.at = this.#passed + first
      return this.#pass(text.slice(0, first), '')
    }
    const held = Math.max(0, ...this.#stop.map((one) => overlap(text, one)))
    return this.#pass(text.slice(0, text.length - held), text.slice(text.length - held))
  }

  /** What was held back, if no stop string follows. */
  end(): string {
    return this.#pass(this.#held, '')
  }

  #pass(text: string, held: string): string {
    this.#held = held
    this.#passed += text.length
    return text
  }
}

/** Length of the longest end of `text` with which `next` begins, but which is not the whole of it. */
export function overlap(text: string, next: string): number {
  for (let length = Math.min(text.length, next.length - 1); length > 0; length--)
    if (next.startsWith(text.slice(text.length - length))) return length
  return 0
}
