import { UserError } from '../common/errors.ts'
import { Random } from '../common/random.ts'
import { connectionFailure, retryAfterOf, TransientError, withRetries } from '../common/retry.ts'
import { type HubToken, hubToken, offlineVariable } from './environment.ts'
import { cacheFolder, pageOf, type Repository } from './repository.ts'

const RETRY = { tries: 5, firstWait: 1, patience: 120 }
/** The hub is overloaded. */
const BUSY = new Set([429, 502, 503, 504])
/** The server has closed a connection that was kept from an earlier request. */
const CLOSED_CONNECTION = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'])

/**
 * GET with the user's token, repeated when the hub is busy or a connection breaks. The token is not sent on to another
 * host that the hub redirects to (`fetch` removes it). The response is a success and has a body.
 *
 * @throws UserError when the network is not to be used, or the hub cannot be reached or refuses, which says what to do.
 */
export async function request(
  repository: Repository,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  if (offlineVariable()) throw new UserError(offline(repository))
  const token = hubToken()
  return withRetries(() => requestOnce(repository, url, headers, token), RETRY, {
    random: new Random(process.pid, url),
    giveUp: (why) =>
      new UserError(
        `${new URL(url).host} ${why}, for the ${repository.kind} ${repository.id}; try again later, or ` +
          'set HF_ENDPOINT to a mirror, or give a file or folder on this machine',
      ),
  })
}

async function requestOnce(
  repository: Repository,
  url: string,
  headers: Readonly<Record<string, string>>,
  token: HubToken | null,
): Promise<Response> {
  let response: Response
  try {
    response = await fetch(url, {
      headers: {
        // A compressed body could be neither checked for its length nor resumed.
        'accept-encoding': 'identity',
        'user-agent': 'ruminate',
        ...(token ? { authorization: `Bearer ${token.value}` } : {}),
        ...headers,
      },
    })
  } catch (error) {
    const reason = connectionFailure(error)
    if (CLOSED_CONNECTION.has(reason)) throw new TransientError(`closed the connection (${reason})`)
    throw new UserError(unreachable(repository, url, reason))
  }
  if (response.ok) return response
  await response.body?.cancel()
  const { status } = response
  if (BUSY.has(status)) throw new TransientError(`is busy (${status})`, retryAfterOf(response))
  throw new UserError(refusal(repository, response, token))
}

/** Why nothing is downloaded when the network is not to be used. */
export function offline(repository: Repository): string {
  return (
    `${offlineVariable()} is set, so nothing is downloaded to ${cacheFolder(repository)}: unset it once, or give a ` +
    'file or folder on this machine'
  )
}

function unreachable(repository: Repository, url: string, reason: string): string {
  return (
    `cannot reach ${new URL(url).host} (${reason}) for the ${repository.kind} ${repository.id}, and the needed files ` +
    `are not in ${cacheFolder(repository)}: connect once, or set HF_ENDPOINT to a mirror, or give a file or folder on this machine`
  )
}

function refusal(repository: Repository, response: Response, token: HubToken | null): string {
  const { kind, id, revision } = repository
  const { status, headers, url } = response
  const code = headers.get('x-error-code')
  if (token && status === 401 && /invalid/i.test(headers.get('x-error-message') ?? ''))
    return `the hub does not accept the token in ${token.source}: it is wrong or has expired; replace or remove it`
  const access = token
    ? `the token in ${token.source} must be allowed to read it`
    : 'set HF_TOKEN, or log in with `hf auth login`'
  if (code === 'GatedRepo' || status === 403)
    return `the ${kind} ${id} is gated: accept its terms at ${pageOf(repository)}; ${access}`
  if (code === 'RevisionNotFound') return `the ${kind} ${id} has no revision "${revision}"`
  if (code === 'EntryNotFound') return `the ${kind} ${id} has no file ${new URL(url).pathname} (404)`
  if (status === 401 || status === 404)
    return `Hugging Face has no ${kind} "${id}" (${status}): check the name; if it is private, ${access}`
  return `${new URL(url).host} answered ${status} for the ${kind} ${id} (${new URL(url).pathname})`
}
