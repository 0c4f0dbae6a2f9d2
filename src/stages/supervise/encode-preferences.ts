import { UserError } from '../../common/errors.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import { encodeScoredText, type ScoredText } from '../../rewards/preference.ts'
import type { Preference } from '../../tasks/examples/preferences.ts'
import type { Sequence } from './learn.ts'
import { supervise } from './masks.ts'

/* Preferences as tokens: for a reward model, and for a model that learns to answer. */

/** What a reward model learns from: two texts, the better one first, or one text with its label. */
export interface EncodedPreference {
  readonly texts: readonly Int32Array[]
  /** Is the labelled text good? Null for a pair. */
  readonly good: boolean | null
}

/**
 * Encodes the texts of a preference, as a reward model scores them.
 *
 * @throws UserError for answers that are the same to the model.
 */
export function encodePreference(renderer: Renderer, preference: Preference): EncodedPreference {
  if ('response' in preference)
    return { texts: [encodeScoredText(renderer, preference.response)], good: preference.good }
  const chosen = encodeScoredText(renderer, preference.chosen)
  const rejected = encodeScoredText(renderer, preference.rejected)
  checkDifferent(chosen, rejected)
  return { texts: [chosen, rejected], good: null }
}

/** A pair of answers as tokens, each with its prompt, of which nothing is learned: the better one, then the worse one. */
export type Pair = readonly [chosen: Sequence, rejected: Sequence]

/**
 * Encodes a pair. Only the last answer of a conversation is compared; of a text, what follows its prompt or, if the prompt is
 * unknown, the beginning that both texts share.
 *
 * @throws UserError for labelled answers, for answers that are the same to the model, or if something of one would not be learned.
 */
export function encodePair(renderer: Renderer, preference: Preference): Pair {
  if ('response' in preference)
    throw new UserError('it is one answer with a label, and not a pair; `ruminate reward` learns from labels')
  const shared = sharedLength(preference.chosen, preference.rejected)
  const chosen = encodeAnswer(renderer, preference.chosen, shared)
  const rejected = encodeAnswer(renderer, preference.rejected, shared)
  checkDifferent(chosen.tokens, rejected.tokens)
  return [chosen, rejected]
}

function checkDifferent(chosen: Int32Array, rejected: Int32Array): void {
  if (chosen.join() === rejected.join())
    throw new UserError('its two answers are the same to the model, so there is no preference')
}

function encodeAnswer(renderer: Renderer, scored: ScoredText, shared: number): Sequence {
  if ('text' in scored) {
    const at = scored.promptLength ?? shared
    const [sequence] = supervise(renderer, {
      prompt: scored.text.slice(0, at),
      completion: scored.text.slice(at),
    })
    return sequence!
  }
  const { messages, tools } = scored
  const learned = messages.map((message, i) =>
    message.role === 'assistant' && i < messages.length - 1 ? { ...message, weight: 0 as const } : message,
  )
  const [sequence] = supervise(renderer, { messages: learned, ...(tools && { tools }) })
  return sequence!
}

/** The length of the beginning that two texts share, without a space before the first difference, as in TRL. */
function sharedLength(a: ScoredText, b: ScoredText): number {
  if (!('text' in a && 'text' in b)) return 0
  let at = 0
  while (at < a.text.length && at < b.text.length && a.text[at] === b.text[at]) at++
  return a.text[at - 1] === ' ' ? at - 1 : at
}
