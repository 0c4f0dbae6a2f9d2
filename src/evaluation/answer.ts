import type { TextResponse, ThinkingFormat } from '../thinking/model.ts'
import { isBlank } from '../thinking/r1/blank.ts'
import { parseResponse } from '../thinking/r1/parse.ts'
import { parseSummary } from '../thinking/r1/summary.ts'
import { boxedAnswer } from '../verify/boxes.ts'

/** A response as it is judged. */
export interface ReadResponse {
  /** The text to check: the answer part or, where the format has none, the last \boxed{} of the answer, or all of it. */
  readonly answer: string | null
  /** Is it in the model's format? null if the model's own text is not known. */
  readonly wellFormed: boolean | null
}

/** Reads the answer of a response, as training does: from the model's own text where that is known. */
export function readAnswer({ thinking, answer, end }: TextResponse, format: ThinkingFormat): ReadResponse {
  const { text } = end
  if (text === null) return { answer: boxedOr(answer), wellFormed: null }
  const opened = thinking !== null && !text.trimStart().startsWith(format.thinking.start)
  if (format.answer !== null) return parseResponse(text, { opened })
  // other delimiters than <think> are known only to the model, which has split its text
  if (format.thinking.start !== '<think>')
    return { answer: boxedOr(answer), wellFormed: answer !== null && !isBlank(answer) }
  const { summary, wellFormed } = parseSummary(text, { opened })
  return { answer: boxedOr(summary), wellFormed }
}

const boxedOr = (answer: string | null): string | null => answer && (boxedAnswer(answer) ?? answer)
