import { UserError } from '../../common/errors.ts'
import type { Provider } from './presets.ts'

const variableOf = (name: string, what: string) =>
  `RUMINATE_${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}_${what}`

/**
 * A provider's address: as given, or `RUMINATE_<NAME>_BASE_URL`, or the provider's own variable (such as `OLLAMA_HOST`), or
 * its usual one.
 */
export function baseUrlOf(provider: Provider, given?: string): { url: string; own: boolean } {
  const own = provider.baseUrlVariable
  const set = given ?? setIn(variableOf(provider.name, 'BASE_URL')) ?? (own ? setIn(own) : undefined)
  if (set === undefined) return { url: provider.baseUrl, own: true }
  return { url: withUsual(set, provider), own: false }
}

/**
 * The environment variable that holds a provider's key: `RUMINATE_<NAME>_API_KEY` if it is set, or the provider's own.
 * Null if neither is set and no key is needed.
 */
export function keyVariableOf(provider: Provider, ownAddress: boolean): string | null {
  const variable = variableOf(provider.name, 'API_KEY')
  if (setIn(variable) !== undefined) return variable
  const needed = provider.keyNeeded && ownAddress
  return needed || setIn(provider.keyVariable) !== undefined ? provider.keyVariable : null
}

const setIn = (variable: string): string | undefined => process.env[variable]?.trim() || undefined

const THIS_MACHINE = /^(localhost|127(\.\d+){3}|0\.0\.0\.0|\[::1?\])(:|\/|$)/i

/**
 * An address with what people leave out: `OLLAMA_HOST` may be `host`, `host:port` or `:port`, and 0.0.0.0 means this
 * machine, which is reached by `http`; an address without a path gets the provider's usual one.
 */
function withUsual(set: string, { baseUrl, shape }: Provider): string {
  const usual = new URL(baseUrl)
  const place = set.startsWith(':') ? `127.0.0.1${set}` : set
  const text = /^[a-z]+:\/\//i.test(set)
    ? set
    : `${THIS_MACHINE.test(place) ? 'http:' : usual.protocol}//${place}`
  if (!URL.canParse(text)) return set
  const url = new URL(text)
  if (/^(0\.0\.0\.0|\[::\])$/.test(url.hostname)) url.hostname = '127.0.0.1'
  if (shape === 'ollama' && !/:\d+(\/|$)/.test(text.replace(/^[a-z]+:\/\//i, '')) && url.protocol === 'http:')
    url.port = usual.port
  if (url.pathname === '/') url.pathname = usual.pathname
  return url.toString().replace(/\/+$/, '')
}

/**
 * The address of an endpoint.
 *
 * @throws UserError for a base URL that cannot be used.
 */
export function endpointOf(baseUrl: string, path: string): URL {
  const wrong = (why: string) =>
    new UserError(
      `the base URL of a provider ${why}; it must be an address such as https://api.deepseek.com/v1`,
      2,
    )
  if (!/^https?:\/\//i.test(baseUrl) || !URL.canParse(baseUrl)) throw wrong('is not an http(s) address')
  const url = new URL(baseUrl)
  if (url.username || url.password)
    throw wrong(
      'contains a name or a password: put the key into an environment variable and give its name instead',
    )
  let base = url.pathname.replace(/\/+$/, '').replace(/(\/chat)?\/completions$|\/messages$|\/api\/chat$/, '')
  // Only the paths of OpenAI's API lack the version.
  if (/^\/(v1|api|beta)\//.test(path)) base = base.replace(/\/(v1|api)$/, '')
  url.pathname = base + path
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
