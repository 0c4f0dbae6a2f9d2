import { hashText, Random } from '../../../common/random.ts'
import type { Question, Task, Verdict } from '../../task.ts'
import { demonstrate } from './demonstrate.ts'
import { GENERAL_KINDS, TOPICS, topicOf } from './topics.ts'
import { checkWriting } from './writing.ts'

/**
 * The wordings of a topic that are held out of training: the quarter with the smallest hashes. Every topic is therefore
 * trained on, in other wordings than those that it is evaluated with.
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

/** General prompts, taking the kinds in turn: small talk, facts, writing, harmful and harmless requests, in two languages. */
export const general: Task = {
  name: 'miniature/general',
  description: 'small talk, facts, writing and requests, some harmful, in two languages',
  language: 'en',
  training: ({ seed, step, count }) => {
    const random = new Random(seed, 'miniature general training', step)
    // Each step begins with the kind after the last one of the step before, so that every kind gets its share.
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
  demonstrations: ({ seed, count }) => {
    const random = new Random(seed, 'reused')
    return general
      .training({ seed: random.bits(), step: 1, count })
      .map((question) => ({ question, ...demonstrate(random, question) }))
  },
}

/** Rules check writing only; the rest needs a judge. */
function checkGeneral({ prompt }: Question, answer: string | null): Verdict {
  const topic = topicOf(prompt)
  if (topic === null) return { correct: null, reason: 'the question cannot be read' }
  if ('lines' in topic) return checkWriting(topic, answer)
  return { correct: null, reason: 'free text: a judge compares it with the truth' }
}
