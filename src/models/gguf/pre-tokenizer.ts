/*
 * llama.cpp does not read regular expressions from a file: it has a list of pre-tokenizers, each with a name. A tokenizer is
 * described here by the patterns at which it splits a text, one after the other, and looked up in that list.
 */

/** GPT-2's pattern, which `ByteLevel` stands for. */
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
const ENDINGS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
const SPACES = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
const words = (digits: string): string =>
  `${ENDINGS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${SPACES}`
const UPPER = '[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]'
const LOWER = '[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]'
const cased = (ending: string, digits: string): string =>
  `[^\\r\\n\\p{L}\\p{N}]?${UPPER}*${LOWER}+${ending}|[^\\r\\n\\p{L}\\p{N}]?${UPPER}+${LOWER}*${ending}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${SPACES}`
const DEEPSEEK =
  '[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'

/** Patterns, whether whole words of the vocabulary are taken before any merge, and llama.cpp's name (`llama-vocab.cpp`). */
const KNOWN: readonly (readonly [patterns: readonly string[], wholeWords: boolean, name: string])[] = [
  [[words('\\p{N}')], false, 'qwen2'],
  [[words('\\p{N}{1,3}')], true, 'llama-bpe'],
  [[words('\\p{N}{1,3}')], false, 'smaug-bpe'],
  [[GPT2], false, 'gpt-2'],
  [['\\p{N}', GPT2], false, 'smollm'],
  [['\\p{N}{1,3}', '[一-龥\u3040-ゟ゠-ヿ]+', DEEPSEEK], false, 'deepseek-v3'],
  [[cased('', '\\p{N}')], true, 'tekken'],
  [[cased(`${ENDINGS}?`, '\\p{N}{1,3}')], false, 'gpt-4o'],
  [
    [
      `${ENDINGS}|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|${SPACES}`,
    ],
    false,
    'qwen35',
  ],
]

interface Step {
  readonly type?: string
  readonly pattern?: { readonly Regex?: string; readonly String?: string }
  readonly behavior?: string
  readonly invert?: boolean
  readonly individual_digits?: boolean
  readonly use_regex?: boolean
  readonly add_prefix_space?: boolean
  readonly pretokenizers?: readonly Step[]
}

/**
 * llama.cpp's name of a byte-level pre-tokenizer of tokenizer.json; null if it has none that splits in the same way.
 * `wholeWords` is the model's `ignore_merges`.
 */
export function preTokenizerName(preTokenizer: unknown, wholeWords: boolean): string | null {
  const patterns = patternsOf((preTokenizer ?? {}) as Step)
  if (patterns === null) return null
  const same = (other: readonly string[]): boolean => other.join('\n') === patterns.join('\n')
  return KNOWN.find(([other, whole]) => whole === wholeWords && same(other))?.[2] ?? null
}

/** The patterns at which the steps split a text; null if one of them does something else. */
function patternsOf(step: Step): string[] | null {
  switch (step.type) {
    case 'Sequence': {
      const parts = (step.pretokenizers ?? []).map(patternsOf)
      return parts.some((part) => part === null) ? null : parts.flatMap((part) => part!)
    }
    case 'ByteLevel':
      if (step.add_prefix_space === true) return null
      return step.use_regex === false ? [] : [GPT2]
    case 'Digits':
      return step.individual_digits === true ? ['\\p{N}'] : null
    case 'Split': {
      const isolated = step.behavior === 'Isolated' && step.invert !== true
      // A pattern that covers every text may remove the matches' complement instead, which is empty.
      const removed = step.behavior === 'Removed' && step.invert === true
      const pattern = step.pattern?.Regex
      return pattern !== undefined && (isolated || removed) ? [canonical(pattern)] : null
    }
    default:
      return null
  }
}

/** Line breaks as escapes: files have either form. */
const canonical = (pattern: string): string =>
  pattern.replaceAll('\r', '\\r').replaceAll('\n', '\\n').replaceAll('\\p{N}{1}|', '\\p{N}|')
