import { randomInt } from 'node:crypto'
import type { z } from 'zod'
import type { SampledSequence as Sampled, SampleOptions, TokenDetail } from '../../engines/contract.ts'
import type { SampleResponse, SamplingParams } from '../../tinker/protocol/index.ts'
import { RequestError } from '../problem.ts'
import type { BaseModel } from './base-models.ts'
import { tokensOf } from './datums.ts'
import type { sampleRequest } from './requests.ts'
import type { Samplers } from './samplers.ts'

type SampleRequest = z.output<typeof sampleRequest>

/** What a request asks of a sampler. */
export interface Asked {
  readonly prompt: Int32Array
  readonly options: Omit<SampleOptions, 'onToken' | 'signal'>
  /** How many of the last tokens of the prompt get log-probs, at most all but the first; null: it is not asked. */
  readonly promptLogprobs: number | null
  readonly topPrompt: number
}

/** Most tokens whose log-probs a request may ask for at each position. */
const MOST_TOP = 100
const MOST_SAMPLES = 1024

/** @throws RequestError for what cannot be honoured. */
export function readSampleRequest(request: SampleRequest, base: BaseModel): Asked {
  const { num_samples: n, sampling_params: params } = request
  const prompt = tokensOf(request.prompt, 'prompt', base.config)
  for (const name of ['target_prompt_logprobs', 'prompt_alt_tokens_k', 'record_stability_info'] as const)
    if (request[name]) throw fault(name, 'is not supported here; leave it out')
  if (n > MOST_SAMPLES) throw fault('num_samples', `is ${n}; at most ${MOST_SAMPLES} are sampled at a time`)
  const room = base.config.maxPositions - prompt.length
  if (params.max_tokens === 0) throw fault('sampling_params.max_tokens', 'must be at least 1')
  if (room < (params.max_tokens ?? 1))
    throw fault(
      'sampling_params.max_tokens',
      `leaves no room: the prompt has ${prompt.length} tokens, and the model takes ${base.config.maxPositions}, so at most ${Math.max(0, room)} can follow`,
    )
  for (const name of ['topk_prompt_logprobs', 'topk_sample_logprobs'] as const)
    if ((request[name] ?? 0) > MOST_TOP)
      throw fault(name, `is ${request[name]}; at most ${MOST_TOP} are told`)
  const { temperature } = params
  if (!(temperature === 0 || (temperature >= 1e-6 && temperature <= 1e6)))
    throw fault('sampling_params.temperature', `is ${temperature}; it must be 0, or between 1e-6 and 1e6`)
  if (request.topk_sample_logprobs && temperature !== 1 && temperature !== 0)
    throw fault('topk_sample_logprobs', 'is told at temperatures 1 and 0 alone')
  if (!(params.top_p > 0 && params.top_p <= 1))
    throw fault('sampling_params.top_p', `is ${params.top_p}; it must be above 0 and at most 1`)
  if (params.top_k < -1) throw fault('sampling_params.top_k', `is ${params.top_k}; -1 or 0 keeps all tokens`)
  const last = request.prompt_logprobs_last_n
  if (last !== null && last !== undefined && !(last >= 1 && last < prompt.length))
    throw fault('prompt_logprobs_last_n', `is ${last}; it must be between 1 and ${prompt.length - 1}`)
  const isAsked = request.prompt_logprobs === true
  return {
    prompt,
    options: {
      n,
      maxTokens: params.max_tokens ?? room,
      temperature,
      topK: Math.max(0, params.top_k),
      topP: params.top_p,
      seed: params.seed ?? randomInt(2 ** 31),
      topLogprobs: request.topk_sample_logprobs ?? 0,
      ...stopOf(params, base),
    },
    promptLogprobs: isAsked ? (last ?? prompt.length - 1) : null,
    topPrompt: request.topk_prompt_logprobs ?? 0,
  }
}

/** Without `stop`, a sequence ends as the model ends its responses; an empty list never ends one. */
function stopOf(
  { stop }: SamplingParams,
  { stopTokens, config }: BaseModel,
): Pick<SampleOptions, 'stop' | 'stopTokens'> {
  if (stop === null || stop === undefined)
    return { stopTokens: stopTokens.filter((id) => id < config.vocabSize) }
  const given = typeof stop === 'string' ? [stop] : stop
  const strings = given.filter((item) => typeof item === 'string')
  const ids = given.filter((item) => typeof item === 'number')
  if (strings.includes('')) throw fault('sampling_params.stop', 'has an empty string')
  const outside = ids.find((id) => id < 0 || id >= config.vocabSize)
  if (outside !== undefined)
    throw fault(
      'sampling_params.stop',
      `has ${outside}, which is no token of the vocabulary, 0 to ${config.vocabSize - 1}`,
    )
  return { stop: strings, stopTokens: ids }
}

/** Samples with the weights in a folder; null: the base model's. Log-probs are those of temperature 1. */
export async function sample(
  { prompt, options, promptLogprobs, topPrompt }: Asked,
  samplers: Samplers,
  folder: string | null,
  signal: AbortSignal,
): Promise<SampleResponse> {
  const { n, temperature, topLogprobs = 0 } = options
  const details: TokenDetail[][] = Array.from({ length: n }, () => [])
  const sampled = await samplers.use('sampler', folder, (sampler) =>
    sampler.sample(prompt, {
      ...options,
      signal,
      ...(topLogprobs > 0 && { onToken: (i, _, detail) => detail && details[i]!.push(detail) }),
    }),
  )
  const isTempered = temperature !== 0 && temperature !== 1
  const score = (texts: readonly Scored[]): Promise<Float32Array[]> =>
    samplers.use('scorer', folder, (scorer) => scorer.logprobs(texts))
  const logprobs = isTempered
    ? (await score(sampled.map((sequence) => scoredResponse(prompt, sequence)))).map((values) =>
        values.subarray(prompt.length - 1),
      )
    : sampled.map((sequence) => sequence.logprobs)
  return {
    sequences: sampled.map(({ tokens, stopReason }, i) => ({
      tokens,
      logprobs: logprobs[i]!,
      stop_reason: stopReason,
      topk_logprobs: topLogprobs > 0 ? details[i]!.map(pairsOf) : null,
    })),
    prompt_logprobs: promptLogprobs !== null ? await ofPrompt(prompt, promptLogprobs, score) : null,
    topk_prompt_logprobs:
      topPrompt > 0 ? await likeliest(prompt, topPrompt, promptLogprobs, samplers, folder, signal) : null,
    prompt_cache_hit_tokens: sampled[0]?.cachedTokens ?? null,
  }
}

interface Scored {
  readonly tokens: Int32Array
  readonly targets: Int32Array
  readonly weights: Float32Array
}

/** A text of which the tokens from `from` on are scored. */
function scored(text: Int32Array, from: number): Scored {
  const tokens = text.subarray(0, -1)
  return {
    tokens,
    targets: text.subarray(1),
    weights: Float32Array.from(tokens, (_, t) => (t + 1 >= from ? 1 : 0)),
  }
}

const scoredResponse = (prompt: Int32Array, { tokens }: Sampled): Scored =>
  scored(Int32Array.of(...prompt, ...tokens), prompt.length)

/** The log-probs of a prompt's last tokens; null for those before. */
async function ofPrompt(
  prompt: Int32Array,
  last: number,
  score: (texts: readonly Scored[]) => Promise<Float32Array[]>,
): Promise<(number | null)[]> {
  if (last === 0) return [null]
  const [values] = await score([scored(prompt, prompt.length - last)])
  return [null, ...Array.from(values!, (value) => (Number.isNaN(value) ? null : value))]
}

/** The likeliest tokens at each position of a prompt: those that would be sampled first after what is before it. */
async function likeliest(
  prompt: Int32Array,
  k: number,
  last: number | null,
  samplers: Samplers,
  folder: string | null,
  signal: AbortSignal,
): Promise<([number, number][] | null)[]> {
  const first = prompt.length - (last ?? prompt.length - 1)
  return samplers.use('sampler', folder, (sampler) =>
    Promise.all(
      Array.from(prompt, async (_, position) => {
        if (position < first) return null
        let found: TokenDetail | undefined
        await sampler.sample(prompt.slice(0, position), {
          n: 1,
          maxTokens: 1,
          temperature: 0,
          seed: 0,
          topLogprobs: k,
          signal,
          onToken: (_, __, detail) => {
            found = detail
          },
        })
        return found ? pairsOf(found) : null
      }),
    ),
  )
}

const pairsOf = ({ top }: TokenDetail): [number, number][] =>
  top.map(({ token, logprob }) => [token, logprob])

const fault = (field: string, what: string): RequestError =>
  new RequestError('invalid', `${field} ${what}`, { field })
