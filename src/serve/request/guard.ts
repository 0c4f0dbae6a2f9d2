import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { RequestError } from '../problem.ts'

/** Who may use the server. */
export interface Access {
  /** Keys, any of which a request must carry; none: everybody may. */
  readonly keys: readonly string[]
  /** Names of this server besides its addresses, `localhost` and the machine's name. */
  readonly hosts: readonly string[]
  /** Origins of pages that may use it besides those of this machine, such as `https://chat.example`; `*`: all. */
  readonly origins: readonly string[]
}

/**
 * A page of another site must not reach a server on a person's own machine. Its requests carry an Origin; after DNS
 * rebinding, where they seem to come from the server's own page, they carry the page's name as the Host.
 *
 * `help`: what to do if the page of an origin should be allowed.
 *
 * @throws RequestError
 */
export function checkSite(
  { headers, url }: Request,
  { hosts, origins }: Access,
  { help = ': start it with --allow-origin ORIGIN if they should' } = {},
): void {
  const host = headers.get('host') ?? ''
  const isOurs = (name: string | null): boolean =>
    name !== null && (isOwnName(name) || hosts.some((allowed) => allowed.toLowerCase() === name))
  // a request may give a whole address, whose name then counts instead of the Host
  if (!isOurs(hostnameOf(`http://${host}`)) || !isOurs(hostnameOf(url)))
    throw new RequestError(
      'forbidden',
      `this server does not go by the name ${JSON.stringify(host.slice(0, 100))}: start it with --allow-host NAME if it should`,
    )
  const origin = headers.get('origin')
  if (origin === null || isAllowedOrigin(origin, { host, origins })) return
  throw new RequestError(
    'forbidden',
    `pages of ${JSON.stringify(origin.slice(0, 100))} may not use this server${help}`,
  )
}

/** An address cannot be rebound, and nobody outside can own the name of this machine or `localhost`. */
const isOwnName = (name: string): boolean =>
  isIP(name.replace(/^\[(.*)\]$/, '$1')) > 0 ||
  isLoopbackName(name) ||
  [hostname().toLowerCase(), `${hostname().toLowerCase()}.local`, 'host.docker.internal'].includes(name)

const isLoopbackName = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost')

/** Is it loopback, so that nobody on another machine can reach it? */
export function isLoopback(address: string): boolean {
  const name = address.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return isLoopbackName(name) || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

function isAllowedOrigin(
  origin: string,
  { host, origins }: { host: string; origins: readonly string[] },
): boolean {
  if (origins.includes('*') || origins.some((allowed) => sameOrigin(allowed, origin))) return true
  const name = hostnameOf(origin)
  if (name === null) return false
  return isLoopback(name) || origin.toLowerCase().replace(/^https?:\/\//, '') === host.toLowerCase()
}

const sameOrigin = (a: string, b: string): boolean => a.toLowerCase().replace(/\/$/, '') === b.toLowerCase()

/** The name in a URL, without the dot that may end it, or null if it is none. */
function hostnameOf(url: string): string | null {
  const parsed = URL.parse?.(url) ?? (URL.canParse(url) ? new URL(url) : null)
  return parsed === null || parsed.username !== '' || parsed.hostname === ''
    ? null
    : parsed.hostname.toLowerCase().replace(/\.$/, '')
}

/**
 * Takes the time of comparing all keys, whatever the request carries.
 *
 * @throws RequestError if there are keys and the request carries none of them.
 */
export function checkKey(headers: Headers, { keys }: Access): void {
  if (keys.length === 0) return
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1]
  const given = [bearer, headers.get('x-api-key') ?? undefined].filter((key) => key !== undefined)
  const equal = given.flatMap((one) => keys.map((key) => timingSafeEqual(hash(one), hash(key))))
  if (equal.includes(true)) return
  throw new RequestError(
    'unauthorized',
    given.length === 0
      ? 'this server needs a key: send it as `authorization: Bearer KEY` or `x-api-key: KEY`'
      : 'the key is not one of this server',
    { headers: { 'www-authenticate': 'Bearer' } },
  )
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Headers that let a page of an allowed origin read the response. */
export function corsHeaders(headers: Headers): Record<string, string> {
  const origin = headers.get('origin')
  if (origin === null) return {}
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'x-request-id, retry-after',
    vary: 'origin',
  }
}

/** The response to a browser that asks whether its page may send a request. */
export function preflight(headers: Headers): Response {
  return new Response(null, {
    status: 204,
    headers: {
      ...corsHeaders(headers),
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': headers.get('access-control-request-headers') ?? '*',
      ...(headers.has('access-control-request-private-network')
        ? { 'access-control-allow-private-network': 'true' }
        : {}),
      'access-control-max-age': '600',
    },
  })
}
