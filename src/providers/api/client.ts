import { UserError } from '../../common/errors.ts'
import { Places } from '../../common/places.ts'
import { Random } from '../../common/random.ts'
import { type RetrySettings, TransientError, withRetries } from '../../common/retry.ts'
import type { TextEvent, TextModel, TextRequest, ThinkingFormat } from '../../thinking/model.ts'
import { FORMATS } from '../../thinking/parser/formats.ts'
import { endpointOf } from './address.ts'
import { attempt } from './attempt.ts'
import { anthropicDialect } from './dialects/anthropic.ts'
import type { ApiRequest, Dialect } from './dialects/dialect.ts'
import { ollamaDialect } from './dialects/ollama.ts'
import { openAiDialect } from './dialects/openai.ts'
import { prefixText } from './dialects/requests.ts'
import { concernsAll, explained, gaveUp, labelOf, unreachable } from './explain.ts'
import { Refusal, Unreachable } from './failures.ts'
import type { Provider } from './presets.ts'
import type { TimeLimits } from './transport.ts'

/** A model behind an API, and how it is asked. */
export interface ApiSettings {
  readonly provider: Provider
  /** The provider's name of the model. */
  readonly model: string
  /** Address; see `Provider.baseUrl`. */
  readonly baseUrl: string
  /** Name of the environment variable that holds the key; `null` if the endpoint needs none. */
  readonly keyVariable: string | null
  /** By default responses are streamed, so that no proxy closes a connection that is silent while the model thinks. */
  readonly stream?: boolean | undefined
  /** Further fields of every request. A field that is `undefined` is left out: `{ seed: undefined }`. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined
  /** How the model writes its thinking, if the provider leaves it in the text. */
  readonly format?: ThinkingFormat | undefined
  /** Most requests at the same time. */
  readonly concurrency?: number | undefined
  readonly limits?: Partial<TimeLimits> | undefined
  readonly retry?: RetrySettings | undefined
  /** Called for every failed attempt, with one line that says why and when the next one is. */
  readonly onFailure?: ((line: string) => void) | undefined
  /**
   * When aborted, no further request is made, and responses that wait for one fail with the signal's reason. A response
   * that has begun, which will be charged, comes to its end; the signal of its request ends it.
   */
  readonly signal?: AbortSignal | undefined
}

const LIMITS: TimeLimits = { connect: 15, first: 600, idle: 180, whole: 3600 }
const RETRY: RetrySettings = { tries: 6, firstWait: 1, patience: 120 }

/**
 * A model behind an API. The key is read from the environment for each request; it never appears in messages, caches or
 * runs. A request that fails for a passing reason is made again, unless a part of its response was delivered.
 *
 * @throws UserError for a base URL that cannot be used.
 */
export function apiModel({
  provider,
  model,
  baseUrl,
  keyVariable,
  stream = true,
  extra = {},
  format = FORMATS.deepseek,
  concurrency = 8,
  limits: givenLimits = {},
  retry = RETRY,
  onFailure = () => {},
  signal: closing,
}: ApiSettings): TextModel {
  const dialect = dialectOf(provider, format)
  const limits = { ...LIMITS, ...givenLimits }
  const endpoint = { baseUrl, keyVariable, model, dialect, format, limits }
  const base = endpointOf(baseUrl, '')
  const asked = { provider, model, keyVariable, base }
  const report = (line: string): void => onFailure(`${labelOf(asked)}: ${line}`)
  const identity = JSON.stringify([
    base.origin + base.pathname,
    model,
    ...(Object.keys(extra).length ? [extra] : []),
  ])
  const places = new Places(concurrency)
  /** Has the provider ever answered? If not, an address where nobody listens is not tried again. */
  let reached = false

  /** Makes attempts until one has something to deliver, which is all of it if the caller reads nothing before the end. */
  const begin = (request: TextRequest, sent: ApiRequest, signal: AbortSignal) =>
    withRetries(
      async () => {
        const coming = attempt(request, sent, endpoint, () => {
          reached = true
        })
        const first: TextEvent[] = []
        try {
          for (;;) {
            const { value, done } = await coming.next()
            if (done) return { first, coming }
            first.push(value)
            if (!request.whole) return { first, coming }
          }
        } catch (error) {
          if (!(error instanceof Unreachable) || reached) throw error
          report(error.message)
          throw unreachable(error, asked)
        }
      },
      retry,
      {
        random: new Random(request.seed, request.sample ?? 0, identity, JSON.stringify(request.messages)),
        giveUp: (why, last) => gaveUp(why, last, asked),
        onFailure: report,
        signal,
      },
    )

  async function* respond(given: TextRequest): AsyncGenerator<TextEvent> {
    const request = normal(given, extra)
    check(request, provider)
    const sent = dialect.request(request, { model, stream })
    const signal = AbortSignal.any([closing, request.signal].filter((each) => each !== undefined))
    const release = await places.take(1, signal)
    let coming: AsyncGenerator<TextEvent> | null = null
    let delivered = 0
    try {
      const begun = await begin(request, sent, signal)
      coming = begun.coming
      for (const event of begun.first) {
        delivered += lengthOf(event)
        yield event
      }
      for await (const event of coming) {
        delivered += lengthOf(event)
        yield event
      }
    } catch (error) {
      if (error instanceof Refusal || error instanceof TransientError) report(error.message)
      const failure = explained(error, delivered, asked)
      if (concernsAll(error)) places.failWaiting(failure)
      throw failure
    } finally {
      release()
      await coming?.return(undefined)
    }
  }

  return {
    name: `${provider.name}:${model}`,
    identity,
    can: {
      prefix: provider.prefix !== null,
      logprobs: provider.logprobs,
      seed: provider.seed,
      tools: true,
      switchThinking: null,
      maxTokens: null,
      format,
    },
    respond,
    close: async () => {},
  }
}

/** @throws UserError for what the provider cannot be asked. */
function check(request: TextRequest, provider: Provider): void {
  if (request.prefix !== undefined && provider.prefix === null && request.prompt === undefined)
    throw new UserError(
      `${provider.title} cannot continue a response that was begun, which a budget of thinking needs; use a model on this machine, or one behind vLLM, llama.cpp, Ollama, OpenRouter or DeepSeek`,
    )
  if (request.prompt !== undefined && !provider.rawPrompts)
    throw new UserError(`${provider.title} continues no text without a conversation; give messages`)
  if (request.logprobs != null && !provider.logprobs)
    throw new UserError(`${provider.title} returns no log-probabilities`)
}

const lengthOf = (event: TextEvent): number =>
  event.type === 'thinking' || event.type === 'answer' ? event.text.length : 0

/** A request whose empty fields are left out, with the fields of every request. */
function normal(request: TextRequest, extra: Readonly<Record<string, unknown>>): TextRequest {
  return {
    ...request,
    prefix: prefixText(request.prefix) === '' ? undefined : request.prefix,
    extra: { ...extra, ...request.extra },
  }
}

function dialectOf(provider: Provider, { thinking }: ThinkingFormat): Dialect {
  if (provider.shape === 'anthropic') return anthropicDialect()
  if (provider.shape === 'ollama') return ollamaDialect()
  return openAiDialect(provider, thinking)
}
