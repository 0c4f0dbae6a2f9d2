import { BYTE_TO_CHAR } from '../bytes.ts'

const CHAR_TO_BYTE = new Map(BYTE_TO_CHAR.map((char, byte) => [char, byte]))

/**
 * Ids to text like the decoder `ByteLevel` of `tokenizer.json`: the bytes of consecutive tokens are read as UTF-8, and an
 * added token is text in itself.
 */
export class ByteDecoder {
  /** By id: the bytes of a token, or the text of an added token. */
  readonly #pieces = new Map<number, Uint8Array | string>()
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
      const piece = this.#piece(id)
      if (typeof piece === 'string') {
        flush()
        text += piece
        continue
      }
      if (length + piece.length > this.#bytes.length) this.#grow(length + piece.length)
      this.#bytes.set(piece, length)
      length += piece.length
    }
    flush()
    return text
  }

  #piece(id: number): Uint8Array | string {
    let piece = this.#pieces.get(id)
    if (piece === undefined) {
      const token = this.tokenOf(id)
      // A letter that stands for no byte is read as 0, as in Hugging Face's library.
      piece = this.added.has(token) ? token : Uint8Array.from(token, (char) => CHAR_TO_BYTE.get(char) ?? 0)
      this.#pieces.set(id, piece)
    }
    return piece
  }

  #grow(length: number): void {
    const bytes = new Uint8Array(2 * length)
    bytes.set(this.#bytes)
    this.#bytes = bytes
  }
}
