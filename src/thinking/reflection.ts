/** The ten reflective words whose rise DeepSeek-R1 reports (Nature 645, supplement). */
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

/** How many reflective words a text contains: whole words, in any case. */
export function countReflection(text: string): number {
  return text.match(PATTERN)?.length ?? 0
}
