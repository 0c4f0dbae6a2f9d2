import type { TextResponse, ThinkingFormat } from '../thinking/model.ts'
import { type GradedResponse, gradedAnswer, isR1Zero } from '../thinking/r1/graded.ts'
import { boxedAnswer } from '../verify/boxes.ts'

/**
 * Reads the answer of a response, as training does: the answer part or, where the format has none, the last \boxed{} of the
 * answer, or all of it.
 */
export function readAnswer(response: TextResponse, format: ThinkingFormat): GradedResponse {
  const { answer, wellFormed } = gradedAnswer(response, format)
  if (response.end.text !== null && isR1Zero(format)) return { answer, wellFormed }
  return { answer: answer && (boxedAnswer(answer) ?? answer), wellFormed }
}
