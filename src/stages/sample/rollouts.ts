import { counted, type Progress } from '../../common/progress.ts'
import { Random } from '../../common/random.ts'
import type { SampledSequence, Sampler, Truncation } from '../../engines/contract.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import { wholeQuestion } from '../../rewards/question.ts'
import type { Rollout } from '../../rewards/reward.ts'
import type { RolloutRow } from '../../runs/rows.ts'
import type { Question, Task } from '../../tasks/task.ts'
import { parseResponse } from '../../thinking/r1/parse.ts'
import { parseSummary } from '../../thinking/r1/summary.ts'
import { boxedAnswer } from '../../verify/boxes.ts'
import { type Interruption, interruptingTokens, isThinking, joined, type TokenRange } from './interruption.ts'

/** A sampled response as tokens. */
export interface SampledResponse {
  readonly question: Question
  readonly prompt: string
  readonly promptTokens: Int32Array
  /** Did the prompt end inside <think>? */
  readonly opened: boolean
  readonly sequence: SampledSequence
  /** Tokens of the response that were put in to end its thinking: they are not learned. Missing if there are none. */
  readonly inserted?: TokenRange | undefined
}

/** A sampled response as text, with what was parsed from it. */
export interface SampledRollout extends Rollout, SampledResponse {
  readonly wellFormed: boolean
}

interface SamplingOptions extends Truncation {
  /** Responses per question. */
  readonly group: number
  readonly maxTokens: number
  readonly temperature: number
  /** Name of the random stream: results are a pure function of weights, questions and stream. */
  readonly stream: readonly (number | string)[]
  /** How thinking that is too long is ended; by default it is not. */
  readonly interruption?: Interruption | null | undefined
  /** Called with the number of responses that have ended. */
  readonly progress?: Progress | undefined
}

/** Samples `group` responses to every question and parses them. One array per question. */
export async function rollOut(
  sampler: Sampler,
  renderer: Renderer,
  task: Task,
  questions: readonly Question[],
  options: SamplingOptions,
): Promise<SampledRollout[][]> {
  const responses_P_G = await sampleResponses(sampler, renderer, questions, options)
  return responses_P_G.map((responses_G) =>
    responses_G.map((response) => readSampled(renderer, task, response)),
  )
}

/**
 * Samples `group` responses to every question, all in one tick so that they share batches. One array per question. With an
 * interruption, responses that are as long as it allows go on, all in another tick, after their thinking was ended.
 */
export async function sampleResponses(
  sampler: Sampler,
  renderer: Renderer,
  questions: readonly Question[],
  options: SamplingOptions,
): Promise<SampledResponse[][]> {
  const { progress, interruption = null } = options
  const onEnd = progress && counted(progress, 'sampling responses', questions.length * options.group)
  const responses_P_G = await Promise.all(
    questions.map(async (question, index) => {
      const { text: prompt, tokens: promptTokens, opened } = renderer.prompt(question)
      const sequences = await sampler.sample(promptTokens, {
        n: options.group,
        maxTokens: interruption?.after ?? options.maxTokens,
        temperature: options.temperature,
        topK: options.topK,
        topP: options.topP,
        minP: options.minP,
        stopTokens: renderer.stopTokens,
        seed: new Random(...options.stream, index).bits(),
        onEnd,
      })
      return sequences.map((sequence) => ({
        question,
        prompt,
        promptTokens,
        opened,
        sequence,
      }))
    }),
  )
  if (interruption === null) return responses_P_G
  const phrase = interruptingTokens(renderer, interruption)
  return Promise.all(
    responses_P_G.map((responses_G, index) =>
      Promise.all(
        responses_G.map(async (response, g): Promise<SampledResponse> => {
          const { promptTokens, opened, sequence: first } = response
          if (first.stopReason === 'stop') return response
          const inserted = isThinking(renderer.response(first.tokens), opened) ? phrase : new Int32Array()
          const [second] = await sampler.sample(
            Int32Array.of(...promptTokens, ...first.tokens, ...inserted),
            {
              n: 1,
              first: g,
              maxTokens: options.maxTokens - first.tokens.length - inserted.length,
              temperature: options.temperature,
              topK: options.topK,
              topP: options.topP,
              minP: options.minP,
              stopTokens: renderer.stopTokens,
              seed: new Random(...options.stream, index, 'continued').bits(),
            },
          )
          return { ...response, ...joined(first, inserted, second!) }
        }),
      ),
    ),
  )
}

/** Decodes and parses a response to a question. */
export function readSampled(renderer: Renderer, task: Task, sampled: SampledResponse): SampledRollout {
  const { question, opened, sequence } = sampled
  const response = renderer.response(sequence.tokens)
  const { thinking, answer, summary, wellFormed } = readResponse(renderer, response, opened)
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

function readResponse({ template }: Renderer, response: string, opened: boolean) {
  if (template === 'r1-zero') {
    const parsed = parseResponse(response, { opened })
    return { ...parsed, summary: parsed.answer }
  }
  const parsed = parseSummary(response, { opened })
  return { ...parsed, answer: parsed.summary && (boxedAnswer(parsed.summary) ?? parsed.summary) }
}

/** The results of the rewards and of the task's check for a rollout. */
export interface RolloutScores {
  /** Each reward by name; null if it is unknown or failed. */
  readonly rewards: Readonly<Record<string, number | null>>
  /** Weighted sum; with null, the rollout is left out of the update. */
  readonly total: number | null
  readonly correct: boolean | null
  /** Why the check found the answer right or wrong, or could not tell; missing if it is unknown. */
  readonly reason?: string | undefined
  /** Why, by name of the reward: see `Reward.reason`. */
  readonly reasons?: Readonly<Record<string, string>>
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
    asked: wholeQuestion(rollout.question),
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
    reason: scores.reason,
    ...(scores.reasons && { reasons: scores.reasons }),
    total: scores.total,
    advantage,
    stopReason: rollout.stopReason,
    length: rollout.tokens,
  }
}
