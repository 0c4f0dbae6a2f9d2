import { ProtobufWriter } from '../../common/protobuf.ts'

/** What a piece of a SentencePiece model is (`ModelProto.SentencePiece.Type`). */
const TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, byte: 6 } as const

/** A piece of a SentencePiece model. Of the pairs that could be merged, the one that makes the piece of the highest score is. */
export interface SentencePiece {
  readonly piece: string
  readonly score: number
  readonly type: keyof typeof TYPES
}

/** Values of `TrainerSpec.model_type`. */
const BPE = 2

/**
 * A BPE model as the bytes of SentencePiece's `tokenizer.model` (field numbers from sentencepiece_model.proto): the text
 * is taken as it is, without a space before it, and characters that are no piece become their bytes.
 */
export function sentencePieceModel(
  pieces: readonly SentencePiece[],
  { unknown, eos, pad }: { unknown: string; eos: string; pad: string },
): Uint8Array {
  const idOf = (text: string) => pieces.findIndex(({ piece }) => piece === text)
  const model = new ProtobufWriter()
  for (const { piece, score, type } of pieces)
    model.message(1, (w) => w.text(1, piece).float(2, score).int(3, TYPES[type]))
  return model
    .message(2, (trainer) => {
      trainer
        .int(3, BPE)
        .int(4, pieces.length)
        .int(25, 1) // split_digits
        .int(35, 1) // byte_fallback
        .int(40, idOf(unknown))
        .int(41, -1) // bos_id: no text begins with one
        .int(42, idOf(eos))
        .int(43, idOf(pad))
        .text(45, unknown)
        .text(47, eos)
        .text(48, pad)
    })
    .message(3, (normalizer) => {
      normalizer
        .text(1, 'identity')
        .int(3, 0) // add_dummy_prefix
        .int(4, 0) // remove_extra_whitespaces
        .int(5, 1) // escape_whitespaces
    })
    .finish()
}
