import { hashText, Random } from '../../../common/random.ts'
import type { Question, Task, Verdict } from '../../task.ts'
import { GENERAL_KINDS, TOPICS, topicOf } from './topics.ts'
import { checkWriting } from './writing.ts'

/**
 * Those of a topic's wordings that are held out, never in training: the quarter with the least hashes. So all that is
 * asked has been learned, in other words.
 */
const heldOutOf = (prompts: readonly string[]): string[] =>
  [...prompts].sort((a, b) => hashText(a) - hashText(b)).slice(0, Math.ceil(prompts.length / 4))

const split = (heldOut: boolean) =>
  GENERAL_KINDS.map((kind) =>
    TOPICS[kind].flatMap(({ prompts, full, language }) => {
      const held = new Set(heldOutOf(prompts))
      return prompts
        .filter((prompt) => held.has(prompt) === heldOut)
        .map((prompt): Question => ({ id: `${kind} ${prompt}`, prompt, gold: full, kind, language }))
    }),
  )
const TRAINING = split(false)
const HELD_OUT = split(true)

/** General prompts, kind by kind in turn: small talk, facts, writing, requests harmful and harmless, in two languages. */
export const general: Task = {
  name: 'miniature/general',
  description: 'small talk, facts, writing and requests, some harmful, in two languages',
  language: 'en',
  training: ({ seed, step, count }) => {
    const random = new Random(seed, 'miniature general training', step)
    // The turn goes on from step to step, so that every kind has its share whatever the number a step.
    return Array.from({ length: count }, (_, i) =>
      random.pick(TRAINING[(step * count + i) % TRAINING.length]!),
    )
  },
  heldOut: ({ count, seed = 0 }) => {
    const kinds = HELD_OUT.map((questions, k) =>
      new Random(seed, 'miniature general held out', k).shuffle([...questions]),
    )
    const most = Math.max(...kinds.map(({ length }) => length))
    const turns = Array.from({ length: most }, (_, i) => kinds.flatMap((questions) => questions[i] ?? []))
    return turns.flat().slice(0, count)
  },
  check: checkGeneral,
}

/** Rules tell of writing alone; a judge tells of the rest. */
function checkGeneral({ prompt }: Question, answer: string | null): Verdict {
  const topic = topicOf(prompt)
  if (topic === null) return { correct: null, reason: 'the question cannot be read' }
  if ('lines' in topic) return checkWriting(topic, answer)
  return { correct: null, reason: 'free text: a judge compares it with the truth' }
}
