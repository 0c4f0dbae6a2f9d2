import {
  decodeSampleResponse,
  type SampleResponse,
  type SamplingParams,
  sampleResponse,
  samplingSession,
} from '../protocol/index.ts'
import { checkTokens, type Limits } from './check.ts'
import type { Connection } from './connection.ts'
import { TinkerError } from './errors.ts'
import { parse } from './futures.ts'

export interface SampleOptions extends Omit<Partial<SamplingParams>, 'max_tokens'> {
  /** Servers demand it. */
  readonly max_tokens: number
  /** Number of sequences; by default 1. */
  readonly num_samples?: number | undefined
  /** Also return the log-probs of the prompt's tokens. */
  readonly prompt_logprobs?: boolean | undefined
  /** Also return the log-probs of this many likeliest tokens of each position of the prompt. */
  readonly topk_prompt_logprobs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Weights that can be sampled. They do not change. */
export class TinkerSampler {
  readonly id: string
  readonly #connection: Connection
  readonly #limits: Limits
  #count = 0

  constructor(connection: Connection, id: string, limits: Limits) {
    this.id = id
    this.#connection = connection
    this.#limits = limits
  }

  /**
   * Samples continuations of a prompt. Requests beyond the client's concurrency wait their turn.
   *
   * No token ends a sequence by itself: the end-of-text tokens must be in `stop`, and the one that was met is the last token
   * of the sequence. Log-probs are those of the model's own distribution, whatever the temperature.
   * `prompt_logprobs` has an entry for each token of the prompt; that of the first is null.
   */
  async sample(
    prompt: ArrayLike<number>,
    {
      num_samples = 1,
      prompt_logprobs = false,
      topk_prompt_logprobs = 0,
      signal,
      temperature = 1,
      top_k = -1,
      top_p = 1,
      ...params
    }: SampleOptions,
  ): Promise<SampleResponse> {
    const length = checkTokens([prompt], 'the prompt', this.#limits)
    for (const [name, value, least] of [
      ['max_tokens', params.max_tokens, 1],
      ['num_samples', num_samples, 1],
    ] as const)
      if (!Number.isInteger(value) || value < least)
        throw new TinkerError(`${name} must be a whole number of at least ${least}, not ${value}`, 'request')
    const seq_id = this.#count++
    return this.#connection.limit(async () => {
      signal?.throwIfAborted()
      const response = await this.#connection.future(
        {
          method: 'POST',
          path: '/asample',
          signal,
          headers: { 'x-tinker-sampling-backpressure': '1' },
          body: {
            num_samples,
            prompt: { chunks: [{ type: 'encoded_text', tokens: Array.from(prompt) }] },
            sampling_params: { ...params, temperature, top_k, top_p },
            sampling_session_id: this.id,
            seq_id,
            prompt_logprobs,
            topk_prompt_logprobs,
            type: 'sample',
          },
        },
        { kind: 'Sample', schema: sampleResponse, decode: decodeSampleResponse },
      )
      check(response, num_samples, params.max_tokens)
      return prompt_logprobs
        ? { ...response, prompt_logprobs: aligned(response.prompt_logprobs, length) }
        : response
    })
  }
}

/** Where samples come from. */
export type SampledWeights = { readonly baseModel: string } | { readonly path: string }

/** Opens a sampler in a session. */
export async function openSampler(
  connection: Connection,
  weights: SampledWeights,
  limits: Limits,
  signal?: AbortSignal,
): Promise<TinkerSampler> {
  const path = '/create_sampling_session'
  const body = {
    session_id: connection.sessionId,
    sampling_session_seq_id: connection.samplerNumber(),
    ...('path' in weights ? { model_path: weights.path } : { base_model: weights.baseModel }),
    type: 'create_sampling_session',
  }
  const reply = await connection.call({ method: 'POST', path, body, signal })
  return new TinkerSampler(connection, parse(samplingSession, reply, path).sampling_session_id, limits)
}

function check({ sequences }: SampleResponse, asked: number, maxTokens: number): void {
  if (sequences.length !== asked)
    throw new TinkerError(`the server sampled ${sequences.length} sequences, not ${asked}`, 'server')
  for (const { tokens, logprobs } of sequences) {
    if (tokens.length === 0 || tokens.length > maxTokens)
      throw new TinkerError(`the server sampled ${tokens.length} tokens, not 1 to ${maxTokens}`, 'server')
    if (logprobs !== null && logprobs.length !== tokens.length)
      throw new TinkerError(
        `the server returned ${logprobs.length} log-probs for ${tokens.length} tokens`,
        'server',
      )
  }
}

/** Some servers leave out the first token's log-prob, which does not exist. */
function aligned(logprobs: readonly (number | null)[] | null, length: number): readonly (number | null)[] {
  if (logprobs === null) throw new TinkerError('the server returned no log-probs of the prompt', 'server')
  if (logprobs.length === length) return logprobs
  if (logprobs.length === length - 1) return [null, ...logprobs]
  throw new TinkerError(
    `the server returned ${logprobs.length} log-probs for a prompt of ${length} tokens`,
    'server',
  )
}
