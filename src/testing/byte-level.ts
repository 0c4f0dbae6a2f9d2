import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BYTE_TO_CHAR } from '../models/bytes.ts'

/** Qwen2's pre-tokenizer: contractions, words with one leading mark, single digits, punctuation, white space. */
export const QWEN2_PATTERN =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

const ADDED = ['<|endoftext|>', '<|pad|>', '<think>', '</think>', '<answer>', '</answer>']

/**
 * Writes a byte-level BPE tokenizer like Qwen2's into a folder: ids 0 to 255 are the bytes, `merges` follow in their
 * order, then end of text, padding and the four tags.
 */
export function saveByteLevelTokenizer(
  folder: string,
  merges: readonly (readonly [string, string])[] = [],
): void {
  const tokens = [...BYTE_TO_CHAR, ...merges.map((pair) => pair.join(''))]
  const added = ADDED.map((content, i) => ({
    id: tokens.length + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: i < 2,
  }))
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false }
  const tokenizer = {
    version: '1.0',
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: QWEN2_PATTERN }, behavior: 'Isolated', invert: false },
        byteLevel,
      ],
    },
    post_processor: byteLevel,
    decoder: byteLevel,
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges },
  }
  const config = {
    tokenizer_class: 'PreTrainedTokenizerFast',
    eos_token: '<|endoftext|>',
    pad_token: '<|pad|>',
    clean_up_tokenization_spaces: false,
  }
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config))
}
