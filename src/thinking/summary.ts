import { splitThinking } from './split.ts'

/** A response of R1's form taken apart: thinking, where there is any, then what is said to the user. Parts are trimmed. */
export interface ParsedSummary {
  /** `null` where the model answered without thinking. */
  readonly thinking: string | null
  /** `null` where there is none: the thinking did not end. */
  readonly summary: string | null
  /** At most one think part, closed, at the beginning; then a summary that is not empty and has no tags in it. */
  readonly wellFormed: boolean
}

const TAG = /<\/?(?:think|answer)>/g

/**
 * Takes a response apart into thinking and summary (DeepSeek-R1, Nature 645, cold start). `opened`: the prompt already
 * ended with `<think>`.
 */
export function parseSummary(text: string, { opened = false }: { opened?: boolean } = {}): ParsedSummary {
  const { thinking, answer } = splitThinking(text, { opened })
  const tags = (text.match(TAG) ?? []).join('')
  const form = thinking === null ? '' : opened ? '</think>' : '<think></think>'
  return { thinking, summary: answer || null, wellFormed: Boolean(answer) && tags === form }
}
