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
    summary === null ? 'nothing follows the thinking' : tags.join('') === expected ? null : misplaced(tags)
  return { thinking, summary, wellFormed: problem === null, problem }
}

/** What is wrong with the tags of a response. */
const misplaced = (tags: readonly string[]): string =>
  tags.includes('</think>') ? `its tags are ${tags.join(' ')}` : '</think> is missing'
