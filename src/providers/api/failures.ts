import { isRecord, parseJson } from '../../common/json.ts'
import { printable } from '../../common/printable.ts'
import { TransientError } from '../../common/retry.ts'
import { oneLine } from '../../common/words.ts'

/** The provider refused a request, and would refuse it again. */
export class Refusal extends Error {
  override name = 'Refusal'
  constructor(
    /** HTTP status, or the one that the error in the body names. */
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** No connection was made: nobody listens there, or there is no such host. */
export class Unreachable extends TransientError {
  override name = 'Unreachable'
}

/** The provider has no time for a request now, such as with status 429 or 503. */
export class Busy extends TransientError {
  override name = 'Busy'
}

/** A time limit passed. */
export class TooSlow extends TransientError {
  override name = 'TooSlow'
}

const isTransient = (status: number) => [408, 409, 425, 429].includes(status) || status >= 500

/**
 * The failure that a status and a body mean.
 *
 * @param retryAfter Seconds that the server asks to wait, or `null`.
 */
export function failureOf(status: number, body: string, retryAfter: number | null): Error {
  const message = `it answered ${status} (${errorText(body)})`
  // OpenAI answers 429 for an account without credit, too; then waiting does not help.
  if (!isTransient(status) || /insufficient_quota|insufficient.balance/i.test(body))
    return new Refusal(status, message)
  return new Busy(message, retryAfter)
}

/**
 * The failure in a message that is an error in the place of a response, as servers send them with status 200 or in the
 * middle of a stream; null if it is none.
 *
 * @param hide Takes secrets out of a text. Before a text is shortened: a part of a secret would not be found.
 */
export function failureIn(message: unknown, hide: (text: string) => string): Error | null {
  const error = errorIn(message)
  if (error === null) return null
  const text = `it answered with an error (${excerpt(hide(error.message))})`
  const status = error.status ?? STATUS_OF_TYPE[error.type ?? '']
  if (status === undefined || isTransient(status)) return new TransientError(text)
  return new Refusal(status, text)
}

/** Anthropic's and OpenAI's types of errors that are not worth another attempt. */
const STATUS_OF_TYPE: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  insufficient_quota: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
}

interface ErrorInBody {
  readonly message: string
  readonly type: string | null
  readonly status: number | undefined
}

/**
 * Reads `{error: "…"}`, `{error: {message, type, code}}`, `{type: "error", error: {…}}`, `{object: "error", message}` and
 * `{detail: …}` (FastAPI).
 */
function errorIn(body: unknown): ErrorInBody | null {
  if (!isRecord(body)) return null
  const { error } = body
  if (typeof error === 'string') return { message: error, type: null, status: statusIn(body) }
  if (isRecord(error)) {
    const { message, type } = error
    return {
      message: typeof message === 'string' ? message : JSON.stringify(error),
      type: typeof type === 'string' ? type : null,
      status: statusIn(error),
    }
  }
  if (body.object === 'error' || body.type === 'error')
    return {
      message: typeof body.message === 'string' ? body.message : JSON.stringify(body),
      type: typeof body.type === 'string' ? body.type : null,
      status: statusIn(body),
    }
  if ('detail' in body && Object.keys(body).length === 1)
    return {
      message: typeof body.detail === 'string' ? body.detail : JSON.stringify(body.detail),
      type: null,
      status: undefined,
    }
  return null
}

/** A code such as 401, where it is a status and not a word. */
function statusIn({ code, status }: Record<string, unknown>): number | undefined {
  const number = Number(code ?? status)
  return Number.isInteger(number) && number >= 400 && number < 600 ? number : undefined
}

/** The error message in a response's body, on one line; the beginning of the body if it has no such message. */
export function errorText(body: string): string {
  const json = parseJson(body)
  if (json !== undefined) return excerpt(errorIn(json)?.message ?? body)
  const title = /<title[^>]*>([^<]*)</i.exec(body)?.[1]
  return excerpt(title ? `a web page, "${title.trim()}"` : body)
}

/** The beginning of a text, on one line, without control characters. */
export function excerpt(text: string): string {
  return oneLine(printable(text.slice(0, 4000)), 200) || 'no text'
}
