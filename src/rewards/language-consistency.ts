import { consistencyOf, type Language } from './language/language.ts'
import type { Reward } from './reward.ts'

/**
 * Language consistency: the share of the words of the thinking that are in the question's language (DeepSeek-R1, Nature
 * 645, Methods). Missing or empty thinking scores 0; thinking without words (only arithmetic) scores 1.
 *
 * Range 0 … 1; `null` if the language of eight words or more in Latin script is unknown. Fooled by: arithmetic without words;
 * single words of a language in the same script; words of the question; capitals.
 */
export const language: Reward = {
  name: 'language',
  score: ({ thinking, task, question }) =>
    thinking ? consistencyOf(thinking, question.language ?? task.language, { question: question.prompt }) : 0,
  reason: ({ thinking, task, question }, score) =>
    thinking ? consistencyReason(score, question.language ?? task.language) : 'there is no thinking',
}

/** What a language score says. */
export function consistencyReason(score: number | null, language: Language): string {
  const name = new Intl.DisplayNames('en', { type: 'language' }).of(language)
  return score === null
    ? 'the language of the thinking is unknown'
    : `${Math.round(100 * score)} % of its words are ${name}`
}
