import { PromptTooLong, ProviderError, UserError } from '../common/errors.ts'

/** Why a request was not answered. Every dialect has its own words for these. */
export interface Problem {
  readonly kind: keyof typeof STATUS
  /** HTTP status. */
  readonly status: number
  readonly message: string
  /** The field at fault, such as `messages[0].content`; null if there is none. */
  readonly field: string | null
}

/** The kinds of problem, and their HTTP statuses. */
export const STATUS = {
  invalid: 400,
  /** It needs something that an earlier request left on the server, which keeps nothing. */
  stateful: 400,
  tooLong: 400,
  unauthorized: 401,
  forbidden: 403,
  notFound: 404,
  unknownModel: 404,
  method: 405,
  conflict: 409,
  /** It was there once. */
  gone: 410,
  tooLarge: 413,
  mediaType: 415,
  queueFull: 429,
  /** Nobody reads this; the number is nginx's. */
  clientLeft: 499,
  internal: 500,
  provider: 502,
  stopping: 503,
} as const

/** A request that is refused. */
export class RequestError extends Error {
  override name = 'RequestError'
  readonly problem: Problem
  constructor(
    kind: Problem['kind'],
    message: string,
    { field = null, headers = {} }: { field?: string | null; headers?: Record<string, string> } = {},
  ) {
    super(message)
    this.problem = { kind, status: STATUS[kind], message, field }
    this.headers = headers
  }
  /** Headers of the response, such as Retry-After. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * What is told to a client about an error. The message of an unexpected one stays here, and `secrets`, which a client may
 * have written where they do not belong, are left out.
 */
export function problemOf(error: unknown, secrets: readonly string[] = []): Problem {
  const problem = error instanceof RequestError ? error.problem : unnamed(error)
  const told = (text: string): string => secrets.reduce(without, shortened(text))
  return {
    ...problem,
    message: told(problem.message),
    field: problem.field === null ? null : told(problem.field),
  }
}

/** A client may have written megabytes where a name belongs. */
const shortened = (text: string): string => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`)
const LONGEST = 2_000

/** A message may quote a secret as JSON does, or only the beginning of it. */
function without(text: string, secret: string): string {
  const quoted = JSON.stringify(secret).slice(1, -1)
  let result = text.replaceAll(secret, '***').replaceAll(quoted, '***')
  for (let length = quoted.length - 1; length >= TELLING; length--)
    result = result.replaceAll(quoted.slice(0, length), '***')
  return result
}
/** So many characters of a secret say too much. */
const TELLING = 12

function unnamed(error: unknown): Problem {
  const kind = KINDS.find(([type]) => error instanceof type)?.[1] ?? 'internal'
  const message = kind === 'internal' ? 'the server failed to respond' : (error as Error).message
  return { kind, status: STATUS[kind], message, field: null }
}

const KINDS = [
  [PromptTooLong, 'tooLong'],
  [ProviderError, 'provider'],
  [UserError, 'invalid'],
] as const

/** What Zod says of a value, for those who do not know Zod. */
export const said = (message: string): string =>
  message.endsWith('received undefined')
    ? 'it is missing'
    : message === 'Invalid input'
      ? 'it does not have one of the forms that are allowed here'
      : message.replace(/^Invalid input: /, '')
