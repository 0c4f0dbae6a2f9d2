import { PromptTooLong, UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import { plural } from '../../common/words.ts'
import type { ModelConfig } from '../../models/config.ts'
import type { Tokenizer } from '../../models/tokenizer/tokenizer.ts'
import { TinkerError, type TinkerModel, type TinkerSampler, type TinkerSession } from '../../tinker/index.ts'
import { checkSampleOptions, checkTemperature } from '../checks.ts'
import type { Datum, SampledSequence, SampleOptions, Sampler, Scorer } from '../contract.ts'
import { checkDatums } from '../validate.ts'
import { floats, wireDatum } from './loss.ts'
import type { Remote } from './remote.ts'

/** Weights that are held for reading. */
export interface Reading {
  readonly remote: Remote
  readonly config: ModelConfig
  readonly tokenizer: Tokenizer | null
  /** Opens them on the server. */
  readonly open: (session: TinkerSession) => Promise<TinkerSampler>
  readonly release: () => void
  /** The trainer's model as long as it has these weights, else null. */
  readonly model: () => TinkerModel | null
}

/** Keeps one sampler a session, counts the calls under way, and waits for them when it is closed. */
class Open {
  readonly #reading: Reading
  #opened: { readonly epoch: number; readonly sampler: Promise<TinkerSampler> } | null = null
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  constructor(reading: Reading) {
    this.#reading = reading
  }

  /** Runs `work` with the sampler; `open` opens it, if it is not open already. */
  use<T>(work: (open: () => Promise<TinkerSampler>) => Promise<T>): Promise<T> {
    const { remote } = this.#reading
    const call = async () => {
      remote.check()
      if (this.#closed) throw new Error('this sampler or scorer was closed')
      return remote.run((session) => work(() => this.#sampler(session)))
    }
    const running = call()
    this.#running.add(running)
    const done = () => this.#running.delete(running)
    running.then(done, done)
    return running
  }

  async close(): Promise<void> {
    if (this.#closed) return void (await Promise.allSettled(this.#running))
    this.#closed = true
    await Promise.allSettled(this.#running)
    this.#reading.release()
  }

  #sampler(session: TinkerSession): Promise<TinkerSampler> {
    const { epoch } = this.#reading.remote
    if (this.#opened?.epoch !== epoch) {
      const sampler = this.#reading.open(session)
      sampler.catch(() => {
        this.#opened = null
      })
      this.#opened = { epoch, sampler }
    }
    return this.#opened.sampler
  }
}

/** Sequences asked for in one request. */
const AT_ONCE = 64

/**
 * Samples on the server. Tokens are reported when their sequence has ended. A request's sequences depend on (seed, first),
 * and on how many they are as far as the server's do.
 */
export function tinkerSampler(reading: Reading): Sampler {
  const open = new Open(reading)
  const { config, tokenizer, remote } = reading
  let [running, sampledTokens, promptTokens] = [0, 0, 0]
  return {
    sample: async (prompt, options) => {
      const { n, onToken, onEnd, signal } = options
      check(prompt, options, config, tokenizer)
      signal?.throwIfAborted()
      running += n
      try {
        const parts = Array.from({ length: Math.ceil(n / AT_ONCE) }, (_, i) => i * AT_ONCE)
        const groups = await open.use(async (opened) => {
          const sampler = await opened()
          return Promise.all(
            parts.map((from) => samplePart(sampler, prompt, options, from, remote, tokenizer)),
          )
        })
        const sequences = groups.flat()
        promptTokens += prompt.length
        for (const [index, { tokens, logprobs }] of sequences.entries()) {
          sampledTokens += tokens.length
          for (const [t, token] of tokens.entries()) {
            signal?.throwIfAborted()
            onToken?.(index, token, { logprob: logprobs[t]!, top: [] })
          }
          onEnd?.(index)
        }
        signal?.throwIfAborted()
        return sequences
      } finally {
        running -= n
      }
    },
    load: () => ({ running, waiting: 0, sampledTokens, promptTokens, cachedTokens: 0 }),
    close: () => open.close(),
  }
}

async function samplePart(
  sampler: TinkerSampler,
  prompt: Int32Array,
  options: SampleOptions,
  from: number,
  remote: Remote,
  tokenizer: Tokenizer | null,
): Promise<SampledSequence[]> {
  const {
    n,
    maxTokens,
    temperature,
    topK = 0,
    topP = 1,
    stopTokens = [],
    stop = [],
    seed,
    first = 0,
  } = options
  const controller = new AbortController()
  const abort = (signal: AbortSignal) => () => controller.abort(signal.reason)
  const signals = [remote.stopped, ...(options.signal ? [options.signal] : [])]
  const listeners = signals.map((signal) => [signal, abort(signal)] as const)
  for (const [signal, listener] of listeners) {
    if (signal.aborted) listener()
    signal.addEventListener('abort', listener)
  }
  try {
    const { sequences } = await sampler.sample(prompt, {
      num_samples: Math.min(AT_ONCE, n - from),
      max_tokens: maxTokens,
      temperature,
      top_k: topK === 0 ? -1 : topK,
      top_p: topP,
      // 31 bits
      seed: new Random(seed, 'tinker', first + from).bits() >>> 1,
      // a request has either token ids or strings; without any, some servers end where the model's own files say
      stop: stopTokens.length > 0 ? [...stopTokens] : [...stop],
      signal: controller.signal,
    })
    return sequences.map((sequence) => {
      if (sequence.logprobs === null)
        throw new TinkerError('the server returned no log-probs of the sampled tokens', 'request')
      return sampledSequence(
        {
          tokens: Int32Array.from(sequence.tokens),
          logprobs: Float32Array.from(sequence.logprobs),
          stopReason: sequence.stop_reason,
        },
        options,
        tokenizer,
      )
    })
  } finally {
    for (const [signal, listener] of listeners) signal.removeEventListener('abort', listener)
  }
}

/**
 * A sequence with its log-probs as far as they are known: a server reports those of temperature 1, untruncated. It may end in
 * a stop string, which only token ids kept the server from looking for.
 */
function sampledSequence(
  { tokens, logprobs, stopReason }: Pick<SampledSequence, 'tokens' | 'logprobs' | 'stopReason'>,
  { temperature, topK = 0, topP = 1, stopTokens = [], stop = [] }: SampleOptions,
  tokenizer: Tokenizer | null,
): SampledSequence {
  const end = stopTokens.length > 0 && stop.length > 0 ? endOf(tokens, stop, tokenizer!) : tokens.length
  const known = tokens.subarray(0, end)
  const reported = logprobs.subarray(0, end)
  const unknown = new Float32Array(end).fill(Number.NaN)
  const truncated = topK !== 0 || topP !== 1
  return {
    tokens: known,
    logprobs: temperature === 1 || temperature === 0 ? reported : unknown,
    samplingLogprobs:
      temperature === 0 ? new Float32Array(end) : temperature === 1 && !truncated ? reported : unknown,
    stopReason: end < tokens.length ? 'stop' : stopReason,
  }
}

/** The number of tokens up to the first stop string. */
function endOf(tokens: Int32Array, stop: readonly string[], tokenizer: Tokenizer): number {
  const contains = (count: number) => {
    const text = tokenizer.decode(tokens.subarray(0, count))
    return stop.some((string) => text.includes(string))
  }
  if (!contains(tokens.length)) return tokens.length
  let end = 1
  while (!contains(end)) end++
  return end
}

function check(
  prompt: Int32Array,
  options: SampleOptions,
  config: ModelConfig,
  tokenizer: Tokenizer | null,
): void {
  checkSampleOptions(options)
  const { maxTokens, minP = 0, topLogprobs = 0, stop = [] } = options
  if (minP !== 0) throw new UserError('the engine tinker has no minP: leave it out')
  if (topLogprobs !== 0) throw new UserError('the engine tinker does not report the likeliest tokens')
  if (stop.length > 0 && tokenizer === null) throw new Error('sample: stop strings need a tokenizer')
  if (prompt.length === 0) throw new Error('sample: the prompt is empty; give at least one token')
  if (prompt.length + maxTokens > config.maxPositions)
    throw new PromptTooLong(
      `the prompt's ${plural(prompt.length, 'token')} and up to ${plural(maxTokens, 'new one')} exceed the model's ${plural(config.maxPositions, 'position')}: lower the longest response (--max-tokens, rl.maxTokens)`,
    )
}

/**
 * Scores with the trainer's model as long as it has these weights; after that, by the log-probs of a prompt in a request for
 * one token.
 */
export function tinkerScorer(reading: Reading): Scorer {
  const open = new Open(reading)
  const { config } = reading
  return {
    logprobs: async (datums, { temperature = 1 } = {}) => {
      checkTemperature(temperature)
      if (temperature !== 1)
        throw new UserError(`the engine tinker knows log-probs of temperature 1 alone, not ${temperature}`)
      checkDatums(datums, config)
      const texts = datums.map(textOf)
      if (datums.length === 0) return []
      return open.use(async (opened) => {
        const model = reading.model()
        const scored = model
          ? await byForward(model, datums)
          : await byPrompt(await opened(), texts, reading.remote.stopped)
        return datums.map(({ weights }, i) =>
          weights.map((w, t) => (w === 0 ? Number.NaN : (scored[i]![t] ?? Number.NaN))),
        )
      })
    },
    close: () => open.close(),
  }
}

type Scored = Pick<Datum, 'tokens' | 'targets' | 'weights'>

async function byForward(model: TinkerModel, datums: readonly Scored[]): Promise<ArrayLike<number>[]> {
  const data = datums.map((datum) =>
    wireDatum(datum, { weights: floats(datum.weights.map((w) => Number(w !== 0))) }),
  )
  const { loss_fn_outputs } = await model.forward(data)
  return loss_fn_outputs.map(({ logprobs }) => {
    if (!logprobs) throw new TinkerError('the server returned no log-probs', 'request')
    return logprobs.data
  })
}

function byPrompt(
  sampler: TinkerSampler,
  texts: readonly Int32Array[],
  signal: AbortSignal,
): Promise<ArrayLike<number>[]> {
  return Promise.all(
    texts.map(async (text) => {
      const { prompt_logprobs } = await sampler.sample(text, {
        max_tokens: 1,
        seed: 1,
        prompt_logprobs: true,
        signal,
      })
      return prompt_logprobs!.slice(1).map((logprob) => logprob ?? Number.NaN)
    }),
  )
}

/** The text up to the last target with a weight. @throws UserError for targets that are not the next tokens. */
function textOf({ tokens, targets, weights }: Scored, i: number): Int32Array {
  const last = weights.findLastIndex((w) => w !== 0)
  for (let t = 0; t < last; t++)
    if (weights[t] !== 0 && targets[t] !== tokens[t + 1])
      throw new UserError(
        `datum ${i}: the engine tinker scores texts alone, whose targets are the next tokens`,
      )
  return last < 0 ? tokens.slice(0, 1) : Int32Array.of(...tokens.subarray(0, last + 1), targets[last]!)
}
