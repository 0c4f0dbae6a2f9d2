import type { Value } from '../values.ts'
import type { CallArguments, Expression, NamedCall } from './nodes.ts'
import { nameOf, type TokenReader } from './token-reader.ts'

/** Names of the filters and tests that exist. */
export interface Known {
  readonly filters: { readonly [name: string]: unknown }
  readonly tests: { readonly [name: string]: unknown }
}

export const CONSTANTS: Readonly<Record<string, Value>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
}
const NO_ARGUMENTS: CallArguments = { positional: [], named: [], spread: null, namedSpread: null }

/** Parses expressions by recursive descent, from the weakest binding to the strongest, in the order of Jinja's own parser. */
export class ExpressionParser {
  readonly #tokens: TokenReader
  readonly #known: Known
  /** Every name read so far: a macro looks up which special variables its body reads. */
  readonly reads: string[] = []
  /** How many `if` the tokens are in. Inside one, an unknown filter or test is an error only when it is reached. */
  conditions = 0

  constructor(tokens: TokenReader, known: Known) {
    this.#tokens = tokens
    this.#known = known
  }

  /** An expression, or a tuple of several without parentheses. */
  tuple({
    conditional = true,
    end,
    parenthesised = false,
  }: {
    conditional?: boolean
    end?: string
    parenthesised?: boolean
  } = {}): Expression {
    const items: Expression[] = []
    let isTuple = false
    for (;;) {
      if (items.length > 0) this.#tokens.expect('operator', ',')
      if (this.#tokens.is('variable_end') || this.#tokens.is('block_end') || this.#tokens.is('operator', ')'))
        break
      if (end && this.#tokens.is('name', end)) break
      items.push(conditional ? this.expression() : this.#or())
      if (!this.#tokens.is('operator', ',')) break
      isTuple = true
    }
    if (isTuple || (items.length === 0 && parenthesised)) return { kind: 'tuple', items }
    return items[0] ?? this.#tokens.error(`expected an expression, got ${nameOf(this.#tokens.now)}`)
  }

  expression(): Expression {
    let expression = this.#or()
    while (this.#tokens.take('name', 'if')) {
      const test = this.#or()
      const otherwise = this.#tokens.take('name', 'else') ? this.expression() : null
      expression = { kind: 'conditional', test, value: expression, otherwise }
    }
    return expression
  }

  /** Operators of one precedence, which associate to the left. */
  #binary(type: 'name' | 'operator', operators: readonly string[], operand: () => Expression): Expression {
    let left = operand()
    for (;;) {
      const token = this.#tokens.take(type, ...operators)
      if (!token) return left
      left = { kind: 'binary', operator: token.value, left, right: operand() }
    }
  }

  #or(): Expression {
    return this.#binary('name', ['or'], () => this.#binary('name', ['and'], () => this.#not()))
  }

  #not(): Expression {
    if (this.#tokens.take('name', 'not')) return { kind: 'unary', operator: 'not', operand: this.#not() }
    return this.#comparison()
  }

  #comparison(): Expression {
    const first = this.#sum()
    const rest: [string, Expression][] = []
    for (;;) {
      const operator =
        this.#tokens.take('operator', '==', '!=', '<', '<=', '>', '>=') ?? this.#tokens.take('name', 'in')
      const next = this.#tokens.following
      if (operator) rest.push([operator.value, this.#sum()])
      else if (this.#tokens.is('name', 'not') && next?.type === 'name' && next.value === 'in') {
        this.#tokens.skip()
        this.#tokens.skip()
        rest.push(['not in', this.#sum()])
      } else return rest.length === 0 ? first : { kind: 'comparison', first, rest }
    }
  }

  #sum(): Expression {
    return this.#binary('operator', ['+', '-'], () => this.#concat())
  }

  #concat(): Expression {
    const items = [this.#product()]
    while (this.#tokens.take('operator', '~')) items.push(this.#product())
    return items.length === 1 ? items[0]! : { kind: 'concat', items }
  }

  #product(): Expression {
    return this.#binary('operator', ['*', '/', '//', '%'], () =>
      this.#binary('operator', ['**'], () => this.#unary(true)),
    )
  }

  #unary(withFilters: boolean): Expression {
    const sign = this.#tokens.take('operator', '-', '+')
    const operand: Expression = sign
      ? { kind: 'unary', operator: sign.value, operand: this.#unary(false) }
      : this.#primary()
    const expression = this.#postfix(operand)
    return withFilters ? this.#filtersAndTests(expression) : expression
  }

  #primary(): Expression {
    const token = this.#tokens.now
    if (this.#tokens.take('name')) {
      if (Object.hasOwn(CONSTANTS, token.value)) return { kind: 'constant', value: CONSTANTS[token.value]! }
      this.reads.push(token.value)
      return { kind: 'name', name: token.value }
    }
    if (this.#tokens.is('string')) {
      let value = ''
      for (let part = this.#tokens.take('string'); part; part = this.#tokens.take('string'))
        value += part.value
      return { kind: 'constant', value }
    }
    if (this.#tokens.take('integer'))
      return { kind: 'constant', value: BigInt(token.value.replaceAll('_', '')) }
    if (this.#tokens.take('float'))
      return { kind: 'constant', value: Number(token.value.replaceAll('_', '')) }
    if (this.#tokens.take('operator', '(')) {
      const expression = this.tuple({ parenthesised: true })
      this.#tokens.expect('operator', ')')
      return expression
    }
    if (this.#tokens.take('operator', '['))
      return { kind: 'list', items: this.#separated(']', () => this.expression()) }
    if (this.#tokens.take('operator', '{')) {
      const entries = this.#separated('}', () => {
        const key = this.expression()
        this.#tokens.expect('operator', ':')
        return [key, this.expression()] as const
      })
      return { kind: 'dict', entries }
    }
    return this.#tokens.unexpected()
  }

  /** Items between commas, up to the closing bracket; a comma may follow the last. */
  #separated<T>(close: string, item: () => T): T[] {
    const items: T[] = []
    while (!this.#tokens.take('operator', close)) {
      if (items.length > 0) this.#tokens.expect('operator', ',')
      if (this.#tokens.take('operator', close)) break
      items.push(item())
    }
    return items
  }

  #postfix(operand: Expression): Expression {
    let expression = operand
    for (;;) {
      if (this.#tokens.take('operator', '.')) {
        const name = this.#tokens.take('name')
        if (name) expression = { kind: 'attribute', object: expression, name: name.value }
        else {
          const index = this.#tokens.take('integer') ?? this.#tokens.unexpected('a name or a number')
          expression = {
            kind: 'item',
            object: expression,
            key: { kind: 'constant', value: BigInt(index.value) },
          }
        }
      } else if (this.#tokens.take('operator', '[')) {
        const keys = this.#separated(']', () => this.#subscript())
        const key: Expression = keys.length === 1 ? keys[0]! : { kind: 'tuple', items: keys }
        expression = { kind: 'item', object: expression, key }
      } else if (this.#tokens.is('operator', '('))
        expression = { kind: 'call', callee: expression, args: this.#arguments() }
      else return expression
    }
  }

  /** An index or a slice. */
  #subscript(): Expression {
    const bound = (): Expression | null =>
      this.#tokens.is('operator', ':', ']', ',') ? null : this.expression()
    const bounds = [bound()]
    while (bounds.length < 3 && this.#tokens.take('operator', ':')) bounds.push(bound())
    if (bounds.length === 1) return bounds[0] ?? this.#tokens.unexpected()
    return { kind: 'slice', bounds }
  }

  #arguments(): CallArguments {
    const positional: Expression[] = []
    const named: [string, Expression][] = []
    let [spread, namedSpread]: (Expression | null)[] = [null, null]
    this.#tokens.expect('operator', '(')
    this.#separated(')', () => {
      const next = this.#tokens.following
      if (this.#tokens.take('operator', '**')) namedSpread = this.expression()
      else if (this.#tokens.take('operator', '*')) spread = this.expression()
      else if (this.#tokens.is('name') && next?.type === 'operator' && next.value === '=') {
        const { value: name } = this.#tokens.expect('name')
        this.#tokens.skip()
        named.push([name, this.expression()])
      } else {
        if (named.length > 0 || spread || namedSpread)
          this.#tokens.error('a positional argument follows a named one')
        positional.push(this.expression())
      }
    })
    return { positional, named, spread: spread ?? null, namedSpread: namedSpread ?? null }
  }

  #filtersAndTests(operand: Expression): Expression {
    let expression = operand
    for (;;) {
      if (this.#tokens.take('operator', '|'))
        expression = { kind: 'filter', operand: expression, ...this.namedCall('filters') }
      else if (this.#tokens.take('name', 'is')) expression = this.#test(expression)
      else if (this.#tokens.is('operator', '('))
        expression = { kind: 'call', callee: expression, args: this.#arguments() }
      else return expression
    }
  }

  filters(): NamedCall[] {
    const filters: NamedCall[] = []
    while (this.#tokens.take('operator', '|')) filters.push(this.namedCall('filters'))
    return filters
  }

  namedCall(kind: keyof Known): NamedCall {
    const name = this.#knownName(kind)
    return { name, args: this.#tokens.is('operator', '(') ? this.#arguments() : NO_ARGUMENTS }
  }

  #knownName(kind: keyof Known): string {
    let { value: name } = this.#tokens.expect('name')
    while (this.#tokens.take('operator', '.')) name += `.${this.#tokens.expect('name').value}`
    if (this.conditions === 0 && !Object.hasOwn(this.#known[kind], name))
      this.#tokens.error(`unknown ${kind.slice(0, -1)} '${name}'`)
    return name
  }

  #test(operand: Expression): Expression {
    const negated = this.#tokens.take('name', 'not') !== null
    const name = this.#knownName('tests')
    let args = NO_ARGUMENTS
    if (this.#tokens.is('operator', '(')) args = this.#arguments()
    else if (
      (this.#tokens.is('name') && !this.#tokens.is('name', 'else', 'or', 'and', 'is')) ||
      ['string', 'integer', 'float'].includes(this.#tokens.now.type) ||
      this.#tokens.is('operator', '[', '{')
    )
      args = { ...NO_ARGUMENTS, positional: [this.#postfix(this.#primary())] }
    else if (this.#tokens.is('name', 'is')) this.#tokens.error("tests cannot be chained with 'is'")
    const test: Expression = { kind: 'test', operand, name, args }
    return negated ? { kind: 'unary', operator: 'not', operand: test } : test
  }
}
