import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../common/errors.ts'
import { cacheFolder, pageOf, type Repository } from './repository.ts'

/** Tries in all when the hub is busy. */
const TRIES = 5
/** Longest wait that a busy hub may ask for, in seconds. */
const PATIENCE = 120
const BUSY = new Set([429, 502, 503, 504])
/** A connection kept from an earlier request was closed at the other end: a new one may do. */
const STALE = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/**
 * GET with the user's token (`HF_TOKEN`), again after `Retry-After` when the hub is busy. Resolves to a response with a
 * body.
 *
 * @throws UserError where the hub cannot be reached or refuses, which says what to do.
 */
export async function request(
  repository: Repository,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const token = process.env.HF_TOKEN
  for (let attempt = 1; ; attempt++) {
    let response: Response
    try {
      response = await fetch(url, {
        headers: {
          // A compressed body has no length to check and none to go on from.
          'accept-encoding': 'identity',
          'user-agent': 'ruminate',
          ...(token ? { authorization: `Bearer ${token}` } : {}),
          ...headers,
        },
      })
    } catch (error) {
      const why = reasonOf(error)
      if (STALE.has(why) && attempt < TRIES) continue
      throw new UserError(unreachable(repository, url, why))
    }
    if (response.ok) return response
    await response.body?.cancel()
    const seconds = BUSY.has(response.status) ? waitOf(response, attempt) : Number.POSITIVE_INFINITY
    if (attempt === TRIES || seconds > PATIENCE) throw new UserError(refusal(repository, response))
    await sleep(1000 * seconds)
  }
}

/** Seconds to wait: what `Retry-After` asks for (seconds or a date), else 1, 2, 4, … */
function waitOf(response: Response, attempt: number): number {
  const asked = response.headers.get('retry-after')
  if (asked === null) return 2 ** (attempt - 1)
  return /^\d+$/.test(asked) ? Number(asked) : Math.max(0, (Date.parse(asked) - Date.now()) / 1000) || 0
}

/** `fetch` hides the reason of a failure in its cause. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message: string }
  return cause?.code ?? cause?.message ?? message
}

function unreachable(repository: Repository, url: string, why: string): string {
  return (
    `cannot reach ${new URL(url).host} (${why}) for the ${repository.kind} ${repository.id}, and what is needed of it ` +
    `is not in ${cacheFolder(repository)}: connect once, or set HF_ENDPOINT to a mirror, or give a file or folder of this machine`
  )
}

function refusal(repository: Repository, response: Response): string {
  const { kind, id, revision } = repository
  const { status, headers, url } = response
  const code = headers.get('x-error-code')
  const token = process.env.HF_TOKEN ? 'the token in HF_TOKEN must be allowed to read it' : 'set HF_TOKEN'
  if (code === 'GatedRepo' || status === 403)
    return `the ${kind} ${id} is gated: accept its terms at ${pageOf(repository)}; ${token}`
  if (code === 'RevisionNotFound') return `the ${kind} ${id} has no revision "${revision}"`
  if (code === 'EntryNotFound') return `the ${kind} ${id} has no file ${new URL(url).pathname} (404)`
  if (status === 401 || status === 404)
    return `Hugging Face has no ${kind} "${id}" (${status}): check the name; if it is private, ${token}`
  if (BUSY.has(status))
    return `${new URL(url).host} is busy (${status}) and did not answer in ${TRIES} tries; try again later`
  return `${new URL(url).host} answered ${status} for the ${kind} ${id} (${new URL(url).pathname})`
}
