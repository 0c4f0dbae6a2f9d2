/**
 * Characters as Python counts them. Python's strings are sequences of code points, and its white space is not that of
 * JavaScript: U+001C to U+001F and U+0085 are, U+FEFF is not.
 */

/** White space, as a character class for a regular expression with the flag `u`. */
export const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]'
const IS_SPACE = new RegExp(`^${SPACE}$`, 'u')

/** The code points of a string. A string without surrogates, the usual one, needs no new array to be indexed. */
export function characters(text: string): ArrayLike<string> {
  return /[\ud800-\udfff]/.test(text) ? Array.from(text) : text
}

/** Its length in code points. */
export const lengthOf = (text: string): number => characters(text).length

/** Code points `start` to `end`. */
export function substring(text: string, start: number, end?: number): string {
  const all = characters(text)
  return typeof all === 'string' ? all.slice(start, end) : (all as string[]).slice(start, end).join('')
}

/** Orders strings by code points. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0
  const [x, y] = [characters(a), characters(b)]
  for (let i = 0; i < x.length && i < y.length; i++)
    if (x[i] !== y[i]) return x[i]!.codePointAt(0)! - y[i]!.codePointAt(0)!
  return x.length - y.length
}

/** Removes the characters of a set (white space if null) from one side or both. */
export function strip(text: string, set: string | null, side: 'left' | 'right' | 'both' = 'both'): string {
  const all = characters(text)
  const members = set === null ? null : new Set(set)
  const drops = (character: string): boolean => members?.has(character) ?? IS_SPACE.test(character)
  let [start, end] = [0, all.length]
  if (side !== 'right') while (start < end && drops(all[start]!)) start++
  if (side !== 'left') while (start < end && drops(all[end - 1]!)) end--
  return substring(text, start, end)
}

/** `str.split`: at white space if `separator` is null, at most `limit` times (always if negative). */
export function split(text: string, separator: string | null, limit: number): string[] {
  const parts: string[] = []
  let rest = separator === null ? strip(text, null, 'left') : text
  while (limit < 0 || parts.length < limit) {
    const match = separator === null ? new RegExp(`${SPACE}+`, 'u').exec(rest) : null
    const at = separator === null ? (match?.index ?? -1) : rest.indexOf(separator)
    if (at < 0) break
    parts.push(rest.slice(0, at))
    rest = rest.slice(at + (match ? match[0].length : separator!.length))
  }
  if (separator !== null || rest !== '') parts.push(rest)
  return parts
}

/** `str.rsplit`: like `split`, counted from the end. */
export function splitRight(text: string, separator: string | null, limit: number): string[] {
  const parts: string[] = []
  let rest = separator === null ? strip(text, null, 'right') : text
  while (limit < 0 || parts.length < limit) {
    const [start, end] = separator === null ? lastSpace(rest) : lastOf(rest, separator)
    if (start < 0) break
    parts.push(rest.slice(end))
    rest = rest.slice(0, start)
    if (separator === null) rest = strip(rest, null, 'right')
  }
  if (separator !== null || rest !== '') parts.push(rest)
  return parts.reverse()
}

/** Where the last white space is. */
function lastSpace(text: string): [start: number, end: number] {
  let end = text.length
  while (end > 0 && !IS_SPACE.test(text[end - 1]!)) end--
  return [end - 1, end]
}

function lastOf(text: string, sought: string): [start: number, end: number] {
  const start = text.lastIndexOf(sought)
  return [start, start + sought.length]
}

const LINE_END = '(?:\\r\\n|[\\n-\\r\\x1c-\\x1e\\x85\\u2028\\u2029])'

/** `str.splitlines`. */
export function splitLines(text: string, keepEnds: boolean): string[] {
  const lines: string[] = []
  let at = 0
  for (const { index, 0: end } of text.matchAll(new RegExp(LINE_END, 'gu'))) {
    lines.push(text.slice(at, keepEnds ? index + end.length : index))
    at = index + end.length
  }
  if (at < text.length) lines.push(text.slice(at))
  return lines
}

/** `str.capitalize`: the first letter as in a title, the others in lower case. */
export function capitalize(text: string): string {
  const first = substring(text, 0, 1)
  return titleCase(first) + text.slice(first.length).toLowerCase()
}

/** `str.title`: a letter after a letter is in lower case, every other one is in upper case. */
export function title(text: string): string {
  return text.replace(
    /([\p{Lu}\p{Ll}\p{Lt}])([\p{Lu}\p{Ll}\p{Lt}]*)/gu,
    (_, first: string, rest: string) => titleCase(first) + rest.toLowerCase(),
  )
}

function titleCase(letter: string): string {
  const upper = letter.toUpperCase()
  // ß and the ligatures become two letters, of which only the first is upper case.
  return upper.length > letter.length ? upper[0] + upper.slice(1).toLowerCase() : upper
}
