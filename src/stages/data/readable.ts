import { consistencyOf } from '../../rewards/language/language.ts'
import { NGRAM, repeatedShare } from '../../rewards/repetition.ts'
import type { Rollout } from '../../rewards/reward.ts'
import { isBlank } from '../../thinking/r1/blank.ts'

/** Limits of a readable response. */
export interface ReadableLimits {
  /** Longest response, in tokens. */
  readonly maxTokens: number
  /** Longest paragraph of the chain (text without a line break), in characters. */
  readonly maxParagraph: number
  /** Largest share of the response's 16-grams that repeat an earlier one. */
  readonly maxRepetition: number
  /** Smallest share of the chain's words in the question's language. */
  readonly minLanguage: number
}

export type Unreadable =
  | 'cut off'
  /** The prompt left the model no room for a reply. */
  | 'no room for a reply'
  | 'ill-formed'
  | 'too long'
  | 'repetition'
  | 'mixed languages'
  | 'long paragraph'
  | 'code block'

/**
 * Why a response is hard to read, or null if it is readable (DeepSeek-R1, Nature 645: repetition, mixed languages, long
 * paragraphs and code blocks). Language, paragraphs and code blocks are checked in the chain only: a summary may
 * translate a word or contain a requested program.
 */
export function unreadable(
  {
    question,
    task,
    response,
    thinking,
    wellFormed,
    tokens,
    stopReason,
  }: Pick<Rollout, 'question' | 'task' | 'response' | 'thinking' | 'tokens' | 'stopReason'> & {
    readonly wellFormed: boolean
  },
  { maxTokens, maxParagraph, maxRepetition, minLanguage }: ReadableLimits,
): Unreadable | null {
  if (stopReason === 'length') return tokens === 0 ? 'no room for a reply' : 'cut off'
  if (!wellFormed || (thinking !== null && isBlank(thinking))) return 'ill-formed'
  if (tokens > maxTokens) return 'too long'
  if (repeatedShare(response, NGRAM) > maxRepetition) return 'repetition'
  if (thinking === null) return null
  const language = question.language ?? task.language
  const consistency = consistencyOf(thinking, language, { question: question.prompt })
  if (consistency !== null && consistency < minLanguage) return 'mixed languages'
  if (thinking.split('\n').some((line) => line.length > maxParagraph)) return 'long paragraph'
  return /^\s*(?:```|~~~)/m.test(thinking) ? 'code block' : null
}
