import { type ExtractOptions, extract } from './extract.ts'

export interface Verdict {
  /** `null`: unknown, because the gold answer cannot be understood. */
  readonly equal: boolean | null
  readonly reason: string
}

export type VerifyOptions = ExtractOptions

/** Is the answer (bare, or a whole response) mathematically equal to the gold answer? Never throws. */
export function verify(gold: string, answer: string, options: VerifyOptions = {}): Verdict {
  const read = readable(gold)
  if (!read.ok) return { equal: null, reason: read.reason }
  const plain = (text: string) => extract(text, options)?.replaceAll(',', '') ?? ''
  const equal = plain(gold) === plain(answer)
  return { equal, reason: equal ? 'the same text' : 'different' }
}

/** Can this gold answer be understood? */
export function readable(gold: string): { ok: true } | { ok: false; reason: string } {
  return gold.trim() ? { ok: true } : { ok: false, reason: 'the gold answer is empty' }
}
