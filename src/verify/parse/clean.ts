import { toLatex } from './characters.ts'

/** Control characters that \f, \t, … become in a string that was unescaped by mistake, and how such commands continue. */
const ESCAPES: Readonly<Record<string, RegExp>> = {
  '\f': /rac|lat|orall/y,
  // A tab also separates words: "5	and 6" has no \tan.
  '\t': /ext[a-z]{0,6}\s*\{|imes(?![a-z])|frac|heta(?![a-z])|anh?(?![a-zA-Z])|anh?[a-z](?![a-zA-Z])(?<!and|ant|any)|au(?![a-z])|riangle|o(?= |\\)/y,
  '\b': /oxed|inom|egin|eta(?![a-z])|ar\{|mod(?![a-z])|f(?![a-z])/y,
  '\r': /ight|angle|ho(?![a-z])|floor|ceil/y,
  '\v': /ec(?![a-z])|arnothing|ert|arphi|matrix/y,
  '\x07': /pprox|lpha|ngle/y,
}
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
    const ending = ESCAPES[c]
    if (ending) ending.lastIndex = i + 1
    if (ending?.test(text)) out += `${out.endsWith('\\') ? '' : '\\'}${LETTER[c]}`
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
