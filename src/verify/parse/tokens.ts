import { TooLarge } from '../terms/budget.ts'
import { type NumberLiteral, readNumber } from '../terms/number-literal.ts'
import { SYMBOLS } from '../terms/units.ts'
import { JOINERS, NAMED, SHORT_WORDS } from './words.ts'

/**
 * A piece of LaTeX or plain mathematics:
 * `number`; `letter`, a variable; `word`, plain text; `command`, a name without its backslash (`\pi` and `pi` alike);
 * `mark`, one character; `joiner`, "and" or "or"; `break`, a wide space or the end of a row.
 */
export interface Token {
  readonly kind: 'number' | 'letter' | 'word' | 'command' | 'mark' | 'joiner' | 'break'
  readonly text: string
  /** Whether white space precedes it. */
  readonly spaced: boolean
  /** Whether it is set in an upright font, as units are. */
  readonly upright: boolean
  readonly number?: NumberLiteral
  /** For a bar: whether \left or \right precedes it. */
  readonly side?: 'left' | 'right'
}

export interface Tokens {
  readonly tokens: readonly Token[]
  /** Whether some comma may separate either thousands or items of a list. */
  readonly ambiguous: boolean
}

const MAX_TOKENS = 3000

/** Commands that only affect the appearance. */
const STYLES = new Set(
  [
    'left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr middle displaystyle textstyle scriptstyle',
    'limits nolimits rm bf it sf tt cal mathstrut strut null relax hfill noindent centering tiny small large Large',
    'nonumber notag allowbreak , ; : ! > / unskip thinspace enspace medspace negthinspace boxed fbox framebox',
    'ensuremath underline underbrace overbrace mathop mathrel mathbin color textcolor',
  ]
    .join(' ')
    .split(' '),
)
/** Commands that, with their argument, show nothing. */
const WITH_ARGUMENT = new Set('phantom hphantom vphantom hspace vspace label tag kern mkern'.split(' '))
const TEXT = new Set(
  'text textbf textit textrm textsf texttt textnormal textup emph mbox hbox mathrm mathsf mathtt operatorname'.split(
    ' ',
  ),
)
const FONTS = new Set(
  'mathbf mathit mathnormal boldsymbol bm pmb mathcal mathscr mathfrak vec hat mathbb'.split(' '),
)
const ALIASES: Record<string, string> = {
  dfrac: 'frac',
  tfrac: 'frac',
  cfrac: 'frac',
  sfrac: 'frac',
  nicefrac: 'frac',
  dbinom: 'binom',
  tbinom: 'binom',
  leq: 'le',
  leqslant: 'le',
  leqq: 'le',
  geq: 'ge',
  geqslant: 'ge',
  geqq: 'ge',
  neq: 'ne',
  ne: 'ne',
  lt: 'lt',
  gt: 'gt',
  land: 'wedge',
  lor: 'vee',
  varnothing: 'emptyset',
  empty: 'emptyset',
  tg: 'tan',
  ctg: 'cot',
  cotg: 'cot',
  sh: 'sinh',
  ch: 'cosh',
  th: 'tanh',
  arctg: 'arctan',
  arsinh: 'arsinh',
  backslash: 'setminus',
  smallsetminus: 'setminus',
  lbrace: '{',
  rbrace: '}',
  lbrack: '[',
  rbrack: ']',
  lparen: '(',
  rparen: ')',
  vert: '|',
  lvert: '|',
  rvert: '|',
  Vert: '|',
  lVert: '|',
  rVert: '|',
  '|': '|',
  mid: 'mid',
  infin: 'infty',
  dots: 'ldots',
  cdots: 'ldots',
  dotsc: 'ldots',
  dotsb: 'ldots',
  vdots: 'ldots',
  bmod: 'mod',
  varepsilon: 'epsilon',
  vartheta: 'theta',
  varphi: 'phi',
  longrightarrow: 'to',
  rightarrow: 'to',
  implies: 'Rightarrow',
  Longrightarrow: 'Rightarrow',
  iff: 'iff',
  Leftrightarrow: 'iff',
  Longleftrightarrow: 'iff',
  ast: '*',
  star: '*',
  bullet: 'cdot',
  thickapprox: 'approx',
  simeq: 'approx',
  cong: 'approx',
  doteq: 'approx',
  textpm: 'pm',
  textdegree: 'degree',
  celsius: 'degree',
  bar: 'overline',
  widehat: 'hat',
  overrightarrow: 'vec',
  bigcup: 'cup',
  bigcap: 'cap',
  arcsinh: 'arsinh',
  arccosh: 'arcosh',
  arctanh: 'artanh',
  lnot: 'neg',
  textbackslash: 'setminus',
  qquad: 'quad',
  newline: '\\',
  cr: '\\',
  mathopen: 'left',
  mathclose: 'right',
  slash: '/',
  prime: "'",
  colon: ':',
}
const SIDES: Readonly<Record<string, 'left' | 'right'>> = {
  lvert: 'left',
  lVert: 'left',
  rvert: 'right',
  rVert: 'right',
}
const MARK_COMMANDS = new Set(['|', '*', '[', ']', '(', ')', '/', "'", ':'])

const BOLD = /^(?:mathbf|boldsymbol|bm)$/
const isDigit = (c: string | undefined) => c !== undefined && c >= '0' && c <= '9'
const isLetter = (c: string | undefined) =>
  c !== undefined && ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
const isOther = (c: string | undefined) => c !== undefined && c > '\x7f' && /\p{L}/u.test(c)

/** Splits LaTeX or plain text. `thousands`: a comma before three digits is part of the number. @throws TooLarge */
export function tokenize(source: string, thousands: boolean): Tokens {
  const tokens: Token[] = []
  /** For each open brace: the mode of its content, and whether the braces themselves are dropped. */
  const braces: { mode: 'math' | 'text' | 'upright'; drop: boolean }[] = []
  let pending: 'text' | 'upright' | 'font' | null = null
  let spaced = false
  let ambiguous = false
  let i = 0
  // A bold i beside a bold j or k is a unit vector.
  const unitVectors = /\\(?:mathbf|boldsymbol|bm)\s*\{?\s*[jk]\b/.test(source)
  const mode = () => braces.at(-1)?.mode ?? 'math'
  const push = (kind: Token['kind'], text: string, more: Partial<Token> = {}) => {
    tokens.push({ kind, text, spaced, upright: mode() !== 'math', ...more })
    if (tokens.length > MAX_TOKENS) throw new TooLarge('the text')
    spaced = false
  }
  while (i < source.length) {
    const c = source[i]!
    if (c === ' ' || c === '\n' || c === '\r' || c === '\t' || c === '~') {
      spaced = true
      i++
      continue
    }
    if (isDigit(c) || (c === '.' && isDigit(source[i + 1]))) {
      const read = readNumber(source, i, thousands)
      ambiguous ||= read.ambiguous
      push('number', source.slice(i, read.end), { number: read.literal })
      i = read.end
      continue
    }
    if (isLetter(c)) {
      let end = i
      while (isLetter(source[end])) end++
      const run = source.slice(i, end)
      const font = pending === 'font' || pending === 'upright' || pending === 'text'
      if (font) {
        // A font command without braces applies to one letter.
        push('letter', c, { upright: pending !== 'font' })
        pending = null
        i++
        continue
      }
      // 5 mW
      if (spaced && tokens.at(-1)?.kind === 'number' && SYMBOLS.has(run)) push('word', run)
      else letters(run, mode(), push)
      i = end
      continue
    }
    if (isOther(c)) {
      let end = i
      while (isOther(source[end])) end++
      const run = source.slice(i, end)
      const joiner = JOINERS.get(run)
      push(joiner ? 'joiner' : 'word', joiner ?? run)
      i = end
      continue
    }
    if (c === '\\') {
      const next = source[i + 1]
      let name: string
      if (isLetter(next)) {
        let end = i + 1
        while (isLetter(source[end])) end++
        name = source.slice(i + 1, end)
        i = end
      } else {
        name = next ?? ''
        i += 2
      }
      if (name === '' || name === ' ' || name === '\n' || name === 'n') {
        spaced = true
        continue
      }
      if (TEXT.has(name) || FONTS.has(name)) {
        const kind = TEXT.has(name)
          ? name.startsWith('math') || name === 'operatorname'
            ? 'upright'
            : 'text'
          : 'font'
        if (name === 'operatorname' && source[i] === '*') i++
        if (name === 'mathbb') {
          const set = /^\s*\{?\s*([A-Z])\s*\}?/.exec(source.slice(i, i + 12))
          if (set) {
            push('command', `mathbb${set[1]}`)
            i += set[0].length
            continue
          }
        }
        if (name === 'vec' || name === 'hat' || (BOLD.test(name) && unitVectors)) {
          const unit = (BOLD.test(name) ? /^\s*\{?\s*([ijk])\s*\}?/ : /^\s*\{?\s*([a-z])\s*\}?/).exec(
            source.slice(i, i + 12),
          )
          if (unit) {
            push('letter', /[ei]/.test(unit[1]!) ? `vec ${unit[1]}` : unit[1]!)
            i += unit[0].length
            continue
          }
        }
        pending = kind
        continue
      }
      const written = name
      name = ALIASES[name] ?? name
      if (name === 'left' || name === 'right' || name === 'middle') {
        // \left. and \right. show nothing.
        let j = i
        while (source[j] === ' ') j++
        if (source[j] === '.') i = j + 1
        const bar =
          name === 'middle' ? null : /^(?:\||\\\||\\[lr]?[vV]ert(?![a-zA-Z]))/.exec(source.slice(j, j + 8))
        if (bar) {
          push('mark', '|', { side: name as 'left' | 'right' })
          i = j + bar[0].length
        }
        continue
      }
      if (name === 'color' || name === 'textcolor') {
        const end = source[i] === '{' ? source.indexOf('}', i) : -1
        if (end > 0 && end - i < 32) i = end + 1
        continue
      }
      if (STYLES.has(name)) {
        if (name !== '!') spaced = true
        continue
      }
      if (WITH_ARGUMENT.has(name)) {
        i = afterArgument(source, i)
        continue
      }
      if (name === '\\') {
        // \\[2pt]
        const space = /^\s*\[\s*-?[\d.]+\s*[a-z]{2}\s*\]/.exec(source.slice(i, i + 20))
        if (space) i += space[0].length
      }
      if (name === 'quad' || name === '\\') push('break', name)
      else if (name === '{' || name === '}') push('command', name)
      else if (MARK_COMMANDS.has(name)) push('mark', name, SIDES[written] ? { side: SIDES[written] } : {})
      else if (name === '$' || name === '%' || name === '&' || name === '#' || name === '_')
        push('mark', name === '$' ? 'dollar' : name)
      else if (name === 'degree' || name !== '') push('command', name)
      continue
    }
    i++
    if (c === '{') {
      if (pending !== null) {
        braces.push({ mode: pending === 'font' ? mode() : pending, drop: true })
        pending = null
        continue
      }
      braces.push({ mode: mode(), drop: false })
      push('mark', '{')
    } else if (c === '}') {
      const brace = braces.pop()
      if (brace && !brace.drop) push('mark', '}')
      else if (!brace && source.slice(i).trim() !== '') push('mark', '}')
    } else if (c === '$') {
      // Dollar signs that delimit formulas have been removed: this one is a currency sign.
      push('mark', 'dollar')
    } else if (c === '"' || c === '`') spaced = true
    else if (c === '*' && source[i] === '*') {
      i++
      push('mark', '^')
    } else if ((c === '<' || c === '>' || c === '!' || c === '=') && source[i] === '=') {
      i++
      push(c === '=' ? 'mark' : 'command', { '<': 'le', '>': 'ge', '!': 'ne', '=': '=' }[c]!)
    } else push('mark', c)
  }
  return { tokens, ambiguous }
}

/** The position after a short argument in braces. */
function afterArgument(source: string, at: number): number {
  const argument = /^\*?\s*\{[^{}]{0,40}\}/.exec(source.slice(at, at + 50))
  return at + (argument?.[0].length ?? 0)
}

/** Splits a run of letters into names of commands, words, or single variables. */
function letters(
  run: string,
  mode: 'math' | 'text' | 'upright',
  push: (kind: Token['kind'], text: string, more?: Partial<Token>) => void,
): void {
  // `x=1orx=2`
  const glue = /^(or|and)([a-zA-Z])$/.exec(run)
  if (glue && mode === 'math') {
    push('joiner', JOINERS.get(glue[1]!)!)
    return void push('letter', glue[2]!)
  }
  const joiner = run.length > 1 ? JOINERS.get(run) : undefined
  if (joiner) return void push('joiner', joiner)
  const named = NAMED.get(run)
  if (named) return void push('command', named)
  if (run.length === 1) return void push('letter', run)
  if (mode !== 'math' || SHORT_WORDS.has(run)) return void push('word', run)
  // `sinx`, `lnx`, `xsqrt`: a function next to a variable
  const glued = /^(arcsin|arccos|arctan|sin|cos|tan|cot|sec|csc|sqrt|ln|log|pi)([a-zA-Z]{1,2})$/.exec(run)
  if (glued) {
    push('command', glued[1]!)
    for (const c of glued[2]!) push('letter', c)
    return
  }
  if (run.length <= 3 || /^[A-Z]{1,6}$/.test(run) || /^(.)\1+$/.test(run)) {
    for (const c of run) push('letter', c)
    return
  }
  const tail = /^([a-zA-Z])(sin|cos|tan|cot|sqrt|ln|log|pi|exp)$/.exec(run)
  if (tail) {
    push('letter', tail[1]!)
    return void push('command', tail[2]!)
  }
  push('word', run)
}
