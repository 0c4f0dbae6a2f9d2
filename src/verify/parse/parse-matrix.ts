import type { Expression } from '../terms/expression.ts'
import { type Cursor, Unreadable } from './cursor.ts'

const SYSTEMS = /^(?:cases|aligned|align|gathered|gather|split|dcases|rcases|equation|alignedat)$/

const CASES = /^[dr]?cases$/
/** Words between a value and its condition. */
export const BEFORE_CONDITION = /^(?:if|when|for|where|whenever)$/i

const endsCell = (c: Cursor) => !c.peek() || /^(?:&|\\|end|hline)$/.test(c.peek()!.text)

/** The rest of a cell as words, such as "n is even". */
function words(c: Cursor): Expression {
  const parts: string[] = []
  while (!endsCell(c)) parts.push(c.next().text)
  return { kind: 'text', words: parts.filter((x) => !/^(?:if|when|for|is|an?|[,.{}])$/.test(x)).join(' ') }
}

/** The value and the condition in a row of cases; `null` if the row is an equation of a system. */
function branchOf(row: readonly Expression[]): readonly [Expression, Expression] | null {
  const [value, condition] =
    row.length === 1 && row[0]!.kind === 'list' && row[0]!.items.length === 2 ? row[0]!.items : row
  if (!value || !condition || row.length > 2 || value.kind === 'relation') return null
  return row.length === 2 || condition.kind === 'relation' || condition.kind === 'text'
    ? [value, condition]
    : null
}

const every = <T>(items: readonly (T | null)[]): readonly T[] | null =>
  items.every((x) => x !== null) ? (items as readonly T[]) : null

/** An environment from \begin{name} to \end{name}: a matrix, a determinant, or the lines of a system. */
export function environment(c: Cursor): Expression {
  const name = environmentName(c)
  if (name === 'array' || name === 'alignedat') {
    if (c.mark('[')) skipTo(c, ']')
    if (c.mark('{')) skipTo(c, '}')
  }
  const rows: Expression[][] = [[]]
  c.within({ matrix: true, bars: 0, builder: false, brackets: c.brackets + 1, french: false }, () => {
    for (;;) {
      if (c.take('command', 'end')) break
      if (c.done) throw new Unreadable(`\\begin{${name}} has no end`)
      if (c.take('mark', '&') || c.take('command', 'hline')) continue
      if (c.take('break', '\\')) rows.push([])
      else {
        const row = rows.at(-1)!
        const read = () => {
          const cell = c.grammar.list(c)
          if (!endsCell(c)) throw new Unreadable(`unexpected "${c.peek()!.text}"`)
          return cell
        }
        row.push(CASES.test(name) && row.length > 0 ? (c.attempt(read) ?? words(c)) : read())
      }
    }
  })
  environmentName(c)
  const filled = rows.filter((row) => row.length > 0)
  if (filled.length === 0) throw new Unreadable('an empty matrix')
  const branches = CASES.test(name) ? every(filled.map(branchOf)) : null
  if (branches)
    return {
      kind: 'piecewise',
      values: branches.map(([value]) => value),
      conditions: branches.map(([, condition]) => condition),
    }
  const system = SYSTEMS.test(name) || filled.some((row) => row.some((cell) => cell.kind === 'relation'))
  if (system) {
    const items = filled.flat().filter((cell) => cell.kind !== 'text')
    return items.length === 1 ? items[0]! : { kind: 'list', items, joiner: 'and' }
  }
  const matrix: Expression = { kind: 'matrix', rows: filled }
  return name === 'vmatrix' ? { kind: 'call', name: 'det', args: [matrix] } : matrix
}

function environmentName(c: Cursor): string {
  if (!c.take('mark', '{')) throw new Unreadable('an environment without a name')
  let name = ''
  while (!c.done && !c.mark('}')) name += c.next().text
  c.closeBrace()
  return name.replace(/\*$/, '')
}

function skipTo(c: Cursor, close: string): void {
  while (!c.done && !c.mark(close)) c.next()
  c.next()
}
