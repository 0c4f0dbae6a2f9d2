import { splitThinking } from '../parser/split.ts'
import { isBlank } from './blank.ts'

/** The parts of a response in R1's format: optional thinking, then a summary for the user. Parts are trimmed. */
export interface ParsedSummary {
  /** `null` if the model answered without thinking. */
  readonly thinking: string | null
  /** `null` if there is none, because the thinking did not end or nothing followed it. */
  readonly summary: string | null
  /** Whether it is at most one complete think part, at the beginning, then a summary that is not empty and has no tags. */
  readonly wellFormed: boolean
  /** Why it is not well formed, or `null` if it is. */
  readonly problem: string | null
}

const TAG = /<\/?(?:think|answer)>/g

/**
 * Splits a response in R1's format into thinking and summary (DeepSeek-R1, Nature 645, cold start). `opened`: the prompt
 * already ended with `<think>`.
 */
export function parseSummary(text: string, { opened = false }: { opened?: boolean } = {}): ParsedSummary {
  const { thinking, answer } = splitThinking(text, { opened })
  const summary = answer !== null && !isBlank(answer) ? answer : null
  const tags = text.match(TAG) ?? []
  const expected = thinking === null ? '' : opened ? '</think>' : '<think></think>'
  const problem =
    summary !== null && tags.join('') === expected ? null : problemOf({ thinking, summary, tags })
  return { thinking, summary, wellFormed: problem === null, problem }
}

/** What is wrong with a response that is not well formed. */
function problemOf({
  thinking,
  summary,
  tags,
}: Pick<ParsedSummary, 'thinking' | 'summary'> & { tags: readonly string[] }): string {
  if (thinking === null) return summary === null ? 'it is empty' : 'its thinking is not at the beginning'
  if (!tags.includes('</think>')) return '</think> is missing'
  return summary === null ? 'nothing follows the thinking' : `its tags are ${tags.join(' ')}`
}
