import { join } from 'node:path'
import { onDisk } from '../../common/files/disk.ts'
import { makeFolder, writeFileAtomically, writeText } from '../../common/files/files.ts'
import { type SentencePiece, sentencePieceModel } from './sentencepiece-model.ts'
import { type BpeModel, mergesOf, SPACE } from './train-bpe.ts'

/** The tokens with the first ids, in this order, besides the bytes: unknown, end of text, padding, tags. */
export interface SpecialTokens {
  /** Required by SentencePiece, and never used: what is no piece is written as bytes. */
  readonly unknown: string
  readonly eos: string
  readonly pad: string
  /** Single tokens that count as text: decoding keeps them when it skips special tokens. */
  readonly tags: readonly string[]
}

export const SPECIAL_TOKENS: SpecialTokens = {
  unknown: '<unk>',
  eos: '<|endoftext|>',
  pad: '<|pad|>',
  tags: ['<think>', '</think>', '<answer>', '</answer>'],
}

/** All special tokens in the order of their ids. */
export function specialTokenList({ unknown, eos, pad, tags }: SpecialTokens): string[] {
  return [unknown, eos, pad, ...tags]
}

/** How many tokens of a vocabulary are no trained pieces: the special tokens and the 256 bytes. */
export const fixedTokens = (specialTokens: SpecialTokens): number =>
  specialTokenList(specialTokens).length + 256

export interface TokenizerOptions extends BpeModel {
  readonly specialTokens: SpecialTokens
  readonly chatTemplate: string
  /** The model's greatest length in tokens. */
  readonly maxLength: number
}

/**
 * Writes a tokenizer into a folder, which is created if necessary: tokenizer.json and tokenizer_config.json in Hugging
 * Face's format, and tokenizer.model in SentencePiece's, which llama.cpp's converter reads. All of them give the same ids.
 */
export function saveTokenizer(directory: string, options: TokenizerOptions): void {
  onDisk('create', directory, () => makeFolder(directory))
  const pieces = piecesOf(options)
  const json = (content: object) => `${JSON.stringify(content, null, 2)}\n`
  writeText(join(directory, 'tokenizer.json'), json(tokenizerJson(pieces, options)))
  writeText(join(directory, 'tokenizer_config.json'), json(tokenizerConfig(options)))
  const model = sentencePieceModel(pieces, options.specialTokens)
  writeFileAtomically(join(directory, 'tokenizer.model'), (append) => append(model))
}

/** The vocabulary in the order of the ids: special tokens, bytes, merged pieces, single characters. */
function piecesOf({ specialTokens, merged, characters }: TokenizerOptions): SentencePiece[] {
  const { unknown, eos, pad, tags } = specialTokens
  const fixed = (type: SentencePiece['type']) => (piece: string) => ({ piece, score: 0, type })
  return [
    ...[unknown].map(fixed('unknown')),
    ...[eos, pad].map(fixed('control')),
    ...tags.map(fixed('userDefined')),
    ...Array.from({ length: 256 }, (_, byte) => byteToken(byte)).map(fixed('byte')),
    ...[...merged, ...characters].map((piece, rank) => ({ piece, score: -rank, type: 'normal' as const })),
  ]
}

const byteToken = (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

function addedTokens({ specialTokens }: TokenizerOptions) {
  return specialTokenList(specialTokens).map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: !specialTokens.tags.includes(content),
  }))
}

function tokenizerJson(pieces: readonly SentencePiece[], options: TokenizerOptions): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(options),
    normalizer: { type: 'Replace', pattern: { String: ' ' }, content: SPACE },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: options.specialTokens.unknown,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(pieces.map(({ piece }, id) => [piece, id])),
      merges: mergesOf(options),
    },
  }
}

function tokenizerConfig(options: TokenizerOptions): object {
  const { unknown, eos, pad } = options.specialTokens
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    added_tokens_decoder: Object.fromEntries(addedTokens(options).map(({ id, ...token }) => [id, token])),
    // llama.cpp's converter takes these three from here.
    add_prefix_space: false,
    add_bos_token: false,
    add_eos_token: false,
    // No text begins with it, but some readers need one.
    bos_token: eos,
    eos_token: eos,
    pad_token: pad,
    unk_token: unknown,
    clean_up_tokenization_spaces: false,
    model_max_length: options.maxLength,
    model_input_names: ['input_ids', 'attention_mask'],
    chat_template: options.chatTemplate,
  }
}
