import { toLatex } from './characters.ts'

/** Control characters that \f, \t, … become in a string that was unescaped by mistake, and how such commands continue. */
const ESCAPES: readonly (readonly [string, readonly string[]])[] = [
  ['\f', ['rac', 'lat', 'orall']],
  ['\t', ['ext', 'imes', 'frac', 'heta', 'an', 'au', 'riangle', 'o ']],
  ['\b', ['oxed', 'inom', 'egin', 'eta', 'ar{', 'mod', 'f']],
  ['\r', ['ight', 'angle', 'ho', 'floor', 'ceil']],
  ['\v', ['ec', 'arnothing', 'ert', 'arphi', 'matrix']],
  ['\x07', ['pprox', 'lpha', 'ngle']],
]
const LETTER = { '\f': 'f', '\t': 't', '\b': 'b', '\r': 'r', '\v': 'v', '\x07': 'a' } as Record<
  string,
  string
>

/** Text as LaTeX source: Unicode characters become commands, and damaged backslashes are repaired. */
export function clean(text: string): string {
  return undouble(restore(toLatex(text)))
}

/** Turns control characters back into the backslash and letter that they came from. */
export function restore(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what this looks for
  if (!/[\f\t\x08\r\v\x07]/.test(text)) return text
  let out = ''
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    const endings = ESCAPES.find(([control]) => control === c)?.[1]
    if (endings?.some((end) => text.startsWith(end, i + 1)))
      out += `${out.endsWith('\\') ? '' : '\\'}${LETTER[c]}`
    else out += c === '\b' || c === '\x07' || c === '\v' || c === '\f' ? ' ' : c
  }
  return out
}

/** Commands that show, after a doubled backslash, that the text was escaped twice. */
const ESCAPED =
  /^(?:frac|dfrac|tfrac|sqrt|left|right|boxed|text|mathrm|mathbf|mathbb|times|cdot|div|pm|mp|pi|theta|infty|le|leq|ge|geq|ne|neq|lt|gt|in|cup|cap|begin|end|binom|overline|circ|degree|log|ln|sin|cos|tan|alpha|beta|gamma|lambda|emptyset|varnothing|quad|ldots|dots|cdots|sum|prod|int|lim|displaystyle|setminus|equiv|approx|angle|triangle|to|infin|fbox|operatorname|langle|rangle|lfloor|rfloor|lceil|rceil|mid)(?![a-zA-Z])/

/**
 * Undoubles backslashes: all of them if every command has a doubled one; otherwise only before known commands, since `\\`
 * also ends a row.
 */
function undouble(text: string): string {
  if (!text.includes('\\\\')) return text
  let single = false
  for (let i = 0; i < text.length; i++)
    if (text[i] === '\\') {
      const start = i
      while (text[i + 1] === '\\') i++
      if ((i - start) % 2 === 0 && /[a-zA-Z]/.test(text[i + 1] ?? '')) single = true
    }
  let out = ''
  let rows = 0
  for (let i = 0; i < text.length; ) {
    if (text[i] !== '\\') {
      out += text[i++]
      continue
    }
    let end = i
    while (text[end] === '\\') end++
    const run = end - i
    const rest = text.slice(end, end + 16)
    if (rest.startsWith('begin')) rows++
    else if (rest.startsWith('end')) rows--
    // In a text that also has single backslashes, `\\frac` is a command unless a matrix is open.
    const escaped = single ? rows <= 0 && ESCAPED.test(rest) : /^[a-zA-Z{}%$,!;:_&#]/.test(rest)
    if (run >= 4 && !single) out += '\\'.repeat(run >> 1)
    else if (run === 2 && escaped) out += '\\'
    else out += text.slice(i, end)
    i = end
  }
  return out
}
