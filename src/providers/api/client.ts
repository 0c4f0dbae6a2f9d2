import { PromptTooLong, ProviderError, UserError } from '../../common/errors.ts'
import { isRecord } from '../../common/json.ts'
import { Places } from '../../common/places.ts'
import { Random } from '../../common/random.ts'
import { type RetrySettings, retryAfterSeconds, TransientError, withRetries } from '../../common/retry.ts'
import { plural } from '../../common/words.ts'
import type { TextEvent, TextModel, TextRequest, ThinkingFormat } from '../../thinking/model.ts'
import { FORMATS } from '../../thinking/parser/formats.ts'
import { endpointOf, keyOf } from './address.ts'
import { Assembly } from './assemble.ts'
import { anthropicDialect } from './dialects/anthropic.ts'
import type { ApiRequest, Dialect } from './dialects/dialect.ts'
import { ollamaDialect } from './dialects/ollama.ts'
import { openAiDialect } from './dialects/openai.ts'
import { prefixText } from './dialects/requests.ts'
import { Busy, failureIn, failureOf, Refusal, Unreachable } from './failures.ts'
import { AFTERWARDS, jsonMessages } from './messages.ts'
import type { Provider } from './presets.ts'

import { post, type Reply, type TimeLimits } from './transport.ts'

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
/** Seconds to wait for the counts of tokens once the response is complete. */
const COUNTS = 10
/** Names of models that always think, often in a template that begins the thinking. */
const THINKERS = /(?:^|[^a-z0-9])(?:r1|qwq|s1)(?:[^a-z0-9]|$)|thinking|reason/i
/** Longest response, in characters. */
const LONGEST = 64 * 2 ** 20

const NEVER = new AbortController().signal

/** What providers say of messages that exceed the model's context. */
const TOO_LONG =
  /context_length_exceeded|context.*(?:length|size|window|long|limit)|maximum model length|(?:prompt|input|request).*too (?:long|large)|too many (?:input )?tokens|(?:prompt|input) has \d+ tokens|(?:prompt|input) token.*exceed/i
/** Status codes that concern one request; with any other refusal, all requests would be refused. */
const REQUEST_FAULTS = new Set([400, 413, 422])

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
  const base = endpointOf(baseUrl, '')
  const label = `${base.host} (model ${model})`
  const identity = JSON.stringify([
    base.origin + base.pathname,
    model,
    ...(Object.keys(extra).length ? [extra] : []),
  ])
  const places = new Places(concurrency)
  /** Has the provider ever answered? If not, an address where nobody listens is not tried again. */
  let reached = false

  async function* attempt(request: TextRequest, { path, body }: ApiRequest): AsyncGenerator<TextEvent> {
    const key = keyOf(keyVariable)
    const hide = hiding(key)
    let reply: Reply | null = null
    try {
      reply = await post(endpointOf(baseUrl, path), {
        body: JSON.stringify(body),
        headers: dialect.headers(key),
        limits,
        signal: request.signal ?? NEVER,
      })
      reached = true
      if (reply.status >= 300) {
        const text = hide(await beginningOfBody(reply))
        throw failureOf(reply.status, text, retryAfterSeconds(reply.headers['retry-after'] ?? null))
      }
      const opens = request.whole === true || (THINKERS.test(model) && request.thinking !== false)
      yield* events(reply, dialect, new Assembly(request, format, opens), hide)
    } catch (error) {
      if (error instanceof TransientError || error instanceof Refusal) error.message = hide(error.message)
      throw error
    } finally {
      reply?.close()
    }
  }

  /** Makes attempts until one has something to deliver, which is all of it if the caller reads nothing before the end. */
  const begin = (request: TextRequest, sent: ApiRequest, signal: AbortSignal) =>
    withRetries(
      async () => {
        const coming = attempt(request, sent)
        const first: TextEvent[] = []
        try {
          for (;;) {
            const { value, done } = await coming.next()
            if (done) return { first, coming }
            first.push(value)
            if (!request.whole) return { first, coming }
          }
        } catch (error) {
          if (error instanceof Unreachable && !reached) throw new NoReply(unreachable(error.message), error)
          throw error
        }
      },
      retry,
      {
        random: new Random(request.seed, request.sample ?? 0, identity, JSON.stringify(request.messages)),
        giveUp: (why, last) => new NoReply(`no reply from ${label}: ${why}; ${adviceFor(null)}`, last),
        onFailure: (line) => onFailure(`${label}: ${line}`),
        signal,
      },
    )

  async function* respond(asked: TextRequest): AsyncGenerator<TextEvent> {
    const request = normal(asked, extra)
    check(request)
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
      const failure = failureFor(error, delivered)
      if (concernsAll(error)) places.failWaiting(failure)
      throw failure
    } finally {
      release()
      await coming?.return(undefined)
    }
  }

  const failureFor = (error: unknown, delivered: number): unknown => {
    if (error instanceof Refusal) {
      onFailure(`${label}: ${error.message}`)
      const isFault = REQUEST_FAULTS.has(error.status)
      const isLong = isFault && TOO_LONG.test(error.message)
      return new (isLong ? PromptTooLong : isFault ? UserError : ProviderError)(
        `${label} refuses: ${error.message}; ${adviceFor(error.status)}`,
      )
    }
    if (error instanceof TransientError) {
      onFailure(`${label}: ${error.message}`)
      return new ProviderError(
        `${label} broke off its response after ${plural(delivered, 'character')}: ${error.message}; ask again (a response of which a part was delivered is not requested again by itself)`,
      )
    }
    return error
  }

  /** Would the requests that wait fail, too? */
  const concernsAll = (error: unknown) =>
    error instanceof Refusal
      ? !REQUEST_FAULTS.has(error.status)
      : error instanceof NoReply && (error.last instanceof Unreachable || error.last instanceof Busy)

  /** What to do about a refusal with this status, or about a provider that does not reply (`null`). */
  const adviceFor = (status: number | null): string => {
    if (status === 401 || status === 403)
      return keyVariable
        ? `check the key in the environment variable ${keyVariable}`
        : `it needs a key: set the environment variable ${provider.keyVariable}`
    if (status === 402 || status === 429) return 'the account has no credit left'
    if (status === 404 && provider.shape === 'ollama')
      return `check the model's name, or get it with \`ollama pull ${model}\``
    if (status === 404 || (status !== null && status < 400))
      return `check the model's name and the address ${base.origin}${base.pathname}`
    if (status === null)
      return `check that ${base.origin} can be reached, or try again later; replies received so far are kept if a cache is used`
    return 'check the request: the model, its settings and the length of the messages'
  }

  const unreachable = (why: string) => {
    onFailure(`${label}: ${why}`)
    return `no reply from ${label}: ${why}; check that ${base.origin} can be reached${provider.start ? `, or ${provider.start}` : ''}`
  }

  const check = (request: TextRequest) => {
    if (request.prefix !== undefined && provider.prefix === null && request.prompt === undefined)
      throw new UserError(
        `${provider.title} cannot continue a response that was begun, which a budget of thinking needs; use a model on this machine, or one behind vLLM, llama.cpp, Ollama, OpenRouter or DeepSeek`,
      )
    if (request.prompt !== undefined && !provider.rawPrompts)
      throw new UserError(`${provider.title} continues no text without a conversation; give messages`)
    if (request.logprobs != null && !provider.logprobs)
      throw new UserError(`${provider.title} returns no log-probabilities`)
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

/** No attempt was successful. */
class NoReply extends ProviderError {
  constructor(
    message: string,
    /** Why the last attempt failed. */
    readonly last: unknown,
  ) {
    super(message)
  }
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

/** The events of a reply. Once the provider has said that the response is complete, nothing that follows can spoil it. */
async function* events(
  reply: Reply,
  dialect: Dialect,
  assembly: Assembly,
  hide: (text: string) => string,
): AsyncGenerator<TextEvent> {
  const read = dialect.reader()
  let length = 0
  try {
    for await (const message of jsonMessages(reply, hide)) {
      if (message === null) continue
      const failure = failureIn(Array.isArray(message) ? message[0] : message, hide)
      if (failure !== null) throw failure
      if (!isRecord(message)) throw new TransientError('it answered with something that is not a response')
      for (const piece of read(message)) {
        if (piece.kind === 'finish') reply.finishing(COUNTS)
        else if (piece.kind === 'last') reply.finishing(AFTERWARDS)
        else reply.progressed()
        if ('text' in piece) length += piece.text.length
        if (length > LONGEST) throw new TransientError(`it sent more than ${LONGEST / 2 ** 20} MiB of text`)
        yield* assembly.take(piece)
      }
    }
  } catch (error) {
    if (!(error instanceof TransientError && assembly.finished)) throw error
  }
  yield* assembly.end()
}

/** The beginning of an error's body; what cannot be read of it is left out. */
async function beginningOfBody(reply: Reply): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of reply.bytes) {
      text += decoder.decode(chunk, { stream: true })
      if (text.length > 64 * 1024) break
    }
  } catch (error) {
    if (!(error instanceof TransientError)) throw error
  }
  return text
}

/** Replaces a key in text, also as it is written in JSON and in addresses. */
function hiding(key: string | null): (text: string) => string {
  if (key === null) return (text) => text
  const forms = [key, JSON.stringify(key).slice(1, -1), encodeURIComponent(key)]
  return (text) => forms.reduce((shown, form) => shown.replaceAll(form, '***'), text)
}
