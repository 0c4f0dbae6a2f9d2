import { join } from 'node:path'
import { onDisk } from '../../common/files/disk.ts'
import { makeFolder, writeText } from '../../common/files/files.ts'
import { type BpeModel, QWEN2_PATTERN } from './bpe.ts'

/** Tokens that are added to the vocabulary after the merges, in this order: end of text, padding, tags. */
export interface SpecialTokens {
  readonly eos: string
  readonly pad: string
  /** Single tokens that count as text: decoding keeps them when it skips special tokens. */
  readonly tags: readonly string[]
}

export const SPECIAL_TOKENS: SpecialTokens = {
  eos: '<|endoftext|>',
  pad: '<|pad|>',
  tags: ['<think>', '</think>', '<answer>', '</answer>'],
}

/** All special tokens in the order of their ids. */
export function specialTokenList({ eos, pad, tags }: SpecialTokens): string[] {
  return [eos, pad, ...tags]
}

/** The contents of tokenizer.json and tokenizer_config.json in Hugging Face's format. */
function tokenizerFiles({
  vocab,
  merges,
  specialTokens,
  chatTemplate,
  maxLength,
}: BpeModel & { specialTokens: SpecialTokens; chatTemplate: string; maxLength: number }): {
  'tokenizer.json': string
  'tokenizer_config.json': string
} {
  const added = specialTokenList(specialTokens).map((content, i) => ({
    id: vocab.size + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: content === specialTokens.eos || content === specialTokens.pad,
  }))
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false }
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
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
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocab),
      merges,
    },
  }
  const config = {
    // Qwen2Tokenizer would rebuild the pipeline with an NFC normalizer; this class uses tokenizer.json as it is.
    tokenizer_class: 'PreTrainedTokenizerFast',
    added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [id, token])),
    bos_token: null,
    eos_token: specialTokens.eos,
    pad_token: specialTokens.pad,
    unk_token: null,
    clean_up_tokenization_spaces: false,
    model_max_length: maxLength,
    model_input_names: ['input_ids', 'attention_mask'],
    chat_template: chatTemplate,
  }
  return {
    'tokenizer.json': `${JSON.stringify(tokenizer, null, 2)}\n`,
    'tokenizer_config.json': `${JSON.stringify(config, null, 2)}\n`,
  }
}

/** Writes tokenizer.json and tokenizer_config.json into a folder, which is created if necessary. */
export function saveTokenizer(directory: string, options: Parameters<typeof tokenizerFiles>[0]): void {
  onDisk('create', directory, () => makeFolder(directory))
  for (const [name, content] of Object.entries(tokenizerFiles(options)))
    writeText(join(directory, name), content)
}
