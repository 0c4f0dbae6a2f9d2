import type { TextEvent, TextModel, TextRequest, TextResponse } from '../model.ts'
import { gradedAnswer } from '../r1/graded.ts'
import { onTop } from './on-top.ts'
import { isKnown, reasonOf, type Sampled, Samples } from './samples.ts'
import { countOf } from './settings.ts'
import type { Score } from './vote.ts'

/** Chooses the best of several responses: its number among them. */
export type Choose = (
  request: TextRequest,
  responses: readonly TextResponse[],
  options: { readonly signal: AbortSignal | undefined },
) => Promise<number>

/**
 * A model that samples several responses and gives the one that `choose` finds best. Responses without an answer are
 * considered only if none has one. If a response fails, its error is reported as progress and the others are compared; if
 * all fail, the error of the first is thrown.
 */
export function withBestOf(
  model: TextModel,
  { samples, choose }: { readonly samples: number; readonly choose: Choose },
): TextModel {
  const count = countOf('samples', samples)
  async function* respond(request: TextRequest): AsyncGenerator<TextEvent> {
    const asked = request.temperature === 0 ? 1 : count
    const sampling = new Samples(model, request, asked)
    const sampled: Sampled[] = []
    const errors = new Map<number, unknown>()
    for await (const outcome of sampling.outcomes()) {
      if ('error' in outcome) {
        errors.set(outcome.index, outcome.error)
        yield { type: 'progress', text: `sample ${outcome.index + 1} failed: ${reasonOf(outcome.error)}` }
      } else sampled.push(outcome)
      yield { type: 'progress', text: `${sampled.length} of ${asked} sampled` }
    }
    if (sampled.length === 0) throw errors.get(0)
    sampled.sort((a, b) => a.index - b.index)
    const answered = sampled.filter(({ response }) => gradedAnswer(response, model.can.format).answer)
    const candidates = answered.length > 0 ? answered : sampled
    const responses = candidates.map(({ response }) => response)
    const best = candidates.length === 1 ? 0 : await choose(request, responses, { signal: request.signal })
    request.signal?.throwIfAborted()
    yield {
      type: 'progress',
      text: `sample ${candidates[best]!.index + 1} is the best of ${candidates.length}`,
    }
    yield* candidates[best]!.events
    yield { ...candidates[best]!.response.end, usage: sampling.usage() }
  }
  return onTop(model, ['best-of', count], respond)
}

/** Chooses the response with the highest score, the first of those that have it. A response with an unknown score comes last. */
export const highest =
  (score: Score): Choose =>
  async (request, responses, options) => {
    const scores = await Promise.all(responses.map((response) => score(request, response, options)))
    const known = scores.map((one) => (isKnown(one) ? one : Number.NEGATIVE_INFINITY))
    return known.indexOf(Math.max(...known))
  }
