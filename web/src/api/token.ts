/*
 * The token that allows this page to start, stop and change runs. It comes in the fragment of the address that the command
 * printed, is kept for the other tabs of this page, and is forgotten when the server refuses it.
 */
const KEY = 'ruminate-token'

/** Takes the token out of the address, if it is there, so that it is not copied with a link. */
export function takeToken(): void {
  const match = /^#token=([^&]+)(?:&path=(.*))?$/.exec(location.hash)
  if (!match) return
  localStorage.setItem(KEY, decoded(match[1]!))
  history.replaceState(null, '', `#${match[2] ? decoded(match[2]) : '/'}`)
}

/** A part of an address; as it stands, if it was cut off within an escape. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export const token = (): string | null => localStorage.getItem(KEY)

export const forgetToken = (): void => localStorage.removeItem(KEY)
