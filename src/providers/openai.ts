import pLimit from 'p-limit'
import { PromptTooLong, UserError } from '../common/errors.ts'
import { Random } from '../common/random.ts'
import {
  connectionFailure,
  type RetrySettings,
  retryAfterOf,
  TransientError,
  withRetries,
} from '../common/retry.ts'
import type { ChatMessage } from '../renderer/messages.ts'
import { errorText, readCompletion } from './completion.ts'
import { Account, type Generation, type Generator, type Prices } from './generator.ts'

export interface OpenAiSettings {
  /** Address up to `/chat/completions`, e.g. `https://api.deepseek.com/v1` or `http://localhost:11434/v1`. */
  readonly baseUrl: string
  readonly model: string
  /** Name of the environment variable that holds the key; `null` if the endpoint needs none. */
  readonly keyVariable: string | null
  /** Longest reply in tokens, including the thinking; `null` leaves it to the provider. */
  readonly maxTokens: number | null
  /** `null` leaves it to the provider (some models do not accept one). */
  readonly temperature: number | null
  /** Replies are streamed, so that no proxy closes a connection that is silent while the model thinks. */
  readonly stream?: boolean
  /** Further fields of the request, e.g. `{ reasoning_effort: 'low' }`; `{ seed: undefined }` leaves one out. */
  readonly extra?: Readonly<Record<string, unknown>>
  /** Most requests at the same time. */
  readonly concurrency?: number
  /** Longest time for one reply, in seconds. */
  readonly timeout?: number
  readonly retry?: RetrySettings
  readonly prices?: Prices
  /** Called with one line for every failed attempt. */
  readonly notice?: (line: string) => void
  /** When aborted, no further request is made, and calls without a reply fail with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** The provider refused a request, and would refuse it again. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** What providers say of messages that exceed the model's context. */
const TOO_LONG =
  /context.*(?:length|size|window|long)|maximum model length|prompt is too long|too many tokens/i
/** Status codes that concern one request; with any other refusal, all requests would be refused. */
const REQUEST_FAULTS = new Set([400, 413, 422])
const isTransient = (status: number) => [408, 409, 425, 429].includes(status) || status >= 500

/**
 * A model behind an endpoint that is compatible with OpenAI's chat completions. The key is read from the environment
 * for each request; it never appears in messages, caches or runs. Requests that fail for a passing reason are repeated.
 *
 * @throws UserError for a base URL that cannot be used.
 *
 * @example
 * const generator = openAiGenerator({
 *   baseUrl: 'https://api.deepseek.com/v1', model: 'deepseek-reasoner', keyVariable: 'DEEPSEEK_API_KEY',
 *   maxTokens: 8192, temperature: null,
 * })
 * const { text, reasoning } = await generator.generate([{ role: 'user', content: 'Why?' }], { seed: 0 })
 */
export function openAiGenerator({
  baseUrl,
  model,
  keyVariable,
  maxTokens,
  temperature,
  stream = true,
  extra = {},
  concurrency = 8,
  timeout = 600,
  retry = { tries: 6, firstWait: 1, patience: 120 },
  prices,
  notice = () => {},
  signal,
}: OpenAiSettings): Generator {
  const url = endpointOf(baseUrl)
  const provider = `${url.host} (model ${model})`
  const account = new Account(prices ?? null)
  const limit = pLimit(concurrency)
  /** Aborted with the error of a call that failed for good: calls that wait for their turn then fail with it, too. */
  let waiting = new AbortController()
  const settings = {
    model,
    ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
    ...(temperature === null ? {} : { temperature }),
    ...extra,
  }
  const identity = JSON.stringify([url.origin + url.pathname, settings])

  const requestReply = async (body: string): Promise<Generation> => {
    const key = keyOf(keyVariable)
    const hide = (text: string) => (key === null ? text : text.replaceAll(key, '***'))
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        // The key must not be sent to the target of a redirection.
        redirect: 'manual',
        signal: AbortSignal.timeout(1000 * timeout),
        headers: {
          'content-type': 'application/json',
          'user-agent': 'ruminate',
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        },
      })
      if (response.ok) return await readCompletion(response)
      const { status } = response
      const text = await response.text()
      const answer = `it answered ${status} (${errorText(text)})`
      // OpenAI answers 429 for an account without credit, too; then waiting does not help.
      if (!isTransient(status) || text.includes('insufficient_quota')) throw new Refusal(status, hide(answer))
      throw new TransientError(hide(answer), retryAfterOf(response))
    } catch (error) {
      if (error instanceof TransientError) throw new TransientError(hide(error.message), error.retryAfter)
      if (error instanceof Refusal) throw error
      throw new TransientError(hide(networkFailure(error, timeout)))
    }
  }

  const giveUp = (why: string) => new UserError(`no reply from ${provider}: ${why}; ${adviceFor(null, url)}`)

  const generate = (messages: readonly ChatMessage[], seed: number) => {
    const body = JSON.stringify({
      seed,
      ...(stream ? { stream_options: { include_usage: true } } : {}),
      ...settings,
      messages,
      stream,
    })
    return withRetries(() => requestReply(body), retry, {
      random: new Random(seed, identity, JSON.stringify(messages)),
      giveUp,
      signal,
      onFailure: (line) => {
        account.failed++
        notice(`${provider}: ${line}`)
      },
    })
  }

  const failWaiting = (error: unknown) => {
    waiting.abort(error)
    waiting = new AbortController()
  }

  return {
    identity,
    spent: () => account.spent(),
    generate: (messages, { seed }) => {
      const turn = waiting.signal
      return limit(async () => {
        turn.throwIfAborted()
        try {
          const reply = await generate(messages, seed)
          account.add(reply.usage)
          return reply
        } catch (error) {
          if (error instanceof Refusal) {
            account.failed++
            const isLong = REQUEST_FAULTS.has(error.status) && TOO_LONG.test(error.message)
            const refused = new (isLong ? PromptTooLong : UserError)(
              `${provider} refuses: ${error.message}; ${adviceFor(error.status, url, keyVariable)}`,
            )
            if (!REQUEST_FAULTS.has(error.status)) failWaiting(refused)
            throw refused
          }
          failWaiting(error)
          throw error
        }
      })
    },
    close: async () => {},
  }
}

function endpointOf(baseUrl: string): URL {
  const wrong = (why: string) =>
    new UserError(
      `the base URL of a provider ${why}; it must be an address such as https://api.deepseek.com/v1`,
      2,
    )
  if (!/^https?:\/\//.test(baseUrl) || !URL.canParse(baseUrl)) throw wrong('is not an http(s) address')
  const url = new URL(baseUrl)
  if (url.username || url.password)
    throw wrong(
      'contains a name or a password: put the key into an environment variable and give its name instead',
    )
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  return url
}

/**
 * The key in an environment variable; null if no variable is named.
 *
 * @throws UserError if the variable is not set, or does not hold a key.
 */
export function keyOf(variable: string | null): string | null {
  if (variable === null) return null
  const key = process.env[variable]?.trim()
  if (!key) throw new UserError(`set the environment variable ${variable} to the provider's key`)
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new UserError(
      `the environment variable ${variable} does not hold a key: a key has no spaces or special characters`,
    )
  return key
}

function networkFailure(error: unknown, timeout: number): string {
  if ((error as Error).name === 'TimeoutError') return `it did not answer within ${timeout} s`
  return `the connection failed (${connectionFailure(error)})`
}

/** What to do about a refusal with this status, or about a provider that does not reply (`null`). */
function adviceFor(status: number | null, url: URL, keyVariable: string | null = null): string {
  if (status === 401 || status === 403)
    return keyVariable
      ? `check the key in the environment variable ${keyVariable}`
      : 'it needs a key: give the name of the environment variable that holds it'
  if (status === 402 || status === 429) return 'the account has no credit left'
  if (status === 404 || (status !== null && status < 400))
    return `check the model's name and the address ${url.origin}${url.pathname}`
  if (status === null)
    return `check that ${url.origin} can be reached, or try again later; replies received so far are kept if a cache is used`
  return 'check the request: the model, its settings and the length of the messages'
}
