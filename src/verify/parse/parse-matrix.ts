import type { Expression } from '../terms/expression.ts'
import { type Cursor, Unreadable } from './cursor.ts'

const SYSTEMS = /^(?:cases|aligned|align|gathered|gather|split|dcases|rcases|equation|alignedat)$/

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
        rows.at(-1)!.push(c.grammar.list(c))
        const after = c.peek()
        if (
          after &&
          !(after.text === '&' || after.text === '\\' || after.text === 'end' || after.text === 'hline')
        )
          throw new Unreadable(`unexpected "${after.text}"`)
      }
    }
  })
  environmentName(c)
  const filled = rows.filter((row) => row.length > 0)
  if (filled.length === 0) throw new Unreadable('an empty matrix')
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
