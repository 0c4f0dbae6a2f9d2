/*
 * How text is cut into words before BPE, by the names that GGUF files give (`tokenizer.ggml.pre`), as in llama.cpp's
 * llama-vocab.cpp. The patterns are those of the models' own tokenizer.json where llama.cpp quotes them. Each one cuts the
 * pieces that the one before it left, and what it does not match stays a piece of its own.
 */

/** A step of `pre_tokenizer` in tokenizer.json. */
export type PreTokenizerStep =
  | {
      readonly type: 'Split'
      readonly pattern: { readonly Regex: string }
      readonly behavior: 'Isolated'
      readonly invert: false
    }
  | { readonly type: 'Digits'; readonly individual_digits: boolean }
  | {
      readonly type: 'ByteLevel'
      readonly add_prefix_space: false
      readonly trim_offsets: true
      /** Cuts with GPT-2's pattern. */
      readonly use_regex: boolean
    }

/** A pre-tokenizer of GGUF. */
export interface PreTokenizer {
  readonly steps: readonly PreTokenizerStep[]
  /** A word that is a token is not cut, whatever the merges say. */
  readonly ignoreMerges: boolean
  /** Whether the beginning of a text is marked where a file does not say. */
  readonly addBos: boolean
}

const split = (Regex: string): PreTokenizerStep => ({
  type: 'Split',
  pattern: { Regex },
  behavior: 'Isolated',
  invert: false,
})
const byteLevel = (use_regex: boolean): PreTokenizerStep => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex,
})
const digits: PreTokenizerStep = { type: 'Digits', individual_digits: true }

/** Patterns of a tokenizer's own, then bytes. */
const cut = (...patterns: string[]): PreTokenizer => plain(...patterns.map(split), byteLevel(false))
/** Steps that end with GPT-2's pattern. */
const plain = (...steps: PreTokenizerStep[]): PreTokenizer => ({ steps, ignoreMerges: false, addBos: false })
const whole = (one: PreTokenizer): PreTokenizer => ({ ...one, ignoreMerges: true })
const withBos = (one: PreTokenizer): PreTokenizer => ({ ...one, addBos: true })

const CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
/** Words, punctuation and white space in the manner of cl100k; `numbers` is the pattern of numbers. */
const cl100k = (numbers: string): string =>
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`
/** Words in the manner of o200k: their case matters. `suffix` follows a word. */
const o200k = (suffix: string, numbers: string): string =>
  `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+${suffix}|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*${suffix}|${numbers}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`

const DEEPSEEK_3 = cut(
  '\\p{N}{1,3}',
  '[一-龥぀-ゟ゠-ヿ]+',
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+',
)
const LETTERS =
  '\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+'
const MARKS = '\\s?[!-/:-~！-／：-～‘-‟　-。]+'
const HAN_AND_HANGUL = '[一-龥ࠀ-一가-퟿]+'

const YOUTU = '[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+'
const BLOOM = ' ?[^(\\s|.,!?…。，、।۔،)]+'
/** GPT-2's pattern (Radford et al. 2019), which `ByteLevel` stands for with `use_regex`. */
export const GPT2_PATTERN =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

const GPT2 = plain(byteLevel(true))
const DIGITS_GPT2 = plain(digits, byteLevel(true))
const LLAMA3 = cut(cl100k('\\p{N}{1,3}'))
const QWEN2 = cut(cl100k('\\p{N}'))
const GPT4O = cut(o200k(`${CONTRACTIONS}?`, '\\p{N}{1,3}'))
const BAILING = cut(
  "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
)

/** Those without a list of names are for one family of models. */
const NAMES: readonly [PreTokenizer, ...string[]][] = [
  [GPT2, 'gpt-2', 'phi-2', 'gigachat', 'a.x-4.0', 'mellum', 'mpt', 'olmo', 'jais', 'exaone4', 'trillion'],
  [GPT2, 'granite-docling'],
  [DIGITS_GPT2, 'smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b', 'mellum2'],
  [withBos(whole(LLAMA3)), 'llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0'],
  [withBos(whole(LLAMA3)), 'lfm2'],
  [LLAMA3, 'dbrx', 'smaug-bpe', 'chatglm-bpe'],
  [whole(LLAMA3), 'glm4', 'glm5'],
  [QWEN2, 'qwen2', 'deepseek-r1-qwen', 'megrez', 'stablelm2', 'hunyuan', 'grok-2', 'solar-open', 'kormo'],
  [QWEN2, 'f2llmv2'],
  [
    cut(
      `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
    ),
    'qwen35',
  ],
  [cut('[\r\n]', LETTERS, MARKS, '\\s+$', HAN_AND_HANGUL, '\\p{N}+'), 'deepseek-llm'],
  [cut('[\r\n]', '\\s?\\p{L}+', '\\s?\\p{P}+', HAN_AND_HANGUL, '\\p{N}'), 'deepseek-coder'],
  [DEEPSEEK_3, 'deepseek-v3', 'hunyuan-dense', 'joyai-llm'],
  [cut('[\\p{P}\\$\\+<=>\\^~\\|`]+', GPT2_PATTERN, '[0-9][0-9][0-9]'), 'falcon'],
  [withBos(whole(cut(o200k('', '\\p{N}')))), 'tekken'],
  [GPT4O, 'gpt-4o', 'llama4', 'kanana2', 'minimax-m2'],
  [BAILING, 'bailingmoe', 'bailingmoe2', 'llada-moe'],
  [cut(BLOOM), 'bloom', 'poro-chat', 'gpt3-finnish'],
  [cut(BLOOM, '\\p{N}'), 'viking'],
  [
    cut(
      `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
    ),
    'seed-coder',
  ],
  [whole(cut('\\p{N}{1,3}', cl100k('\\p{N}+'))), 'minicpm5'],
  [whole(cut(YOUTU, o200k(`${CONTRACTIONS}?`, '\\p{N}'))), 'youtu'],
]

/** Where a file has no name, or `default`. */
const DEFAULT = cut('[\\p{P}\\$\\+<=>\\^~\\|]+', GPT2_PATTERN, '\\p{N}+', '[0-9][0-9][0-9]')

/** The pre-tokenizers by `tokenizer.ggml.pre`. */
export const PRE_TOKENIZERS: ReadonlyMap<string, PreTokenizer> = new Map([
  ['default', DEFAULT],
  ...NAMES.flatMap(([one, ...names]) => names.map((name) => [name, one] as const)),
])
