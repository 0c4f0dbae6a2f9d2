import { forgetToken, token } from './token.ts'

export const API = '/studio/api/'

/** What the server, or the way to it, has against a request; `help` says what to do. */
export class ApiError extends Error {
  readonly status: number
  readonly help: string | null

  constructor(status: number, message: string, help: string | null = null) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.help = help
  }
}

export type Query = Readonly<Record<string, string | number | boolean | null | undefined>>

/** The path of a run, or of something of it: `runPath('r1-1/rl-1', 'samples', 7)` is `runs/r1-1%2Frl-1/samples/7`. */
export const runPath = (id: string, ...rest: readonly (string | number)[]): string =>
  ['runs', id, ...rest].map((part) => encodeURIComponent(part)).join('/')

/** Adds the parameters that have a value. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== '') parameters.set(name, String(value))
  return parameters.size > 0 ? `${path}?${parameters}` : path
}

/** The token, where there is one: changes need it, and so does reading where other machines reach the server. */
export const headers = (): Record<string, string> => {
  const known = token()
  return known === null ? {} : { authorization: `Bearer ${known}` }
}

/** Reads JSON from the server. @throws ApiError */
export const read = <T>(path: string, signal?: AbortSignal): Promise<T> =>
  request<T>(path, { headers: headers(), ...(signal && { signal }) })

/** Changes something on the server, which needs the token. @throws ApiError */
export const change = <T>(path: string, body: unknown): Promise<T> =>
  request<T>(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers() },
    body: JSON.stringify(body),
  })

async function request<T>(path: string, init: RequestInit): Promise<T> {
  const response = await fetch(API + path, init).catch((error: unknown) => {
    if (init.signal?.aborted) throw error
    throw new ApiError(0, 'The server does not answer.', 'Start it again: npx ruminate studio')
  })
  if (response.ok) return (await response.json()) as T
  if (response.status === 401) forgetToken()
  throw await errorOf(response)
}

async function errorOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as {
    error?: { message?: string; help?: string }
  } | null
  const message = body?.error?.message ?? `The server answered with status ${response.status}.`
  return new ApiError(response.status, message, body?.error?.help ?? null)
}
