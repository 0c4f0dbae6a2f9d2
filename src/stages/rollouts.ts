import type { SampledSequence, Sampler } from '../engines/contract.ts'
import type { Tokenizer } from '../models/tokenizer.ts'
import { Random } from '../random.ts'
import type { Rollout } from '../rewards/reward.ts'
import type { RolloutRow } from '../runs/rows.ts'
import type { Question, Task } from '../tasks/task.ts'
import { parseResponse } from '../thinking/parse.ts'
import { r1ZeroPrompt } from '../thinking/template.ts'

/** What sampling needs of a tokenizer. */
export type TextCodec = Pick<Tokenizer, 'encode' | 'decode' | 'eosId'>

/** A sampled response, read as text. */
export interface SampledRollout extends Rollout {
  readonly promptTokens: Int32Array
  readonly sequence: SampledSequence
  readonly wellFormed: boolean
}

export interface SamplingOptions {
  /** Responses a question. */
  readonly group: number
  readonly maxTokens: number
  readonly temperature: number
  readonly topP?: number
  readonly topK?: number
  /** Names the random stream: results are a pure function of weights, questions and stream. */
  readonly stream: readonly (number | string)[]
}

/** Samples `group` responses to every question (all prompts in one tick, so that they share batches). One array a question. */
export async function rollOut(
  sampler: Sampler,
  codec: TextCodec,
  task: Task,
  questions: readonly Question[],
  options: SamplingOptions,
): Promise<SampledRollout[][]> {
  return Promise.all(
    questions.map(async (question, index) => {
      const prompt = r1ZeroPrompt(question.prompt)
      const promptTokens = codec.encode(prompt)
      const sequences = await sampler.sample(promptTokens, {
        n: options.group,
        maxTokens: options.maxTokens,
        temperature: options.temperature,
        topP: options.topP ?? 1,
        topK: options.topK ?? 0,
        stopTokens: [codec.eosId],
        seed: new Random(...options.stream, index).bits(),
      })
      return sequences.map((sequence) => readSequence(codec, task, question, prompt, promptTokens, sequence))
    }),
  )
}

function readSequence(
  codec: TextCodec,
  task: Task,
  question: Question,
  prompt: string,
  promptTokens: Int32Array,
  sequence: SampledSequence,
): SampledRollout {
  const ended = sequence.tokens.at(-1) === codec.eosId
  const response = codec.decode(ended ? sequence.tokens.subarray(0, -1) : sequence.tokens, {
    skipSpecial: false,
  })
  const { thinking, answer, wellFormed } = parseResponse(response)
  let verdict: ReturnType<SampledRollout['verdict']> | undefined
  return {
    question,
    task,
    prompt,
    response,
    thinking,
    answer,
    verdict: () => {
      verdict ??= task.check(question, answer)
      return verdict
    },
    wellFormed,
    tokens: sequence.tokens.length,
    stopReason: sequence.stopReason,
    promptTokens,
    sequence,
  }
}

/** What the rewards made of a rollout. */
export interface Judgement {
  /** Each reward by name; null: unknown or failed. */
  readonly rewards: Readonly<Record<string, number | null>>
  /** Weighted sum; null leaves the rollout out of the update. */
  readonly total: number | null
  readonly correct: boolean | null
  /** One line a failed reward. */
  readonly errors: readonly string[]
}

export function toRow(
  rollout: SampledRollout,
  judgement: Judgement,
  split: string,
  advantage: number | null,
): Omit<RolloutRow, 'step'> {
  return {
    split,
    question: rollout.question.id,
    kind: rollout.question.kind,
    gold: rollout.question.gold,
    prompt: rollout.prompt,
    tokens: rollout.sequence.tokens,
    text: rollout.response,
    thinking: rollout.thinking,
    answer: rollout.answer,
    logprobs: rollout.sequence.logprobs,
    rewards: judgement.rewards,
    correct: judgement.correct,
    total: judgement.total,
    advantage,
    stopReason: rollout.stopReason,
    length: rollout.tokens,
  }
}
