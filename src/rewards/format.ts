import { parseResponse } from '../thinking/parse.ts'
import type { Reward, Rollout } from './reward.ts'

/** `opened`: the prompt ends in `<think>`. */
interface FormatOptions {
  readonly opened?: boolean
}

/**
 * R1-Zero's format: a think part, then an answer part, once each and nothing else (DeepSeek-R1, Nature 645, Methods).
 *
 * 0 or 1. Fooled by: parts that are empty, or say nothing.
 */
export function format({ opened = false }: FormatOptions = {}): Reward {
  return { name: 'format', score: ({ response }) => Number(parseResponse(response, { opened }).wellFormed) }
}

/**
 * R1's format: thinking between `<think>` and `</think>`, once, nothing before it and a summary after it; neither is
 * empty, and the response came to its end (DeepSeek-R1, Nature 645, cold start).
 *
 * 0 or 1. Fooled by: a summary that says nothing; thinking that goes on in the summary.
 */
export function summary({ opened = false }: FormatOptions = {}): Reward {
  return { name: 'summary', score: (rollout) => Number(summaryOf(rollout, opened) !== null) }
}

/**
 * R1's format with a summary that holds exactly one `\boxed{…}`, closed and not empty.
 *
 * 0 or 1. Fooled by: a box with anything in it; accuracy says whether it is right.
 */
export function boxed({ opened = false }: FormatOptions = {}): Reward {
  return { name: 'boxed', score: (rollout) => Number(hasOneBox(summaryOf(rollout, opened) ?? '')) }
}

/** What follows the thinking; `null` where the response is not of R1's format. */
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
