import { UserError } from '../common/errors.ts'
import { Random } from '../common/random.ts'
import type { ChatMessage } from '../models/tokenizer.ts'
import { errorText, readCompletion } from './completion.ts'
import { Gate } from './gate.ts'
import { Account, type Generation, type Generator, type Prices } from './generator.ts'
import { type RetrySettings, retryAfterOf, Trouble, withRetries } from './retry.ts'

export interface OpenAiSettings {
  /** Address up to `/chat/completions`, e.g. `https://api.deepseek.com/v1` or `http://localhost:11434/v1`. */
  readonly baseUrl: string
  readonly model: string
  /** Name of the environment variable that holds the key; `null` where the endpoint asks for none. */
  readonly keyVariable: string | null
  /** Longest reply in tokens, thinking included; `null` leaves it to the provider. */
  readonly maxTokens: number | null
  /** `null` leaves it to the provider (some models take none). */
  readonly temperature: number | null
  /** Replies come piece by piece: long thinking is then not taken for silence on the way. */
  readonly stream?: boolean
  /** Further fields of the request, e.g. `{ reasoning_effort: 'low' }`; `{ seed: undefined }` leaves one out. */
  readonly extra?: Readonly<Record<string, unknown>>
  /** Requests at once. */
  readonly concurrency?: number
  /** Longest time for one reply, in seconds. */
  readonly timeout?: number
  readonly retry?: RetrySettings
  readonly prices?: Prices
  /** Told of every failed attempt, in one line. */
  readonly notice?: (line: string) => void
  /** Raised: nothing more is asked, and what was not answered by then fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** A request that will fail however often it is made. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** Says something of this request alone; any other refusal would meet all requests. */
const OWN_FAULT = new Set([400, 413, 422])
const PASSING = (status: number) => [408, 409, 425, 429].includes(status) || status >= 500

/**
 * A model behind an endpoint of OpenAI's shape. The key is read from the environment for each request and is part of no
 * message, no cache and no run.
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
  const place = `${url.host} (model ${model})`
  const account = new Account(prices ?? null)
  const gate = new Gate(concurrency)
  const settings = {
    model,
    ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
    ...(temperature === null ? {} : { temperature }),
    ...extra,
  }
  const identity = JSON.stringify([url.origin + url.pathname, settings])

  const ask = async (body: string): Promise<Generation> => {
    const key = keyOf(keyVariable)
    const hide = (text: string) => (key === null ? text : text.replaceAll(key, '***'))
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        // A key is never sent on to where a redirection leads.
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
      const said = `it answered ${status} (${errorText(text)})`
      // OpenAI's word for an account without money: waiting does not help.
      if (!PASSING(status) || text.includes('insufficient_quota')) throw new Refusal(status, hide(said))
      throw new Trouble(hide(said), retryAfterOf(response))
    } catch (error) {
      if (error instanceof Trouble) throw new Trouble(hide(error.message), error.retryAfter)
      if (error instanceof Refusal) throw error
      throw new Trouble(hide(networkTrouble(error, timeout)))
    }
  }

  const giveUp = (why: string) => new UserError(`no reply from ${place}: ${why}; ${adviceFor(null, url)}`)

  const generate = (messages: readonly ChatMessage[], seed: number) => {
    const body = JSON.stringify({
      seed,
      ...(stream ? { stream_options: { include_usage: true } } : {}),
      ...settings,
      messages,
      stream,
    })
    return withRetries(() => ask(body), retry, new Random(seed, identity, JSON.stringify(messages)), {
      giveUp,
      signal,
      failed: (line) => {
        account.failed++
        notice(`${place}: ${line}`)
      },
    })
  }

  return {
    identity,
    spent: () => account.spent(),
    generate: (messages, { seed }) =>
      gate.run(async () => {
        try {
          const reply = await generate(messages, seed)
          account.add(reply.usage)
          return reply
        } catch (error) {
          if (error instanceof Refusal) {
            account.failed++
            const told = new UserError(
              `${place} refuses: ${error.message}; ${adviceFor(error.status, url, keyVariable)}`,
            )
            if (!OWN_FAULT.has(error.status)) gate.refuseWaiting(told)
            throw told
          }
          gate.refuseWaiting(error)
          throw error
        }
      }),
    close: async () => {},
  }
}

function endpointOf(baseUrl: string): URL {
  const wrong = (why: string) =>
    new UserError(
      `the base URL of a provider ${why}; it must be an address such as https://api.deepseek.com/v1`,
      2,
    )
  if (!/^https?:\/\//.test(baseUrl) || !URL.canParse(baseUrl)) throw wrong('is no address')
  const url = new URL(baseUrl)
  if (url.username || url.password)
    throw wrong('holds a name or a password: put the key into an environment variable and name that instead')
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/chat/completions`
  return url
}

function keyOf(variable: string | null): string | null {
  if (variable === null) return null
  const key = process.env[variable]?.trim()
  if (!key) throw new UserError(`set the environment variable ${variable} to the provider's key`)
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new UserError(
      `the environment variable ${variable} holds no key: a key has no spaces or special letters`,
    )
  return key
}

/** `fetch` hides the reason of a failure in its cause. */
function networkTrouble(error: unknown, timeout: number): string {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } }
  if (name === 'TimeoutError') return `it did not answer within ${timeout} s`
  return `the connection failed (${cause?.code ?? cause?.message ?? message})`
}

function adviceFor(status: number | null, url: URL, keyVariable: string | null = null): string {
  if (status === 401 || status === 403)
    return keyVariable
      ? `check the key in the environment variable ${keyVariable}`
      : 'it asks for a key: name the environment variable that holds it'
  if (status === 402 || status === 429) return 'the account has no credit left'
  if (status === 404 || (status !== null && status < 400))
    return `check the model's name and the address ${url.origin}${url.pathname}`
  if (status === null)
    return `check that ${url.origin} can be reached, or try again later; what was answered so far is kept where a cache is used`
  return 'check the request: the model, its settings and the length of the messages'
}
