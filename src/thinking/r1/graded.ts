import type { TextResponse, ThinkingFormat } from '../model.ts'
import { FORMATS } from '../parser/formats.ts'
import { isBlank } from './blank.ts'
import { parseResponse } from './parse.ts'
import { parseSummary } from './summary.ts'

/** A response as training grades it. */
export interface GradedResponse {
  /** null if there is none. */
  readonly answer: string | null
  /** Is it in the model's format? null if the model's own text is not known. */
  readonly wellFormed: boolean | null
}

/** Does a model of this format write its answer as R1-Zero does, so that text outside of the answer part does not count? */
export const isR1Zero = ({ thinking, answer }: ThinkingFormat): boolean =>
  thinking.start === FORMATS['r1-zero'].thinking.start && answer?.start === FORMATS['r1-zero'].answer?.start

/** The answer of a response as training reads it: from the model's own text where that is known. */
export function gradedAnswer(
  { thinking, answer, end }: TextResponse,
  format: ThinkingFormat,
): GradedResponse {
  const { text } = end
  if (text === null) return { answer, wellFormed: null }
  const opened = thinking !== null && !text.trimStart().startsWith(format.thinking.start)
  if (isR1Zero(format)) return parseResponse(text, { opened })
  if (format.thinking.start === FORMATS.deepseek.thinking.start && format.answer === null) {
    const { summary, wellFormed } = parseSummary(text, { opened })
    return { answer: summary, wellFormed }
  }
  // the delimiters of other formats are known only to the model, which has split its text
  return { answer, wellFormed: answer !== null && !isBlank(answer) }
}
