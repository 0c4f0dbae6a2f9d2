import { hashText } from '../common/random.ts'
import { messageList, roleOf } from './messages.ts'

/** The share of the questions that is held out, unless the settings or the names of the files say otherwise. */
export const HELD_OUT_SHARE = 0.1

/**
 * Decides which questions of a table are held out: those whose hash, a number in [0, 1), is below `share`, whatever the
 * form and the order of the rows. Of at least two questions, one is held out and one is not. A single question is held out.
 *
 * All questions are added before any is decided: also those of rows that cannot be used, since another command may be able
 * to use them.
 */
export class Split {
  readonly #share: number
  #least = Infinity
  #greatest = -Infinity

  /** @param share in [0, 1); with 0 nothing is held out. */
  constructor(share: number) {
    this.#share = share
  }

  /** Adds a question by its key (see `questionKey`), and returns its hash. */
  add(key: string): number {
    const hash = hashText(key) / 2 ** 32
    this.#least = Math.min(this.#least, hash)
    this.#greatest = Math.max(this.#greatest, hash)
    return hash
  }

  /** @param hash that `add` returned. */
  isHeldOut(hash: number): boolean {
    if (this.#share === 0) return false
    if (this.#least >= this.#share) return hash === this.#least
    if (this.#greatest < this.#share && this.#greatest > this.#least) return hash !== this.#greatest
    return hash < this.#share
  }
}

/** The key of a question: texts that differ only in letter case and white space are the same question. */
export function questionKey(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/g, ' ').trim()
}

/** The question in a cell: its text or, of a chat, the first message from the user. Null if there is none. */
export function questionIn(cell: unknown): string | null {
  const list = messageList(cell)
  if (list === null) return textOf(cell)
  const first = list.find((message) => roleOf(message) === 'user') as Message | undefined
  const content = first?.content ?? first?.value
  if (!Array.isArray(content)) return textOf(content)
  return textOf(content.map((part: Message) => textOf(part?.text) ?? '').join('\n'))
}

interface Message {
  readonly content?: unknown
  readonly value?: unknown
  readonly text?: unknown
}

function textOf(value: unknown): string | null {
  if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return null
  return String(value).trim() || null
}
