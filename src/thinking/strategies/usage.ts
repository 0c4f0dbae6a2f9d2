import type { TextUsage } from '../model.ts'

/** What is known of a response that was left before its end. */
export type LeftUsage = Pick<TextUsage, 'completionTokens' | 'thinkingTokens'>

/**
 * The tokens of several responses to the same prompt; a number that one of them does not know is unknown. Responses that
 * were left before their end are counted as far as they came, and their prompts as the shortest of the others.
 */
export function sumUsage(ended: readonly TextUsage[], left: readonly LeftUsage[] = []): TextUsage {
  const prompts = ended.map(({ promptTokens }) => promptTokens).filter((tokens) => tokens !== null)
  const shortest = prompts.length > 0 ? Math.min(...prompts) : null
  const all = [...ended, ...left.map((one) => ({ promptTokens: shortest, cachedTokens: null, ...one }))]
  const sum = (field: keyof TextUsage): number | null =>
    all.reduce<number | null>((total, usage) => plus(total, usage[field]), 0)
  return {
    promptTokens: sum('promptTokens'),
    cachedTokens: sum('cachedTokens'),
    completionTokens: sum('completionTokens'),
    thinkingTokens: sum('thinkingTokens'),
  }
}

/** a + b; unknown if one of them is. */
export const plus = (a: number | null, b: number | null): number | null =>
  a === null || b === null ? null : a + b
