import { Random } from '../../common/random.ts'
import type { SampledSequence, Sampler, Truncation } from '../../engines/contract.ts'
import type { Tokenizer } from '../../models/tokenizer.ts'
import type { Rollout } from '../../rewards/reward.ts'
import type { RolloutRow } from '../../runs/rows.ts'
import type { Question, Task } from '../../tasks/task.ts'
import { parseResponse } from '../../thinking/parse.ts'
import { parseSummary } from '../../thinking/summary.ts'
import { r1ZeroPrompt } from '../../thinking/template.ts'
import { boxedAnswer } from '../../verify/boxes.ts'

/** The part of a tokenizer that sampling needs. */
export type TextCodec = Pick<Tokenizer, 'encode' | 'decode' | 'eosId' | 'applyChatTemplate'>

/**
 * The format of prompt and response: R1-Zero's template, with thinking and answer in tags; or the model's own chat
 * template, with thinking and then a summary, as in R1.
 */
export type PromptTemplate = 'r1-zero' | 'chat'

/** A sampled response as tokens. */
export interface SampledResponse {
  readonly question: Question
  readonly prompt: string
  readonly promptTokens: Int32Array
  readonly sequence: SampledSequence
}

/** A sampled response as text, with what was parsed from it. */
export interface SampledRollout extends Rollout, SampledResponse {
  readonly wellFormed: boolean
}

interface SamplingOptions extends Truncation {
  /** By default R1-Zero's. */
  readonly template?: PromptTemplate | undefined
  /** Responses per question. */
  readonly group: number
  readonly maxTokens: number
  readonly temperature: number
  /** Name of the random stream: results are a pure function of weights, questions and stream. */
  readonly stream: readonly (number | string)[]
}

/** Samples `group` responses to every question and parses them. One array per question. */
export async function rollOut(
  sampler: Sampler,
  codec: TextCodec,
  task: Task,
  questions: readonly Question[],
  options: SamplingOptions,
): Promise<SampledRollout[][]> {
  const responses_P_G = await sampleResponses(sampler, codec, questions, options)
  return responses_P_G.map((responses_G) =>
    responses_G.map((response) => readSampled(codec, task, response, options.template)),
  )
}

/** Samples `group` responses to every question, all in one tick so that they share batches. One array per question. */
export async function sampleResponses(
  sampler: Sampler,
  codec: TextCodec,
  questions: readonly Question[],
  options: SamplingOptions,
): Promise<SampledResponse[][]> {
  const { template = 'r1-zero' } = options
  return Promise.all(
    questions.map(async (question, index) => {
      const prompt = promptOf(codec, template, question.prompt)
      const promptTokens = codec.encode(prompt)
      const sequences = await sampler.sample(promptTokens, {
        n: options.group,
        maxTokens: options.maxTokens,
        temperature: options.temperature,
        topK: options.topK,
        topP: options.topP,
        minP: options.minP,
        stopTokens: [codec.eosId],
        seed: new Random(...options.stream, index).bits(),
      })
      return sequences.map((sequence) => ({ question, prompt, promptTokens, sequence }))
    }),
  )
}

/**
 * The template that a model was trained with: its own, unless it has none or one that renders a question as R1-Zero's
 * does.
 */
export function templateOf(tokenizer: Tokenizer): PromptTemplate {
  return tokenizer.hasChatTemplate && promptOf(tokenizer, 'chat', 'Why?') !== r1ZeroPrompt('Why?')
    ? 'chat'
    : 'r1-zero'
}

/** The prompt of a question. */
function promptOf(codec: TextCodec, template: PromptTemplate, question: string): string {
  return template === 'chat'
    ? codec.applyChatTemplate([{ role: 'user', content: question }], { addGenerationPrompt: true })
    : r1ZeroPrompt(question)
}

/** Decodes and parses a response to a question in `template`, by default R1-Zero's. */
export function readSampled(
  codec: TextCodec,
  task: Task,
  sampled: SampledResponse,
  template: PromptTemplate = 'r1-zero',
): SampledRollout {
  const { question, prompt, sequence } = sampled
  const ended = sequence.tokens.at(-1) === codec.eosId
  const response = codec.decode(ended ? sequence.tokens.subarray(0, -1) : sequence.tokens, {
    skipSpecial: false,
  })
  const { thinking, answer, summary, wellFormed } = readResponse(template, prompt, response)
  let verdict: ReturnType<SampledRollout['verdict']> | undefined
  return {
    ...sampled,
    task,
    response,
    thinking,
    answer,
    summary,
    verdict: () => {
      verdict ??= task.check(question, answer)
      return verdict
    },
    wellFormed,
    tokens: sequence.tokens.length,
    stopReason: sequence.stopReason,
  }
}

function readResponse(template: PromptTemplate, prompt: string, response: string) {
  if (template === 'r1-zero') {
    const parsed = parseResponse(response)
    return { ...parsed, summary: parsed.answer }
  }
  const parsed = parseSummary(response, { opened: /<think>\s*$/.test(prompt) })
  return { ...parsed, answer: parsed.summary && (boxedAnswer(parsed.summary) ?? parsed.summary) }
}

/** The results of the rewards and of the task's check for a rollout. */
export interface RolloutScores {
  /** Each reward by name; null if it is unknown or failed. */
  readonly rewards: Readonly<Record<string, number | null>>
  /** Weighted sum; with null, the rollout is left out of the update. */
  readonly total: number | null
  readonly correct: boolean | null
  /** One line per failed reward. */
  readonly errors: readonly string[]
}

/** A rollout as a row of the run store, without its step. */
export function toRow(
  rollout: SampledRollout,
  scores: RolloutScores,
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
    rewards: scores.rewards,
    correct: scores.correct,
    total: scores.total,
    advantage,
    stopReason: rollout.stopReason,
    length: rollout.tokens,
  }
}
