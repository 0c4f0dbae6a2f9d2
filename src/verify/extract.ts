/** How an answer is found in a response. */
export const WAYS = ['tag', 'boxed', 'hash', 'phrase', 'formula', 'number'] as const
export type Way = (typeof WAYS)[number]

export interface ExtractOptions {
  /** Ways to find the answer in a response; the first that finds one wins (default: `WAYS`, in that order). */
  readonly order?: readonly Way[]
}

/** The answer in a response, or `null`: none was found. */
export function extract(text: string, { order = WAYS }: ExtractOptions = {}): string | null {
  const hash = order.includes('hash') ? text.lastIndexOf('####') : -1
  return text.slice(hash < 0 ? 0 : hash + 4).trim() || null
}
