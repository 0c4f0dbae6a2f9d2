import { PromptTooLong, ProviderError, UserError } from '../../common/errors.ts'
import { TransientError } from '../../common/retry.ts'
import { plural } from '../../common/words.ts'
import { Busy, Refusal, Unreachable } from './failures.ts'
import type { Provider } from './presets.ts'

/* What people are told of requests that failed, and what they can do. */

/** What providers say of messages that exceed the model's context. */
const TOO_LONG =
  /context_length_exceeded|context.*(?:length|size|window|long|limit)|maximum model length|(?:prompt|input|request).*too (?:long|large)|too many (?:input )?tokens|(?:prompt|input) has \d+ tokens|(?:prompt|input) token.*exceed/i
/** Status codes that concern one request; with any other refusal, all requests would be refused. */
const REQUEST_FAULTS = new Set([400, 413, 422])

/** No attempt was successful. */
export class NoReply extends ProviderError {
  constructor(
    message: string,
    /** Why the last attempt failed. */
    readonly last: unknown,
  ) {
    super(message)
  }
}

/** A model behind an API, as errors name it. */
export interface Asked {
  readonly provider: Provider
  readonly model: string
  readonly keyVariable: string | null
  /** Its base URL. */
  readonly base: URL
}

/** "api.deepseek.com (model deepseek-reasoner)" */
export const labelOf = ({ base, model }: Asked): string => `${base.host} (model ${model})`

/** The error of a provider that was never reached. */
export const unreachable = (error: Unreachable, asked: Asked): NoReply =>
  new NoReply(
    `no reply from ${labelOf(asked)}: ${error.message}; check that ${asked.base.origin} can be reached${asked.provider.start ? `, or ${asked.provider.start}` : ''}`,
    error,
  )

/** The error of a provider after the last attempt, which failed for the reason `why`. */
export const gaveUp = (why: string, last: unknown, asked: Asked): NoReply =>
  new NoReply(`no reply from ${labelOf(asked)}: ${why}; ${adviceFor(null, asked)}`, last)

/** The error that a caller gets: for a refusal, and for a response that broke off after some characters; others as they are. */
export function explained(error: unknown, delivered: number, asked: Asked): unknown {
  if (error instanceof Refusal) {
    const isFault = REQUEST_FAULTS.has(error.status)
    const isLong = isFault && TOO_LONG.test(error.message)
    return new (isLong ? PromptTooLong : isFault ? UserError : ProviderError)(
      `${labelOf(asked)} refuses: ${error.message}; ${adviceFor(error.status, asked)}`,
    )
  }
  if (error instanceof TransientError)
    return new ProviderError(
      `${labelOf(asked)} broke off its response after ${plural(delivered, 'character')}: ${error.message}; ask again (a response of which a part was delivered is not requested again by itself)`,
    )
  return error
}

/** Would other requests fail, too? */
export const concernsAll = (error: unknown): boolean =>
  error instanceof Refusal
    ? !REQUEST_FAULTS.has(error.status)
    : error instanceof NoReply && (error.last instanceof Unreachable || error.last instanceof Busy)

/** What to do about a refusal with this status, or about a provider that does not reply (`null`). */
function adviceFor(status: number | null, { provider, model, keyVariable, base }: Asked): string {
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
