import { GPT2_PATTERN, PRE_TOKENIZERS } from '../pre-tokenizers.ts'

/*
 * llama.cpp does not read patterns from a file: it has a list of pre-tokenizers, each with a name. A tokenizer is described
 * here by the patterns at which it cuts a text, one after the other, and looked up in that list.
 */

/** A step of `pre_tokenizer` in tokenizer.json. */
interface Step {
  readonly type?: string
  readonly pattern?: { readonly Regex?: string }
  readonly behavior?: string
  readonly invert?: boolean
  readonly individual_digits?: boolean
  readonly use_regex?: boolean
  readonly add_prefix_space?: boolean
  readonly pretokenizers?: readonly Step[]
}

/**
 * llama.cpp's name of a byte-level pre-tokenizer of tokenizer.json; null if it has none that cuts in the same way.
 * `ignoreMerges` is the model's `ignore_merges`.
 */
export function preTokenizerName(preTokenizer: unknown, ignoreMerges: boolean): string | null {
  const patterns = patternsOf([(preTokenizer ?? {}) as Step])?.join('\n')
  for (const [name, known] of PRE_TOKENIZERS)
    if (known.ignoreMerges === ignoreMerges && patternsOf(known.steps)?.join('\n') === patterns) return name
  return null
}

/** The patterns at which steps cut a text; null if one of them does something else. */
function patternsOf(steps: readonly Step[]): string[] | null {
  const patterns: string[] = []
  for (const step of steps) {
    const found = patternsOfStep(step)
    if (found === null) return null
    patterns.push(...found)
  }
  return patterns
}

function patternsOfStep(step: Step): string[] | null {
  switch (step.type) {
    case 'Sequence':
      return patternsOf(step.pretokenizers ?? [])
    case 'ByteLevel':
      if (step.add_prefix_space === true) return null
      return step.use_regex === false ? [] : [GPT2_PATTERN]
    case 'Digits':
      return step.individual_digits === true ? ['\\p{N}'] : null
    case 'Split': {
      const isolated = step.behavior === 'Isolated' && step.invert !== true
      // A pattern that covers every text leaves nothing between its matches to remove.
      const kept = step.behavior === 'Removed' && step.invert === true
      const pattern = step.pattern?.Regex
      return pattern !== undefined && (isolated || kept) ? [canonical(pattern)] : null
    }
    default:
      return null
  }
}

/** One spelling for the line breaks of a pattern, which are characters in some files and escapes in others. */
const canonical = (pattern: string): string => pattern.replaceAll('\r', '\\r').replaceAll('\n', '\\n')
