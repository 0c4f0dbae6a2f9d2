import { languageShare } from '../../rewards/language.ts'
import { NGRAM, repeatedShare } from '../../rewards/repetition.ts'
import type { Rollout } from '../../rewards/reward.ts'

/** What a response must keep to for people to read it with ease. */
export interface ReadableLimits {
  /** Longest response, in tokens. */
  readonly maxTokens: number
  /** Longest paragraph of the chain, in characters: text without a line break. */
  readonly maxParagraph: number
  /** Largest share of the response's 16-grams that stood in it before. */
  readonly maxRepetition: number
  /** Smallest share of the chain's words in the question's language. */
  readonly minLanguage: number
}

export type Unreadable =
  | 'cut off'
  | 'ill-formed'
  | 'too long'
  | 'repetition'
  | 'mixed languages'
  | 'long paragraph'
  | 'code block'

/**
 * Why a response is not kept for its form, or `null` (DeepSeek-R1, Nature 645: repetition, mixed languages, long
 * paragraphs and code blocks). Language, paragraphs and code are the chain's: a summary may translate a word or hold the
 * program that was asked for.
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
  if (stopReason === 'length') return 'cut off'
  if (!wellFormed || thinking === '') return 'ill-formed'
  if (tokens > maxTokens) return 'too long'
  if (repeatedShare(response, NGRAM) > maxRepetition) return 'repetition'
  if (thinking === null) return null
  const language = question.language ?? task.language
  if ((languageShare(thinking, language, { question: question.prompt }) ?? 1) < minLanguage)
    return 'mixed languages'
  if (thinking.split('\n').some((line) => line.length > maxParagraph)) return 'long paragraph'
  return /^\s*(?:```|~~~)/m.test(thinking) ? 'code block' : null
}
