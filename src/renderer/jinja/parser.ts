import { fail } from './errors.ts'
import { type Token, tokenize } from './lexer.ts'
import type { Body, CallArguments, Expression, NamedCall, Signature, Statement, Target } from './nodes.ts'
import type { Value } from './values.ts'

/** Names of the filters and tests that there are. */
export interface Known {
  readonly filters: { readonly [name: string]: unknown }
  readonly tests: { readonly [name: string]: unknown }
}

/** The statements of a template. @throws JinjaError that names the line and the construct. */
export function parse(template: string, known: Known): Body {
  return new Parser(tokenize(template), known).template()
}

const UNSUPPORTED = ['include', 'import', 'from', 'extends', 'autoescape', 'trans', 'do', 'debug']
const CONSTANTS: Readonly<Record<string, Value>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
}
const NO_ARGUMENTS: CallArguments = { positional: [], named: [], spread: null, namedSpread: null }

/** Recursive descent in the order and precedence of Jinja's own parser. */
class Parser {
  readonly #tokens: readonly Token[]
  readonly #known: Known
  #at = 0
  /** Every name read so far: a macro looks which special variables its body reads. */
  readonly #reads: string[] = []
  #loops = 0
  /** Inside an `if`, an unknown filter or test is an error only when it is reached. */
  #conditions = 0

  constructor(tokens: readonly Token[], known: Known) {
    this.#tokens = tokens
    this.#known = known
  }

  template(): Body {
    const body = this.#body([])
    if (this.#now.type !== 'end') this.#unexpected()
    return body
  }

  get #now(): Token {
    return this.#tokens[this.#at]!
  }

  #error(message: string): never {
    return fail(message, this.#now.line)
  }

  #unexpected(expected?: string): never {
    return this.#error(`unexpected ${nameOf(this.#now)}${expected ? `, expected ${expected}` : ''}`)
  }

  #is(type: Token['type'], ...values: string[]): boolean {
    return this.#now.type === type && (values.length === 0 || values.includes(this.#now.value))
  }

  /** Takes the token if it is the one asked for. */
  #take(type: Token['type'], ...values: string[]): Token | null {
    return this.#is(type, ...values) ? this.#tokens[this.#at++]! : null
  }

  #expect(type: Token['type'], value?: string): Token {
    return (
      this.#take(type, ...(value === undefined ? [] : [value])) ??
      this.#unexpected(value ? `'${value}'` : WORDS[type])
    )
  }

  // Statements

  /** Statements up to a tag with one of these names; the tag's name is the next token. */
  #body(ends: readonly string[], opened?: Token): Statement[] {
    const body: Statement[] = []
    for (;;) {
      const { line } = this.#now
      const data = this.#take('data')
      if (data) body.push({ kind: 'text', text: data.value, line })
      else if (this.#take('variable_begin')) {
        body.push({ kind: 'print', expression: this.#tuple(), line })
        this.#expect('variable_end')
      } else if (this.#is('block_begin')) {
        const tag = this.#tokens[this.#at + 1]!
        if (tag.type === 'name' && ends.includes(tag.value)) {
          this.#at++
          return body
        }
        this.#at++
        body.push(...this.#statement())
        this.#expect('block_end')
      } else {
        if (opened)
          fail(
            `the tag '${opened.value}' is not closed: expected ${ends.map((end) => `'${end}'`).join(' or ')}`,
            opened.line,
          )
        return body
      }
    }
  }

  /** A body and the name of the tag that ends it. */
  #bodyUntil(opened: Token, ...ends: string[]): Statement[] {
    this.#expect('block_end')
    const body = this.#body(ends, opened)
    this.#at++
    return body
  }

  get #ended(): string {
    return this.#tokens[this.#at - 1]!.value
  }

  #statement(): Statement[] {
    const tag = this.#take('name') ?? this.#unexpected('the name of a tag')
    const { line } = tag
    switch (tag.value) {
      case 'if':
        return [this.#if(tag)]
      case 'for':
        return [this.#for(tag)]
      case 'set':
        return [this.#set(tag)]
      case 'print':
        return this.#print(line)
      case 'macro': {
        const { value: name } = this.#expect('name')
        return [{ kind: 'macro', name, ...this.#signature(tag, this.#parameters()), line }]
      }
      case 'call':
        return [this.#call(tag)]
      case 'filter': {
        const filters = [this.#namedCall('filters'), ...this.#filters()]
        return [{ kind: 'filter', filters, body: this.#bodyUntil(tag, 'endfilter'), line }]
      }
      case 'with':
        return [this.#with(tag)]
      case 'generation':
        return [{ kind: 'generation', body: this.#bodyUntil(tag, 'endgeneration'), line }]
      case 'block': {
        this.#expect('name')
        this.#take('name', 'scoped')
        const body = this.#bodyUntil(tag, 'endblock')
        this.#take('name')
        return [{ kind: 'block', body, line }]
      }
      case 'break':
      case 'continue':
        if (this.#loops === 0) fail(`'${tag.value}' outside of a loop`, line)
        return [{ kind: tag.value, line }]
      default:
        if (UNSUPPORTED.includes(tag.value))
          return fail(`the tag '${tag.value}' is not supported in chat templates`, line)
        return fail(`unknown tag '${tag.value}'`, line)
    }
  }

  #if(tag: Token): Statement {
    const test = this.#tuple({ conditional: false })
    this.#conditions++
    const body = this.#bodyUntil(tag, 'elif', 'else', 'endif')
    let otherwise: Statement[] = []
    if (this.#ended === 'elif') otherwise = [this.#if(this.#tokens[this.#at - 1]!)]
    else if (this.#ended === 'else') otherwise = this.#bodyUntil(tag, 'endif')
    this.#conditions--
    return { kind: 'if', test, body, otherwise, line: tag.line }
  }

  #print(line: number): Statement[] {
    const printed: Statement[] = []
    do printed.push({ kind: 'print', expression: this.#expression(), line })
    while (this.#take('operator', ','))
    return printed
  }

  #for(tag: Token): Statement {
    const target = this.#target(false)
    this.#expect('name', 'in')
    const iterable = this.#tuple({ conditional: false, end: 'recursive' })
    const test = this.#take('name', 'if') ? this.#expression() : null
    const recursive = this.#take('name', 'recursive') !== null
    this.#loops++
    const body = this.#bodyUntil(tag, 'endfor', 'else')
    this.#loops--
    const otherwise = this.#ended === 'else' ? this.#bodyUntil(tag, 'endfor') : []
    return { kind: 'for', target, iterable, test, recursive, body, otherwise, line: tag.line }
  }

  #set(tag: Token): Statement {
    const target = this.#target(true)
    if (this.#take('operator', '=')) return { kind: 'set', target, value: this.#tuple(), line: tag.line }
    const filters = this.#filters()
    return { kind: 'set block', target, filters, body: this.#bodyUntil(tag, 'endset'), line: tag.line }
  }

  #with(tag: Token): Statement {
    const targets: [Target, Expression][] = []
    while (!this.#is('block_end')) {
      if (targets.length > 0) this.#expect('operator', ',')
      const target = this.#oneTarget(false)
      this.#expect('operator', '=')
      targets.push([target, this.#expression()])
    }
    return { kind: 'with', targets, body: this.#bodyUntil(tag, 'endwith'), line: tag.line }
  }

  #call(tag: Token): Statement {
    const signature = this.#is('operator', '(') ? this.#parameters() : []
    const { line } = this.#now
    const call = this.#expression()
    if (call.kind !== 'call') return fail("expected a call after 'call'", line)
    return {
      kind: 'call',
      callee: call.callee,
      args: call.args,
      ...this.#signature(tag, signature),
      line: tag.line,
    }
  }

  #signature(tag: Token, parameters: Signature['parameters']): Signature {
    const before = this.#reads.length
    const loops = this.#loops
    this.#loops = 0
    const body = this.#bodyUntil(tag, `end${tag.value}`)
    this.#loops = loops
    return { parameters, body, reads: new Set(this.#reads.slice(before)) }
  }

  #parameters(): Signature['parameters'] {
    const parameters: { name: string; default: Expression | null }[] = []
    this.#expect('operator', '(')
    while (!this.#take('operator', ')')) {
      if (parameters.length > 0) this.#expect('operator', ',')
      const { value: name } = this.#expect('name')
      const value = this.#take('operator', '=') ? this.#expression() : null
      if (!value && parameters.at(-1)?.default) this.#error('non-default argument follows default argument')
      parameters.push({ name, default: value })
    }
    return parameters
  }

  #target(withNamespace: boolean): Target {
    const items = [this.#oneTarget(withNamespace)]
    let isTuple = false
    while (this.#take('operator', ',')) {
      isTuple = true
      if (this.#is('name', 'in') || this.#is('operator', '=') || this.#is('block_end')) break
      items.push(this.#oneTarget(withNamespace))
    }
    return isTuple ? { kind: 'tuple', items } : items[0]!
  }

  #oneTarget(withNamespace: boolean): Target {
    if (this.#take('operator', '(')) {
      const target = this.#target(withNamespace)
      this.#expect('operator', ')')
      return target
    }
    const { value: name } = this.#expect('name')
    if (name in CONSTANTS) this.#error(`cannot assign to '${name}'`)
    if (withNamespace && this.#take('operator', '.'))
      return { kind: 'namespace', name, attribute: this.#expect('name').value }
    return { kind: 'name', name }
  }

  // Expressions, from the weakest binding to the strongest

  /** An expression, or a tuple of several without parentheses. */
  #tuple({
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
      if (items.length > 0) this.#expect('operator', ',')
      if (this.#is('variable_end') || this.#is('block_end') || this.#is('operator', ')')) break
      if (end && this.#is('name', end)) break
      items.push(conditional ? this.#expression() : this.#or())
      if (!this.#is('operator', ',')) break
      isTuple = true
    }
    if (isTuple || (items.length === 0 && parenthesised)) return { kind: 'tuple', items }
    return items[0] ?? this.#error(`expected an expression, got ${nameOf(this.#now)}`)
  }

  #expression(): Expression {
    let expression = this.#or()
    while (this.#take('name', 'if')) {
      const test = this.#or()
      const otherwise = this.#take('name', 'else') ? this.#expression() : null
      expression = { kind: 'conditional', test, value: expression, otherwise }
    }
    return expression
  }

  /** Operators of one precedence, which associate to the left. */
  #binary(type: 'name' | 'operator', operators: readonly string[], operand: () => Expression): Expression {
    let left = operand()
    for (;;) {
      const token = this.#take(type, ...operators)
      if (!token) return left
      left = { kind: 'binary', operator: token.value, left, right: operand() }
    }
  }

  #or(): Expression {
    return this.#binary('name', ['or'], () => this.#binary('name', ['and'], () => this.#not()))
  }

  #not(): Expression {
    if (this.#take('name', 'not')) return { kind: 'unary', operator: 'not', operand: this.#not() }
    return this.#comparison()
  }

  #comparison(): Expression {
    const first = this.#sum()
    const rest: [string, Expression][] = []
    for (;;) {
      const operator = this.#take('operator', '==', '!=', '<', '<=', '>', '>=') ?? this.#take('name', 'in')
      const next = this.#tokens[this.#at + 1]
      if (operator) rest.push([operator.value, this.#sum()])
      else if (this.#is('name', 'not') && next?.type === 'name' && next.value === 'in') {
        this.#at += 2
        rest.push(['not in', this.#sum()])
      } else return rest.length === 0 ? first : { kind: 'comparison', first, rest }
    }
  }

  #sum(): Expression {
    return this.#binary('operator', ['+', '-'], () => this.#concat())
  }

  #concat(): Expression {
    const items = [this.#product()]
    while (this.#take('operator', '~')) items.push(this.#product())
    return items.length === 1 ? items[0]! : { kind: 'concat', items }
  }

  #product(): Expression {
    return this.#binary('operator', ['*', '/', '//', '%'], () =>
      this.#binary('operator', ['**'], () => this.#unary(true)),
    )
  }

  #unary(withFilters: boolean): Expression {
    const sign = this.#take('operator', '-', '+')
    const operand: Expression = sign
      ? { kind: 'unary', operator: sign.value, operand: this.#unary(false) }
      : this.#primary()
    const expression = this.#postfix(operand)
    return withFilters ? this.#filtersAndTests(expression) : expression
  }

  #primary(): Expression {
    const token = this.#now
    if (this.#take('name')) {
      if (Object.hasOwn(CONSTANTS, token.value)) return { kind: 'constant', value: CONSTANTS[token.value]! }
      this.#reads.push(token.value)
      return { kind: 'name', name: token.value }
    }
    if (this.#is('string')) {
      let value = ''
      for (let part = this.#take('string'); part; part = this.#take('string')) value += part.value
      return { kind: 'constant', value }
    }
    if (this.#take('integer')) return { kind: 'constant', value: BigInt(token.value.replaceAll('_', '')) }
    if (this.#take('float')) return { kind: 'constant', value: Number(token.value.replaceAll('_', '')) }
    if (this.#take('operator', '(')) {
      const expression = this.#tuple({ parenthesised: true })
      this.#expect('operator', ')')
      return expression
    }
    if (this.#take('operator', '['))
      return { kind: 'list', items: this.#separated(']', () => this.#expression()) }
    if (this.#take('operator', '{')) {
      const entries = this.#separated('}', () => {
        const key = this.#expression()
        this.#expect('operator', ':')
        return [key, this.#expression()] as const
      })
      return { kind: 'dict', entries }
    }
    return this.#unexpected()
  }

  /** Items between commas, up to the closing bracket; a comma may follow the last. */
  #separated<T>(close: string, item: () => T): T[] {
    const items: T[] = []
    while (!this.#take('operator', close)) {
      if (items.length > 0) this.#expect('operator', ',')
      if (this.#take('operator', close)) break
      items.push(item())
    }
    return items
  }

  #postfix(operand: Expression): Expression {
    let expression = operand
    for (;;) {
      if (this.#take('operator', '.')) {
        const name = this.#take('name')
        if (name) expression = { kind: 'attribute', object: expression, name: name.value }
        else {
          const index = this.#take('integer') ?? this.#unexpected('a name or a number')
          expression = {
            kind: 'item',
            object: expression,
            key: { kind: 'constant', value: BigInt(index.value) },
          }
        }
      } else if (this.#take('operator', '[')) {
        const keys = this.#separated(']', () => this.#subscript())
        const key: Expression = keys.length === 1 ? keys[0]! : { kind: 'tuple', items: keys }
        expression = { kind: 'item', object: expression, key }
      } else if (this.#is('operator', '('))
        expression = { kind: 'call', callee: expression, args: this.#arguments() }
      else return expression
    }
  }

  /** An index or a slice. */
  #subscript(): Expression {
    const bound = (): Expression | null => (this.#is('operator', ':', ']', ',') ? null : this.#expression())
    const bounds = [bound()]
    while (bounds.length < 3 && this.#take('operator', ':')) bounds.push(bound())
    if (bounds.length === 1) return bounds[0] ?? this.#unexpected()
    return { kind: 'slice', bounds }
  }

  #arguments(): CallArguments {
    const positional: Expression[] = []
    const named: [string, Expression][] = []
    let [spread, namedSpread]: (Expression | null)[] = [null, null]
    this.#expect('operator', '(')
    this.#separated(')', () => {
      const next = this.#tokens[this.#at + 1]
      if (this.#take('operator', '**')) namedSpread = this.#expression()
      else if (this.#take('operator', '*')) spread = this.#expression()
      else if (this.#is('name') && next?.type === 'operator' && next.value === '=') {
        const { value: name } = this.#expect('name')
        this.#at++
        named.push([name, this.#expression()])
      } else {
        if (named.length > 0 || spread || namedSpread)
          this.#error('a positional argument follows a named one')
        positional.push(this.#expression())
      }
    })
    return { positional, named, spread: spread ?? null, namedSpread: namedSpread ?? null }
  }

  #filtersAndTests(operand: Expression): Expression {
    let expression = operand
    for (;;) {
      if (this.#take('operator', '|'))
        expression = { kind: 'filter', operand: expression, ...this.#namedCall('filters') }
      else if (this.#take('name', 'is')) expression = this.#test(expression)
      else if (this.#is('operator', '('))
        expression = { kind: 'call', callee: expression, args: this.#arguments() }
      else return expression
    }
  }

  #filters(): NamedCall[] {
    const filters: NamedCall[] = []
    while (this.#take('operator', '|')) filters.push(this.#namedCall('filters'))
    return filters
  }

  #namedCall(kind: keyof Known): NamedCall {
    const name = this.#knownName(kind)
    return { name, args: this.#is('operator', '(') ? this.#arguments() : NO_ARGUMENTS }
  }

  #knownName(kind: keyof Known): string {
    let { value: name } = this.#expect('name')
    while (this.#take('operator', '.')) name += `.${this.#expect('name').value}`
    if (this.#conditions === 0 && !Object.hasOwn(this.#known[kind], name))
      this.#error(`unknown ${kind.slice(0, -1)} '${name}'`)
    return name
  }

  #test(operand: Expression): Expression {
    const negated = this.#take('name', 'not') !== null
    const name = this.#knownName('tests')
    let args = NO_ARGUMENTS
    if (this.#is('operator', '(')) args = this.#arguments()
    else if (
      (this.#is('name') && !this.#is('name', 'else', 'or', 'and', 'is')) ||
      ['string', 'integer', 'float'].includes(this.#now.type) ||
      this.#is('operator', '[', '{')
    )
      args = { ...NO_ARGUMENTS, positional: [this.#postfix(this.#primary())] }
    else if (this.#is('name', 'is')) this.#error("tests cannot be chained with 'is'")
    const test: Expression = { kind: 'test', operand, name, args }
    return negated ? { kind: 'unary', operator: 'not', operand: test } : test
  }
}

const WORDS: Readonly<Record<string, string>> = {
  variable_end: "'}}'",
  block_end: "'%}'",
  name: 'a name',
  end: 'the end of the template',
}

const nameOf = ({ type, value }: Token): string =>
  type === 'string' ? `string ${JSON.stringify(value)}` : (WORDS[type === 'name' ? '' : type] ?? `'${value}'`)
