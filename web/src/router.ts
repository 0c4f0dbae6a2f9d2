import { signal } from '@preact/signals'

/*
 * The address is the page's state: `#/run/r1-1%2Frl-1/samples?correct=wrong`. It is a fragment, so the server never sees
 * it, and each address can be kept as a link.
 */
export interface Route {
  /** The parts of the path, decoded. */
  readonly path: readonly string[]
  readonly query: Readonly<Record<string, string>>
}

export const route = signal<Route>(parse(location.hash))

addEventListener('hashchange', () => {
  route.value = parse(location.hash)
})

/** The address of a page. Values that are null, undefined or empty are left out of the query. */
export function link(
  path: readonly (string | number)[],
  query: Readonly<Record<string, string | number | null | undefined>> = {},
): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    if (value !== null && value !== undefined && value !== '') parameters.set(name, String(value))
  const address = `#/${path.map((part) => encodeURIComponent(part)).join('/')}`
  return parameters.size > 0 ? `${address}?${parameters}` : address
}

/** Goes to another page. */
export function go(address: string): void {
  location.hash = address
}

/** Changes parameters of the current address, without a new entry in the history. */
export function setQuery(query: Readonly<Record<string, string | number | null>>): void {
  history.replaceState(null, '', link(route.value.path, { ...route.value.query, ...query }))
  route.value = parse(location.hash)
}

function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
  return {
    path: path.split('/').filter(Boolean).map(decode),
    query: Object.fromEntries(new URLSearchParams(query)),
  }
}

/** A `%` that begins no code stays as it is. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
