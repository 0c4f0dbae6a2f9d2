import { oneLine } from '../../common/words.ts'
import type { TextEvent, TextModel, TextRequest, TextResponse } from '../model.ts'
import { gradedAnswer } from '../r1/graded.ts'
import { type Group, groupAnswers, heaviest, isDecided, type Same } from './majority.ts'
import { onTop } from './on-top.ts'
import { isKnown, reasonOf, type Sampled, Samples } from './samples.ts'
import { countOf } from './settings.ts'

/** Scores a response, higher is better; null or NaN if its score is unknown. */
export type Score = (
  request: TextRequest,
  response: TextResponse,
  options: { readonly signal: AbortSignal | undefined },
) => Promise<number | null>

/** How a vote is held. */
export interface VoteOptions {
  /** Number of responses, at least 1. */
  readonly samples: number
  readonly same: Same
  /** With a score r, each answer's vote weighs σ(r) = 1 / (1 + e⁻ʳ); without, 1. */
  readonly score?: Score | undefined
}

/**
 * A model that samples several responses and gives one with the answer of the majority (self-consistency, Wang et al. 2023;
 * cons@64 of R1): the first response, in the order of the samples, of the group that `groupAnswers` finds heaviest. A
 * response without an answer, or with an unknown score, has no vote; if none has, the first response is given.
 *
 * The vote ends, and the responses under way are aborted, once no missing vote can change the winner. If a response fails,
 * its error is reported as progress and the vote goes on; if all fail, the error of the first is thrown. In greedy decoding
 * all responses are the same, so one is sampled.
 */
export function withVote(model: TextModel, { samples, same, score }: VoteOptions): TextModel {
  const count = countOf('samples', samples)
  async function* respond(request: TextRequest): AsyncGenerator<TextEvent> {
    const asked = request.temperature === 0 ? 1 : count
    const sampling = new Samples(model, request, asked)
    const sampled: (Sampled | undefined)[] = Array.from({ length: asked })
    const weights: (number | null)[] = Array.from({ length: asked }, () => null)
    const answers: (string | null)[] = Array.from({ length: asked }, () => null)
    const errors = new Map<number, unknown>()
    const equal = remembered(same)
    let groups: Group[] = []
    for await (const outcome of sampling.outcomes()) {
      const { index } = outcome
      if ('error' in outcome) {
        errors.set(index, outcome.error)
        yield { type: 'progress', text: `sample ${index + 1} failed: ${reasonOf(outcome.error)}` }
      } else {
        sampled[index] = outcome
        const r = score ? await score(request, outcome.response, { signal: request.signal }) : 0
        request.signal?.throwIfAborted()
        weights[index] = !isKnown(r) ? null : score ? 1 / (1 + Math.exp(-r)) : 1
        // what does not count when the answer is graded has no vote
        answers[index] = gradedAnswer(outcome.response, model.can.format).answer || null
      }
      groups = groupAnswers(answers, equal, weights)
      const ended = sampled.filter((one) => one !== undefined).length
      yield { type: 'progress', text: `${ended} of ${asked} sampled: ${standing(groups, answers)}` }
      const missing = [...sampled.keys()].filter((i) => sampled[i] === undefined && !errors.has(i))
      if (isDecided(groups, missing)) break
    }
    if (errors.size === asked) throw errors.get(0)
    const winner = sampled[heaviest(groups)?.members[0] ?? sampled.findIndex((one) => one !== undefined)]!
    yield* winner.events
    yield { ...winner.response.end, usage: sampling.usage() }
  }
  return onTop(model, ['vote', count, score !== undefined], respond)
}

/** `same`, which is asked once about two answers. */
function remembered(same: Same): Same {
  const known = new Map<string, boolean>()
  return (a, b) => {
    const key = JSON.stringify([a, b])
    const result = known.get(key) ?? same(a, b)
    known.set(key, result)
    return result
  }
}

/** The groups with their weights, heaviest first, for people. */
function standing(groups: readonly Group[], answers: readonly (string | null)[]): string {
  if (groups.length === 0) return 'no answer yet'
  const [first, second, ...others] = [...groups].sort((a, b) => b.weight - a.weight)
  const shown = [first!, ...(second ? [second] : [])].map(({ members, weight }) => {
    const answer = oneLine(answers[members[0]!]!, 20)
    return `${answer} × ${Number.isInteger(weight) ? weight : weight.toFixed(2)}`
  })
  return [...shown, ...(others.length > 0 ? [`${others.length} more`] : [])].join(', ')
}
