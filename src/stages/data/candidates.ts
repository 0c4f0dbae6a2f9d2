import { ifTooLong } from '../../common/errors.ts'
import type { Progress } from '../../common/progress.ts'
import { Random } from '../../common/random.ts'
import type { Sampler, Truncation } from '../../engines/contract.ts'
import { type Generator, NO_REPLY } from '../../providers/generator.ts'
import type { ChatMessage } from '../../renderer/messages.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import type { Question, Task } from '../../tasks/task.ts'
import { rollOut } from '../sample/rollouts.ts'
import { type Candidate, writtenCandidate } from './rows.ts'

/** Samples responses to questions, in the order of the questions. `stream` is the name of the random stream. */
export type Sample = (
  task: Task,
  questions: readonly Question[],
  stream: readonly (number | string)[],
) => Promise<readonly Candidate[]>

/** Samples responses from an open model. */
export function fromSampler({
  sampler,
  renderer,
  samples,
  ...sampling
}: {
  readonly sampler: Sampler
  readonly renderer: Renderer
  /** Responses per question. */
  readonly samples: number
  readonly maxTokens: number
  readonly temperature: number
  readonly progress?: Progress | undefined
} & Truncation): Sample {
  return async (task, questions, stream) =>
    (await rollOut(sampler, renderer, task, questions, { ...sampling, group: samples, stream })).flat()
}

/**
 * Samples responses from a generator: its thinking becomes the chain, and the text after it the summary. A question that
 * leaves the generator no room for a reply has an empty one, cut off.
 */
export function fromGenerator({
  generator,
  renderer,
  samples,
  messages: messagesFor,
  onReply,
}: {
  readonly generator: Generator
  /** Counts the tokens of the replies. */
  readonly renderer: Renderer
  /** Replies per question. */
  readonly samples: number
  /** The messages that put a question to the generator. */
  readonly messages: (question: string) => readonly ChatMessage[]
  /** Called after each reply with the numbers of replies so far and in total. */
  readonly onReply?: ((done: number, all: number) => void) | undefined
}): Sample {
  return (task, questions, stream) => {
    let done = 0
    return Promise.all(
      questions.flatMap((question, p) => {
        const messages = [...(question.messages ?? []).slice(0, -1), ...messagesFor(question.prompt)]
        return Array.from({ length: samples }, async (_, g) => {
          const seed = new Random(...stream, p, g).bits() >>> 1
          const { text, reasoning, finishReason } = await generator
            .generate(messages, { seed })
            .catch(ifTooLong(NO_REPLY))
          onReply?.(++done, questions.length * samples)
          return writtenCandidate(renderer, task, question, {
            prompt: messages.map(({ role, content }) => `${role}: ${content}`).join('\n\n'),
            thinking: reasoning,
            summary: text,
            cut: finishReason !== 'stop',
          })
        })
      }),
    )
  }
}
