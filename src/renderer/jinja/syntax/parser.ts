import { fail } from '../errors.ts'
import { CONSTANTS, ExpressionParser, type Known } from './expressions.ts'
import { type Token, tokenize } from './lexer.ts'
import type { Body, Expression, Signature, Statement, Target } from './nodes.ts'
import { TokenReader } from './token-reader.ts'

/** The statements of a template. @throws JinjaError that names the line and the construct. */
export function parse(template: string, known: Known): Body {
  const tokens = new TokenReader(tokenize(template))
  return new StatementParser(tokens, new ExpressionParser(tokens, known)).template()
}

const UNSUPPORTED = ['include', 'import', 'from', 'extends', 'autoescape', 'trans', 'do', 'debug']

/** Parses statements by recursive descent. */
class StatementParser {
  readonly #tokens: TokenReader
  readonly #expressions: ExpressionParser
  #loops = 0

  constructor(tokens: TokenReader, expressions: ExpressionParser) {
    this.#tokens = tokens
    this.#expressions = expressions
  }

  template(): Body {
    const body = this.#body([])
    if (this.#tokens.now.type !== 'end') this.#tokens.unexpected()
    return body
  }

  /** Statements up to a tag with one of these names; the tag's name is the next token. */
  #body(ends: readonly string[], opened?: Token): Statement[] {
    const body: Statement[] = []
    for (;;) {
      const { line } = this.#tokens.now
      const data = this.#tokens.take('data')
      if (data) body.push({ kind: 'text', text: data.value, line })
      else if (this.#tokens.take('variable_begin')) {
        body.push({ kind: 'print', expression: this.#expressions.tuple(), line })
        this.#tokens.expect('variable_end')
      } else if (this.#tokens.is('block_begin')) {
        const tag = this.#tokens.following!
        if (tag.type === 'name' && ends.includes(tag.value)) {
          this.#tokens.skip()
          return body
        }
        this.#tokens.skip()
        body.push(...this.#statement())
        this.#tokens.expect('block_end')
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
    this.#tokens.expect('block_end')
    const body = this.#body(ends, opened)
    this.#tokens.skip()
    return body
  }

  get #ended(): string {
    return this.#tokens.last.value
  }

  #statement(): Statement[] {
    const tag = this.#tokens.take('name') ?? this.#tokens.unexpected('the name of a tag')
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
        const { value: name } = this.#tokens.expect('name')
        return [{ kind: 'macro', name, ...this.#signature(tag, this.#parameters()), line }]
      }
      case 'call':
        return [this.#call(tag)]
      case 'filter': {
        const filters = [this.#expressions.namedCall('filters'), ...this.#expressions.filters()]
        return [{ kind: 'filter', filters, body: this.#bodyUntil(tag, 'endfilter'), line }]
      }
      case 'with':
        return [this.#with(tag)]
      case 'generation':
        return [{ kind: 'generation', body: this.#bodyUntil(tag, 'endgeneration'), line }]
      case 'block': {
        this.#tokens.expect('name')
        this.#tokens.take('name', 'scoped')
        const body = this.#bodyUntil(tag, 'endblock')
        this.#tokens.take('name')
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
    const test = this.#expressions.tuple({ conditional: false })
    this.#expressions.conditions++
    const body = this.#bodyUntil(tag, 'elif', 'else', 'endif')
    let otherwise: Statement[] = []
    if (this.#ended === 'elif') otherwise = [this.#if(this.#tokens.last)]
    else if (this.#ended === 'else') otherwise = this.#bodyUntil(tag, 'endif')
    this.#expressions.conditions--
    return { kind: 'if', test, body, otherwise, line: tag.line }
  }

  #print(line: number): Statement[] {
    const printed: Statement[] = []
    do printed.push({ kind: 'print', expression: this.#expressions.expression(), line })
    while (this.#tokens.take('operator', ','))
    return printed
  }

  #for(tag: Token): Statement {
    const target = this.#target(false)
    this.#tokens.expect('name', 'in')
    const iterable = this.#expressions.tuple({ conditional: false, end: 'recursive' })
    const test = this.#tokens.take('name', 'if') ? this.#expressions.expression() : null
    const recursive = this.#tokens.take('name', 'recursive') !== null
    this.#loops++
    const body = this.#bodyUntil(tag, 'endfor', 'else')
    this.#loops--
    const otherwise = this.#ended === 'else' ? this.#bodyUntil(tag, 'endfor') : []
    return { kind: 'for', target, iterable, test, recursive, body, otherwise, line: tag.line }
  }

  #set(tag: Token): Statement {
    const target = this.#target(true)
    if (this.#tokens.take('operator', '='))
      return { kind: 'set', target, value: this.#expressions.tuple(), line: tag.line }
    const filters = this.#expressions.filters()
    return { kind: 'set block', target, filters, body: this.#bodyUntil(tag, 'endset'), line: tag.line }
  }

  #with(tag: Token): Statement {
    const targets: [Target, Expression][] = []
    while (!this.#tokens.is('block_end')) {
      if (targets.length > 0) this.#tokens.expect('operator', ',')
      const target = this.#oneTarget(false)
      this.#tokens.expect('operator', '=')
      targets.push([target, this.#expressions.expression()])
    }
    return { kind: 'with', targets, body: this.#bodyUntil(tag, 'endwith'), line: tag.line }
  }

  #call(tag: Token): Statement {
    const signature = this.#tokens.is('operator', '(') ? this.#parameters() : []
    const { line } = this.#tokens.now
    const call = this.#expressions.expression()
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
    const before = this.#expressions.reads.length
    const loops = this.#loops
    this.#loops = 0
    const body = this.#bodyUntil(tag, `end${tag.value}`)
    this.#loops = loops
    return { parameters, body, reads: new Set(this.#expressions.reads.slice(before)) }
  }

  #parameters(): Signature['parameters'] {
    const parameters: { name: string; default: Expression | null }[] = []
    this.#tokens.expect('operator', '(')
    while (!this.#tokens.take('operator', ')')) {
      if (parameters.length > 0) this.#tokens.expect('operator', ',')
      const { value: name } = this.#tokens.expect('name')
      const value = this.#tokens.take('operator', '=') ? this.#expressions.expression() : null
      if (!value && parameters.at(-1)?.default)
        this.#tokens.error('non-default argument follows default argument')
      parameters.push({ name, default: value })
    }
    return parameters
  }

  #target(withNamespace: boolean): Target {
    const items = [this.#oneTarget(withNamespace)]
    let isTuple = false
    while (this.#tokens.take('operator', ',')) {
      isTuple = true
      if (this.#tokens.is('name', 'in') || this.#tokens.is('operator', '=') || this.#tokens.is('block_end'))
        break
      items.push(this.#oneTarget(withNamespace))
    }
    return isTuple ? { kind: 'tuple', items } : items[0]!
  }

  #oneTarget(withNamespace: boolean): Target {
    if (this.#tokens.take('operator', '(')) {
      const target = this.#target(withNamespace)
      this.#tokens.expect('operator', ')')
      return target
    }
    const { value: name } = this.#tokens.expect('name')
    if (name in CONSTANTS) this.#tokens.error(`cannot assign to '${name}'`)
    if (withNamespace && this.#tokens.take('operator', '.'))
      return { kind: 'namespace', name, attribute: this.#tokens.expect('name').value }
    return { kind: 'name', name }
  }
}
