import { PromptTooLong, UserError } from '../../common/errors.ts'
import { oneLine } from '../../common/words.ts'
import { collect } from '../collect.ts'
import type { Message, TextEvent, TextModel, TextRequest, TextResponse, TextUsage } from '../model.ts'
import type { Same } from './majority.ts'
import { onTop } from './on-top.ts'
import { reasonOf, recorded } from './samples.ts'
import { countOf } from './settings.ts'
import { sumUsage } from './usage.ts'

/** What a model is asked after its answer. */
export const CHECK =
  'Check your answer step by step, and look for mistakes. If it is wrong or incomplete, correct it. Then give the whole answer again, in the same form.'

/** How an answer is refined. */
export interface RefineOptions {
  /** How often the answer is checked, at most; at least 1. */
  readonly rounds: number
  readonly same: Same
}

/**
 * A model that sees its answer and is asked to check and improve it (sequential refinement: Madaan et al. 2023, arXiv
 * 2303.17651), until an answer repeats the one before it, or `rounds` times. It sees its answer without the thinking. A
 * model that sees only the last message is given question and answer in one.
 *
 * Progress tells each answer; the thinking and the answer of the last round are the response. If there is no room for
 * another round, or a round ends without an answer, the answer before it is given.
 */
export function withRefinement(model: TextModel, { rounds, same }: RefineOptions): TextModel {
  const count = countOf('rounds', rounds)
  async function* respond(request: TextRequest): AsyncGenerator<TextEvent> {
    if (request.prompt !== undefined)
      throw new UserError(
        'an answer can be refined in a conversation, not in a prompt that is continued as it stands',
      )
    const usages: TextUsage[] = []
    let best = await read(model.respond({ ...request, whole: true }))
    usages.push(best.response.end.usage)
    for (let round = 1; round <= count; round++) {
      const { answer, toolCalls } = best.response
      if (!answer || toolCalls.length > 0) break
      yield { type: 'progress', text: `answer ${round}: ${oneLine(answer, 60)}` }
      const { prefix: _, ...again } = request
      const messages = askedAgain(model, request.messages, answer)
      let next: Read
      try {
        next = await read(model.respond({ ...again, messages, whole: true }))
      } catch (error) {
        if (!(error instanceof PromptTooLong)) throw error
        yield { type: 'progress', text: `no room to check it again: ${reasonOf(error)}` }
        break
      }
      usages.push(next.response.end.usage)
      if (!next.response.answer) {
        yield { type: 'progress', text: 'the check ended without an answer, so the one before it is kept' }
        break
      }
      const repeated = same(answer, next.response.answer)
      best = next
      if (!repeated) continue
      yield { type: 'progress', text: 'the answer was confirmed' }
      break
    }
    yield* best.events
    yield { ...best.response.end, usage: sumUsage(usages) }
  }
  return onTop(model, ['refine', count], respond)
}

interface Read {
  readonly response: TextResponse
  readonly events: readonly TextEvent[]
}

async function read(source: AsyncIterable<TextEvent>): Promise<Read> {
  const events: TextEvent[] = []
  return { response: await collect(recorded(source, events)), events }
}

/** The messages that ask a model to check its answer. */
function askedAgain({ can }: TextModel, messages: readonly Message[], answer: string): readonly Message[] {
  if (can.remembers !== false)
    return [...messages, { role: 'assistant', content: answer }, { role: 'user', content: CHECK }]
  const last = messages.at(-1)!
  return [
    ...messages.slice(0, -1),
    { ...last, content: `${last.content}\n\nYour answer was: ${answer}\n\n${CHECK}` },
  ]
}
