import { BYTE_TO_CHAR } from '../bytes.ts'
import { SPACE } from './train-bpe.ts'

const CHAR_TO_BYTE = new Map(BYTE_TO_CHAR.map((char, byte) => [char, byte]))

/** The bytes of a token of a byte-level vocabulary. A letter that stands for no byte is read as 0, as in Hugging Face's library. */
export const byteLevelBytes = (token: string): Uint8Array =>
  Uint8Array.from(token, (char) => CHAR_TO_BYTE.get(char) ?? 0)

/** The bytes of a piece of SentencePiece's kind: one byte, or a text in which `SPACE` stands for a space. */
export function sentencePieceBytes(piece: string): Uint8Array {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(piece)?.[1]
  return byte === undefined
    ? new TextEncoder().encode(piece.replaceAll(SPACE, ' '))
    : Uint8Array.of(Number.parseInt(byte, 16))
}

/**
 * Ids to text like the decoders `ByteLevel` and `ByteFallback` of `tokenizer.json`: the bytes of consecutive tokens are
 * read as UTF-8, and an added token is text in itself.
 */
export class ByteDecoder {
  /** By id: the bytes of a token, or the text of an added token. */
  readonly #pieces = new Map<number, Uint8Array | string>()
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true })
  #bytes = new Uint8Array(4096)

  constructor(
    readonly tokenOf: (id: number) => string,
    readonly bytesOf: (token: string) => Uint8Array,
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
      piece = this.added.has(token) ? token : this.bytesOf(token)
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
