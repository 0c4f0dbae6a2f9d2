import { describe, expect, test } from 'vitest'
import { QWEN2_PATTERN } from '../../../testing/byte-level.ts'
import { preTokenizerName } from './pre-tokenizer-name.ts'

const split = (Regex: string, more = {}) => ({
  type: 'Split',
  pattern: { Regex },
  behavior: 'Isolated',
  invert: false,
  ...more,
})
const bytes = { type: 'ByteLevel', add_prefix_space: false, use_regex: false }
const gpt2 = { type: 'ByteLevel', add_prefix_space: false, use_regex: true }
const sequence = (...pretokenizers: unknown[]) => ({ type: 'Sequence', pretokenizers })
const cl100k = (numbers: string) => QWEN2_PATTERN.replace('\\p{N}|', () => `${numbers}|`)

describe('preTokenizerName', () => {
  test.each([
    ["Qwen's", sequence(split(QWEN2_PATTERN), bytes), false, 'qwen2'],
    [
      "Qwen's with line breaks as characters",
      sequence(split(QWEN2_PATTERN.replaceAll('\\r\\n', '\r\n')), bytes),
      false,
      'qwen2',
    ],
    ["Llama 3's", sequence(split(cl100k('\\p{N}{1,3}')), bytes), true, 'llama-bpe'],
    ['the same without whole words', sequence(split(cl100k('\\p{N}{1,3}')), bytes), false, 'dbrx'],
    ["GPT-2's", gpt2, false, 'gpt-2'],
    ["SmolLM2's", sequence({ type: 'Digits', individual_digits: true }, gpt2), false, 'smollm'],
    [
      'matches kept, the rest removed',
      sequence(split(QWEN2_PATTERN, { behavior: 'Removed', invert: true }), bytes),
      false,
      'qwen2',
    ],
    ['digits in groups', sequence({ type: 'Digits', individual_digits: false }, gpt2), false, null],
    ['a space before every text', { ...gpt2, add_prefix_space: true }, false, null],
    ['another pattern', sequence(split('\\w+'), bytes), false, null],
    ['matches removed', sequence(split(QWEN2_PATTERN, { behavior: 'Removed' }), bytes), false, null],
    ['another step', sequence({ type: 'Punctuation' }, bytes), false, null],
  ])('%s', (_, step, ignoreMerges, name) => {
    expect(preTokenizerName(step, ignoreMerges)).toBe(name)
  })
})
