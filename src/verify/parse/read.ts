import { TooLarge, Undefined } from '../terms/budget.ts'
import type { Expression } from '../terms/expression.ts'
import { clean } from './clean.ts'
import { Unreadable } from './cursor.ts'
import { otherNotations } from './notations.ts'
import { parse } from './parse.ts'

/** Longer texts are not answers. */
const MAX_LENGTH = 6000

/** A text and the ways in which it can be read. */
export interface Reading {
  /** The text as LaTeX, without delimiters and other wrapping. */
  readonly source: string
  /** All ways to read the text; empty if it cannot be read. */
  readonly expressions: readonly Expression[]
  /** Why it cannot be read, or `null` if it can. */
  readonly problem: string | null
}

/** Reads a gold or an answer. Never throws. */
export function read(text: string, role: 'gold' | 'answer' = 'gold'): Reading {
  if (text.length > MAX_LENGTH) return { source: '', expressions: [], problem: 'it is too long' }
  // −0,91 is no list of −0 and 91.
  const source = bare(clean(text)).replace(/^([$€£]?\s?-\s?[$€£]?\s?0),(?=\d+(?![\d,]))/, '$1.')
  const expressions: Expression[] = []
  let problem: string | null = null
  const attempt = (written: string, thousands: boolean): boolean => {
    try {
      const { expression, ambiguous } = parse(written, thousands)
      expressions.push(expression)
      return ambiguous
    } catch (error) {
      if (!(error instanceof Unreadable || error instanceof TooLarge || error instanceof Undefined))
        throw error
      problem ??= error.message
      return false
    }
  }
  // 1,234 may be a number or a list, but 10,010 is no list.
  if (attempt(source, true) && !/,0\d\d(?!\d)/.test(source)) attempt(source, false)
  for (const written of otherNotations(source)) attempt(written, true)
  // 2,74 and 0,5: a decimal comma. A gold of 2,7 is a list.
  const comma = role === 'gold' ? GOLD_COMMA : ANSWER_COMMA
  if (comma.test(source)) attempt(source.replace(',', '.'), true)
  return { source, expressions, problem: expressions.length > 0 ? null : (problem ?? 'it is empty') }
}

const GOLD_COMMA = /^[-+$€£]?\s?(?:\d+,\d{2}|\d+,\d{4,}|0,\d+)(?![\d,])/
const ANSWER_COMMA = /^[-+$€£]?\s?(?:\d+,\d{1,2}|\d+,\d{4,}|0,\d+)(?![\d,])/

/** Removes braces or an upright font around a whole formula. */
function unwrapped(s: string): string {
  const open = /^(?:\\(?:mathrm|mathbf|text|textbf|mbox)(?=\s*\{[^{}]*[\\=^_|<>]))?\s*\{/.exec(s)
  if (!open || !s.endsWith('}')) return s
  let depth = 0
  for (let i = open[0].length - 1; i < s.length - 1; i++) {
    if (s[i] === '\\') i++
    else if (s[i] === '{') depth++
    else if (s[i] === '}' && --depth === 0) return s
  }
  const inner = s.slice(open[0].length, -1)
  return open[0] === '{' && /,|\\(?:over|choose)(?![a-z])/.test(inner) ? s : inner.trim()
}

const WRAPPERS: readonly RegExp[] = [
  /^\$\$([\s\S]*)\$\$$/,
  /^\$([^$]*)\$$/,
  /^\\\(([\s\S]*)\\\)$/,
  /^\\\[([\s\S]*)\\\]$/,
  /^\*\*([\s\S]*)\*\*$/,
  /^"([^"]*)"$/,
  /^`([^`]*)`$/,
  /^'([^']*)'$/,
]

/** A label that says that what follows is not the answer. */
const LABEL = /^[^:]*\b(?:not|wrong|except|instead|incorrect|without)\b/i

/** At the end of a text: (k ∈ ℤ); where k is an integer; for integer k. */
const WHOLE =
  /[,;]?\s?(?:\\left)?\(?(?:\\q?quad\s?)?(?:(?:\\text\s?\{\s?)?,?\s?(?:where|with|for(?: any| all| some| every)?)\s?\}?\s?(?:(?:an )?integers?\s?\}?\s?([a-z])|([a-z]) (?:\\text\{ ?)?is (?:an|any) integer\s?\}?|([a-z])\s?\\in\s?\\math(?:bb|bf)\s?\{?Z\}?)|(?<=[,(;]\s?|quad\s?)([a-z])\s?(?:\\in\s?\\math(?:bb|bf)\s?\{?Z\}?|(?:\\text\s?\{ ?)?is (?:an|any) integer\s?\}?))(?:\\right)?\)?$/
/** The longest such end. */
const WHOLE_LENGTH = 90

/** The text with "k is a whole number" at its end written in one way. */
function withWhole(text: string): string {
  const at = Math.max(0, text.length - WHOLE_LENGTH)
  const end = WHOLE.exec(text.slice(at))
  const name = end?.slice(1).find((x) => x !== undefined)
  return end && name ? `${text.slice(0, at + end.index)}, ${name} \\in \\mathbb{Z}` : text
}

/** A sign of degrees and the name of a scale after a number. */
const TEMPERATURE =
  /(?<=\d\s*\}?\$?\s*)(?:\\[,; ]|~|\s)*(?:\^\s*\{?\s*\\circ\s*\}?|\^?\\degree|\\circ|\\?(?:text|mathrm)?\{?\s*deg(?:rees?)?\b)?(?:\\[,; ]|~|\s)*(?:\\(?:text|mathrm|textrm)\s*\{\s*)?(?:degrees? )?(?:(C|celsius|centigrade)|(F|fahrenheit))(?![a-zA-Z])\s*\}?/gi

/** Whether a name is a scale of temperature: a letter only after a sign of degrees. */
const isScale = (name: string, all: string) =>
  name.length > 1 || (/^[CF]$/.test(name) && /deg|circ/i.test(all))

/** The same units and currencies written in one way: 20 °C, 20 degrees Celsius; $-5; USD 5. */
function sameUnits(text: string): string {
  return text
    .replace(TEMPERATURE, (all, c, f) => (isScale(c ?? f, all) ? ` \\text{ deg${c ? 'C' : 'F'}}` : all))
    .replace(/^(\\?\$|[€£¥₹])\s?([-+])\s?(?=[\d.])/, '$2$1')
    .replace(/\bUS\s?(?=\\?\$\s?\d)/, '')
    .replace(
      /^(USD|EUR|GBP|INR|Rs\.?|RMB|CNY|JPY)\s?(\d[\d,.]*\d|\d)$/,
      (_, code, number) => `${number} \\text{ ${code.replace('.', '')}}`,
    )
}

/** f(x) = 2x for f(x) = 2x for all real x. */
function withoutQuantifier(text: string): string {
  const at = text.search(/\bfor (?:all|every|each|any|some)\b/)
  if (at < 0 || text.length - at > 70 || /[=<>]/.test(text.slice(at))) return text
  let head = text.slice(0, at).trimEnd()
  for (let before = ''; head !== before; ) {
    before = head
    head = head.replace(/(?:\\text\s?\{|\\q?quad|\\[,;: ]|,)$/, '').trimEnd()
  }
  return head.includes('=') ? head : text
}

/** Removes delimiters of formulas, emphasis and the end of a sentence. */
function bare(text: string): string {
  let s = text
    .replace(/<\|[^|<>]{0,40}\|>/g, ' ')
    .replace(/^(?:\p{Extended_Pictographic}|\ufe0f|\s)+|(?:\p{Extended_Pictographic}|\ufe0f|\s){1,12}$/gu, '')
    .replace(/\s+/g, ' ')
    .trim()
  // "Solution is: $x = 4$", np.sqrt(2)
  if (!LABEL.test(s)) s = s.replace(/^(?:[a-zA-Z]+ ){0,3}[a-zA-Z]{2,}:\s*(?=\$|\\[([])/, '')
  s = s.replace(/(?<![\w\\])(?:np|numpy|math|sp|sympy)\.(?=[a-z])/g, '')
  for (let k = 0; k < 6; k++) {
    const before = s
    s = s.replace(/(?<![\\.,;:])[.,;:]$|^\\(?:display|text)style(?![a-z])/g, '').trim()
    for (const wrapper of WRAPPERS) {
      const inner = wrapper.exec(s)?.[1]
      if (inner !== undefined && !/\\[([]|\\[)\]]/.test(inner)) s = inner.trim()
    }
    s = unwrapped(s)
    if (s === before) break
  }
  s = s.replace(/\\[()]|\\\[(?!\d)|\\\]/g, ' ')
  // Dollar signs in pairs delimit formulas; a single one is a currency sign.
  const dollars = s.match(/(?<!\\)\$/g)?.length ?? 0
  if (dollars % 2 === 0 && dollars > 0) s = s.replace(/(?<!\\)\$/g, ' ')
  else if (dollars > 0) s = s.replace(/(?<=[})\]])\s*\$(?!\d)/, ' ')
  s = s.replace(/\s+/g, ' ')
  s = s.replace(/(\d)\s*\{\s*,\s*\}\s*(?=\d)/g, '$1{,}')
  s = sameUnits(s)
  s = s.replace(/\\([ij])math(?![a-zA-Z])/g, ' $1')
  // 1 + 2 + ... + n
  s = s.replace(/(?<=[-+*]\s*)\.\.\.(?=\s*[-+*])/g, '\\ldots ')
  // x = kπ (k ∈ ℤ), where k is an integer
  s = withWhole(s)
  s = s
    .replace(
      /^(?:(?:所以|因此|因而|于是|从而|故|即|答|综上|最后|最终|解得|可得|求得|得到?)[,:]? ?){0,3}(?:(?:他|她|它|我)?们?(?:一共|总共|共计?|还剩|剩下|还有|有)){0,2}(?=\d|[a-z]\s?=)|^(?:所以|因此|故|即|答)[,:]? ?/,
      '',
    )
    .replaceAll('等于', '=')
  s = s.replace(/^(?:Matrix|array|matrix)\((\[\s*\[[\s\S]*\]\s*\])\)$/, '$1')
  // log_10 100
  s = s.replace(/(?<=log_)(\d+)\s+(?=\d)/g, '{$1} ')
  s = s.replace(/\bper ?cents?\b|\bpercentage\b/g, 'percent')
  s = s.replace(
    /\\[dt]?frac\{\\(?:text|mathrm)\{([^{}]+)\}\}\{\\(?:text|mathrm)\{([^{}]+)\}\}/g,
    '\\text{$1/$2}',
  )
  s = s.replace(/\b(hours?|minutes?|days?|weeks?|years?|feet|pounds?) and(\s*\}?\s*)(?=\d)/g, '$1$2 ')
  s = withoutQuantifier(s)
  s = s.replace(/^(?:approximately|approx\.?|about|roughly|around)\s(?=[-\d$€£\\])/i, '\\approx ')
  s = s.replace(/^(?:in )?(?:the )?year (?=\d{4}$)/i, '').replace(/^负(?=[\d\\])/, '-')
  // <1, 2>
  s = s.replace(/^<([^<>=]*,[^<>=]*)>$/, '\\langle $1\\rangle ')
  return s.replace(/^\s*(?:=|\\approx|\\Rightarrow|\\therefore|:)\s*(?=\S)/, '').trim()
}
