import { BYTE_TO_CHAR } from './bytes.ts'

const CHAR_TO_BYTE = new Map(BYTE_TO_CHAR.map((char, byte) => [char, byte]))

/**
 * Ids to text as the decoder `ByteLevel` of `tokenizer.json` has it: the bytes of tokens next to each other are read as UTF-8;
 * an added token is text of its own.
 */
export class ByteDecoder {
  /** By id: a token's bytes, or the text of an added one. */
  readonly #parts = new Map<number, Uint8Array | string>()
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
  #bytes = new Uint8Array(4096)

  constructor(
    readonly tokenOf: (id: number) => string,
    readonly added: ReadonlySet<string>,
  ) {}

  decode(ids: readonly number[]): string {
    let text = ''
    let length = 0
    const flush = () => {
      text += this.#utf8.decode(this.#bytes.subarray(0, length))
      length = 0
    }
    for (const id of ids) {
      const part = this.#part(id)
      if (typeof part === 'string') {
        flush()
        text += part
        continue
      }
      if (length + part.length > this.#bytes.length) this.#grow(length + part.length)
      this.#bytes.set(part, length)
      length += part.length
    }
    flush()
    return text
  }

  #part(id: number): Uint8Array | string {
    let part = this.#parts.get(id)
    if (part === undefined) {
      const token = this.tokenOf(id)
      // a letter that stands for no byte is read as 0, as Hugging Face's library does
      part = this.added.has(token) ? token : Uint8Array.from(token, (char) => CHAR_TO_BYTE.get(char) ?? 0)
      this.#parts.set(id, part)
    }
    return part
  }

  #grow(length: number): void {
    const bytes = new Uint8Array(2 * length)
    bytes.set(this.#bytes)
    this.#bytes = bytes
  }
}
