/** The ten reflective words whose frequency DeepSeek-R1 reports to increase during training (Nature 645, supplement). */
export const REFLECTIVE_WORDS = [
  'wait',
  'mistake',
  'however',
  'but',
  'retry',
  'error',
  'verify',
  'wrong',
  'evaluate',
  'check',
] as const

const PATTERN = new RegExp(`\\b(?:${REFLECTIVE_WORDS.join('|')})\\b`, 'gi')

/** Counts the reflective words in a text: whole words, in any case. */
export function countReflection(text: string): number {
  return text.match(PATTERN)?.length ?? 0
}
