import type { Random } from '../../../../common/random.ts'
import type { Tokenizer } from '../../../../models/tokenizer/tokenizer.ts'
import type { SampledSequence, SampleOptions, TokenDetail } from '../../../contract.ts'
import { choose, likeliestTokens, streamOf } from './choose.ts'

export interface SampleRequest {
  readonly prompt: Int32Array
  readonly options: Omit<SampleOptions, 'onToken' | 'onEnd' | 'signal'>
  /** The number of the first sequence among those that the caller asked for, by default 0. */
  readonly first?: number
  readonly onToken?: ((index: number, token: number, detail: TokenDetail) => void) | undefined
  readonly onEnd?: ((index: number) => void) | undefined
  /** Has the caller given up this request? */
  readonly aborted?: (() => boolean) | undefined
}

/** A sequence being sampled. */
export interface Drawing {
  readonly request: SampleRequest
  readonly index: number
  readonly random: Random
  readonly tokens: number[]
  readonly logprobs: number[]
  readonly samplingLogprobs: number[]
  stopReason: 'stop' | 'length' | null
}

/** Sequence `index` of a request, without tokens yet. */
export const startDrawing = (request: SampleRequest, index: number): Drawing => ({
  request,
  index,
  random: streamOf(request.options.seed, (request.options.first ?? 0) + (request.first ?? 0) + index),
  tokens: [],
  logprobs: [],
  samplingLogprobs: [],
  stopReason: null,
})

/** 1 / temperature; greedy sampling has the distribution of temperature 1. */
export const scaleOf = ({ options: { temperature } }: SampleRequest): number =>
  temperature === 0 ? 1 : 1 / temperature

/**
 * Draws a sequence's next token from row `at` of `probs` [rows, vocabSize], reports it, and decides whether the sequence
 * ends with it.
 *
 * @throws UserError if the row is not a distribution.
 */
export function drawNext(
  drawing: Drawing,
  probs: Float32Array,
  at: number,
  vocabSize: number,
  tokenizer: Tokenizer | null,
): void {
  const { request, index, random, tokens } = drawing
  const { maxTokens, stopTokens = [], stop = [], topLogprobs = 0 } = request.options
  const offset = at * vocabSize
  const { token, samplingLogprob } = choose(probs, offset, vocabSize, request.options, random)
  const logprob = Math.log(probs[offset + token]!)
  tokens.push(token)
  drawing.logprobs.push(logprob)
  drawing.samplingLogprobs.push(samplingLogprob)
  if (request.onToken) {
    const top = topLogprobs === 0 ? [] : likeliestTokens(probs, offset, vocabSize, topLogprobs)
    request.onToken(index, token, { logprob, top })
  }
  if (stopTokens.includes(token) || (stop.length > 0 && endsWithStop(tokens, stop, tokenizer!)))
    drawing.stopReason = 'stop'
  else if (tokens.length >= maxTokens) drawing.stopReason = 'length'
  if (drawing.stopReason !== null) request.onEnd?.(index)
}

/** A sequence that has ended. */
export function drawn(drawing: Drawing): SampledSequence {
  const logprobs = Float32Array.from(drawing.logprobs)
  const changed = drawing.samplingLogprobs.some((x, i) => x !== drawing.logprobs[i])
  return {
    tokens: Int32Array.from(drawing.tokens),
    logprobs,
    samplingLogprobs: changed ? Float32Array.from(drawing.samplingLogprobs) : logprobs,
    stopReason: drawing.stopReason!,
  }
}

function endsWithStop(tokens: readonly number[], stop: readonly string[], tokenizer: Tokenizer): boolean {
  // A stop string spans at most as many tokens as it has bytes.
  const reach = Math.max(...stop.map((s) => Buffer.byteLength(s))) + 1
  const tail = tokenizer.decode(tokens.slice(-reach))
  return stop.some((s) => tail.includes(s))
}
