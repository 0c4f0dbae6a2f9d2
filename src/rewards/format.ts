import { parseResponse } from '../thinking/parse.ts'
import type { Reward, Rollout } from './reward.ts'

interface FormatOptions {
  /** Whether the prompt ends with `<think>`. */
  readonly opened?: boolean
}

/**
 * R1-Zero's format: one think part, then one answer part, and nothing else (DeepSeek-R1, Nature 645, Methods).
 *
 * 0 or 1. Fooled by: parts that are empty or meaningless.
 */
export function format({ opened = false }: FormatOptions = {}): Reward {
  return { name: 'format', score: ({ response }) => Number(parseResponse(response, { opened }).wellFormed) }
}

/**
 * R1's format: one think part, with nothing before it and a summary after it. Neither may be empty, and the response must
 * not be cut off (DeepSeek-R1, Nature 645, cold start).
 *
 * 0 or 1. Fooled by: a meaningless summary; thinking that continues in the summary.
 */
export function summary({ opened = false }: FormatOptions = {}): Reward {
  return { name: 'summary', score: (rollout) => Number(summaryOf(rollout, opened) !== null) }
}

/**
 * R1's format with exactly one `\boxed{…}` in the summary, closed and not empty.
 *
 * 0 or 1. Fooled by: a box with any content; accuracy checks whether it is right.
 */
export function boxed({ opened = false }: FormatOptions = {}): Reward {
  return { name: 'boxed', score: (rollout) => Number(hasOneBox(summaryOf(rollout, opened) ?? '')) }
}

/** The text after the thinking, or `null` if the response is not in R1's format. */
function summaryOf({ response, stopReason }: Rollout, opened: boolean): string | null {
  const parts = (opened ? `<think>${response}` : response).split(/(<\/?think>)/)
  if (stopReason === 'length' || parts.length !== 5) return null
  const [before, open, thinking, close, after] = parts.map((part) => part.trim())
  return before === '' && open === '<think>' && thinking && close === '</think>' && after ? after : null
}

function hasOneBox(text: string): boolean {
  const [, inside, more] = text.split(/\\boxed(?![a-zA-Z])/)
  if (inside === undefined || more !== undefined) return false
  const content = inside.trimStart()
  if (!content.startsWith('{')) return false
  let depth = 0
  for (let i = 0; i < content.length; i++) {
    if (content[i] === '\\') i++
    else if (content[i] === '{') depth++
    else if (content[i] === '}' && --depth === 0) return content.slice(1, i).trim() !== ''
  }
  return false
}
