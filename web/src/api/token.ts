/*
 * The token that allows this page to start, stop and change runs. It comes in the fragment of the address that the command
 * printed, is kept for the other tabs of this page, and is forgotten when the server refuses it.
 */
const KEY = 'ruminate-token'

/** Takes the token out of the address, if it is there, so that it is not copied with a link. */
export function takeToken(): void {
  const match = /^#token=([^&]+)(?:&path=(.*))?$/.exec(location.hash)
  if (!match) return
  localStorage.setItem(KEY, decodeURIComponent(match[1]!))
  history.replaceState(null, '', `#${match[2] ? decodeURIComponent(match[2]) : '/'}`)
}

export const token = (): string | null => localStorage.getItem(KEY)

export const forgetToken = (): void => localStorage.removeItem(KEY)
