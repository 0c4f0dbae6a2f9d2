import { fail } from '../errors.ts'
import { SPACE } from '../text.ts'

export type TokenType =
  | 'data'
  | 'variable_begin'
  | 'variable_end'
  | 'block_begin'
  | 'block_end'
  | 'name'
  | 'string'
  | 'integer'
  | 'float'
  | 'operator'
  | 'end'

export interface Token {
  readonly type: TokenType
  /** For a string, its value after escapes. */
  readonly value: string
  readonly line: number
}

/** `{%`, `{{`, `{#` or a whole `{% raw %}` tag, each with the sign that controls white space before it. */
const OPENING = new RegExp(
  `(\\{%([-+]?)${SPACE}*raw${SPACE}*(?:-%\\}${SPACE}*|%\\}))|(\\{%|\\{\\{|\\{#)([-+]?)`,
  'gu',
)
// With trim_blocks a tag takes the line end after it.
const BLOCK_END = new RegExp(`(?:\\+%\\}|-%\\}${SPACE}*|%\\}\\n?)`, 'yu')
const VARIABLE_END = new RegExp(`(?:-\\}\\}${SPACE}*|\\}\\})`, 'yu')
const COMMENT_END = new RegExp(`(?:\\+#\\}|-#\\}${SPACE}*|#\\}\\n?)`, 'gu')
const RAW_END = new RegExp(`\\{%([-+]?)${SPACE}*endraw${SPACE}*(?:\\+%\\}|-%\\}${SPACE}*|%\\}\\n?)`, 'gu')
const BLANK = new RegExp(`^${SPACE}+$`, 'u')
const TRAILING = new RegExp(`${SPACE}+$`, 'u')

/** The tokens inside a tag, in the order in which they are tried. */
const INSIDE: readonly [TokenType | 'space', RegExp][] = [
  ['space', new RegExp(`${SPACE}+`, 'yu')],
  ['float', /(?<!\.)(?:\d+_)*\d+(?:(?:\.(?:\d+_)*\d+)?e[+-]?(?:\d+_)*\d+|\.(?:\d+_)*\d+)/iy],
  ['integer', /0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\da-f])+|[1-9](?:_?\d)*|0(?:_?0)*/iy],
  ['name', /[\p{L}\p{N}\p{M}\p{Pc}]+/uy],
  ['string', /'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*"/sy],
  ['operator', /\/\/|\*\*|[=!<>]=|[-+/*%~[\](){}<>=.:|,;]/y],
]
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }

/**
 * The tokens of a template as Jinja's lexer makes them with `trim_blocks` and `lstrip_blocks`: line ends become `\n`, and
 * one at the end of the template is dropped.
 */
export function tokenize(template: string): Token[] {
  const source = template.replace(/\r\n?/g, '\n').replace(/\n$/, '')
  const tokens: Token[] = []
  let at = 0
  let line = 1
  let counted = 0
  const lineAt = (position: number): number => {
    for (; counted < position; counted++) if (source[counted] === '\n') line++
    return line
  }
  const push = (type: TokenType, value: string, position: number): void => {
    tokens.push({ type, value, line: lineAt(position) })
  }
  const error = (message: string, position: number): never => fail(message, lineAt(position))

  /** Text before a tag; `lstrip_blocks` removes the indentation of a line that begins with a tag. */
  const pushData = (text: string, sign: string, isVariable: boolean): void => {
    let kept = text
    if (sign === '-') kept = text.replace(TRAILING, '')
    else if (sign !== '+' && !isVariable) {
      const lineStart = text.lastIndexOf('\n') + 1
      const startsLine = lineStart > 0 || at === 0 || source[at - 1] === '\n'
      if (startsLine && BLANK.test(text.slice(lineStart))) kept = text.slice(0, lineStart)
    }
    if (kept !== '') push('data', kept, at)
  }

  const readTag = (begin: TokenType, end: RegExp, endType: TokenType, opened: number): void => {
    push(begin, '', opened)
    const brackets: string[] = []
    for (;;) {
      if (brackets.length === 0) {
        end.lastIndex = at
        const match = end.exec(source)
        if (match) {
          push(endType, match[0], at)
          at = end.lastIndex
          return
        }
      }
      if (at >= source.length) error('a tag is not closed', opened)
      const [type, text] =
        nextToken(source, at) ??
        error(
          /['"]/.test(source[at]!) ? 'a string is not closed' : `unexpected character '${source[at]}'`,
          at,
        )
      if (type === 'operator') {
        if (CLOSING[text]) brackets.push(CLOSING[text])
        else if (')]}'.includes(text)) {
          const expected = brackets.pop()
          if (expected !== text)
            error(`unexpected '${text}'${expected === undefined ? '' : `, expected '${expected}'`}`, at)
        }
      }
      if (type !== 'space') push(type, type === 'string' ? readEscapes(text.slice(1, -1)) : text, at)
      at += text.length
    }
  }

  while (at < source.length) {
    OPENING.lastIndex = at
    const match = OPENING.exec(source)
    if (!match) {
      push('data', source.slice(at), at)
      break
    }
    const [whole, raw, rawSign, opening, sign] = match
    pushData(source.slice(at, match.index), (raw ? rawSign : sign)!, opening === '{{')
    at = match.index + whole.length
    if (raw || opening === '{#') {
      const closing = raw ? RAW_END : COMMENT_END
      closing.lastIndex = at
      const end = closing.exec(source)
      if (!end) error(raw ? 'a raw block is not closed' : 'a comment is not closed', match.index)
      if (raw) pushData(source.slice(at, end!.index), end![1]!, false)
      at = closing.lastIndex
    } else if (opening === '{{') readTag('variable_begin', VARIABLE_END, 'variable_end', match.index)
    else readTag('block_begin', BLOCK_END, 'block_end', match.index)
  }
  push('end', '', source.length)
  return tokens
}

function nextToken(source: string, at: number): [TokenType | 'space', string] | null {
  for (const [type, pattern] of INSIDE) {
    pattern.lastIndex = at
    const match = pattern.exec(source)
    if (match) return [type, match[0]]
  }
  return null
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Python's escapes of a string literal; a backslash before any other character stays. */
function readEscapes(text: string): string {
  return text.replace(
    /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(.))/gs,
    (whole, octal?: string, x?: string, u?: string, long?: string, character?: string) => {
      if (octal) return String.fromCodePoint(Number.parseInt(octal, 8))
      const hex = x ?? u ?? long
      if (hex) return String.fromCodePoint(Number.parseInt(hex, 16))
      return ESCAPES[character!] ?? whole
    },
  )
}
