import { BEGIN, END } from '../generation-marks.ts'
import { getAttribute, getItem } from './access.ts'
import { fail, JinjaError } from './errors.ts'
import { applyFilter } from './filters.ts'
import { arithmetic, Slice, signed } from './operators.ts'
import type {
  Body,
  CallArguments,
  Expression,
  NamedCall,
  Signature,
  Statement,
  Target,
} from './syntax/nodes.ts'
import { applyTest } from './tests.ts'
import {
  type Arguments,
  Callable,
  compare,
  contains,
  Dict,
  equal,
  Instance,
  isTrue,
  iterate,
  listOf,
  orElse,
  str,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts'

/** Variables of a block; a name that is not set here is looked up in the block around it. */
export class Scope {
  readonly #values = new Map<string, Value>()
  readonly #parent: Scope | null

  constructor(parent: Scope | null, values: Iterable<readonly [string, Value]> = []) {
    this.#parent = parent
    for (const [name, value] of values) this.#values.set(name, value)
  }
  get(name: string): Value {
    const value = this.#values.get(name)
    if (value !== undefined) return value
    return this.#parent ? this.#parent.get(name) : new Undefined(`'${name}' is undefined`)
  }
  set(name: string, value: Value): void {
    this.#values.set(name, value)
  }
}

/** Ends an iteration or a loop; what was printed before stays. */
class LoopControl extends Error {
  constructor(readonly kind: 'break' | 'continue') {
    super()
  }
}

/** Prints the statements of a body into `out`. */
export function renderBody(body: Body, scope: Scope, out: string[]): void {
  for (const statement of body) {
    try {
      renderStatement(statement, scope, out)
    } catch (error) {
      if (error instanceof JinjaError && error.line === null) fail(error.message, statement.line)
      throw error
    }
  }
}

const printed = (body: Body, scope: Scope): string => {
  const out: string[] = []
  renderBody(body, scope, out)
  return out.join('')
}

function renderStatement(statement: Statement, scope: Scope, out: string[]): void {
  switch (statement.kind) {
    case 'text':
      out.push(statement.text)
      return
    case 'print':
      out.push(str(evaluate(statement.expression, scope)))
      return
    case 'if':
      renderBody(isTrue(evaluate(statement.test, scope)) ? statement.body : statement.otherwise, scope, out)
      return
    case 'for':
      renderFor(statement, evaluate(statement.iterable, scope), scope, out, 1)
      return
    case 'set':
      assign(statement.target, evaluate(statement.value, scope), scope)
      return
    case 'set block':
      assign(
        statement.target,
        filtered(statement.filters, printed(statement.body, new Scope(scope)), scope),
        scope,
      )
      return
    case 'with': {
      const inner = new Scope(scope)
      for (const [target, value] of statement.targets) assign(target, evaluate(value, scope), inner)
      renderBody(statement.body, inner, out)
      return
    }
    case 'macro':
      scope.set(statement.name, macro(statement.name, statement, scope))
      return
    case 'call': {
      const args = evaluateArguments(statement.args, scope)
      const named = new Map(args.named).set('caller', macro(null, statement, scope))
      out.push(str(call(evaluate(statement.callee, scope), { positional: args.positional, named })))
      return
    }
    case 'filter':
      out.push(str(filtered(statement.filters, printed(statement.body, new Scope(scope)), scope)))
      return
    case 'generation':
      out.push(BEGIN, printed(statement.body, new Scope(scope)), END)
      return
    case 'block':
      renderBody(statement.body, new Scope(scope), out)
      return
    case 'break':
    case 'continue':
      throw new LoopControl(statement.kind)
  }
}

const filtered = (filters: readonly NamedCall[], text: string, scope: Scope): Value =>
  filters.reduce<Value>(
    (value, { name, args }) => applyFilter(name, value, evaluateArguments(args, scope)),
    text,
  )

type For = Extract<Statement, { kind: 'for' }>

function renderFor(statement: For, iterable: Value, scope: Scope, out: string[], depth: number): void {
  const { target, test, body, otherwise } = statement
  const scopeOf = (item: Value): Scope => {
    const inner = new Scope(scope)
    assign(target, item, inner)
    return inner
  }
  const items = listOf(iterable).filter((item) => test === null || isTrue(evaluate(test, scopeOf(item))))
  if (items.length === 0) {
    renderBody(otherwise, new Scope(scope), out)
    return
  }
  let changed: readonly Value[] | null = null
  for (const [i, item] of items.entries()) {
    const edge = (name: string, at: number): Value =>
      orElse(items[at], () => new Undefined(`there is no ${name} item`))
    const attributes: [string, Value][] = [
      ['index', BigInt(i + 1)],
      ['index0', BigInt(i)],
      ['revindex', BigInt(items.length - i)],
      ['revindex0', BigInt(items.length - i - 1)],
      ['first', i === 0],
      ['last', i === items.length - 1],
      ['length', BigInt(items.length)],
      ['depth', BigInt(depth)],
      ['depth0', BigInt(depth - 1)],
      ['previtem', edge('previous', i - 1)],
      ['nextitem', edge('next', i + 1)],
      [
        'cycle',
        new Callable('cycle', ({ positional }) =>
          orElse(positional[i % positional.length], () => fail('no items for cycling given')),
        ),
      ],
      [
        'changed',
        new Callable('changed', ({ positional }) => {
          const same = changed !== null && equal([...changed], [...positional])
          changed = positional
          return !same
        }),
      ],
    ]
    const again = (args: Arguments): Value => {
      if (!statement.recursive) fail("The loop must have the 'recursive' marker to be called recursively.")
      const inner: string[] = []
      renderFor(
        statement,
        orElse(args.positional[0], () => fail('loop() missing required argument')),
        scope,
        inner,
        depth + 1,
      )
      return inner.join('')
    }
    const inner = scopeOf(item)
    inner.set('loop', new Instance('LoopContext', new Map(attributes), again))
    try {
      renderBody(body, inner, out)
    } catch (error) {
      if (!(error instanceof LoopControl)) throw error
      if (error.kind === 'break') return
    }
  }
}

function assign(target: Target, value: Value, scope: Scope): void {
  switch (target.kind) {
    case 'name':
      scope.set(target.name, value)
      return
    case 'namespace': {
      const namespace = scope.get(target.name)
      if (namespace instanceof Instance && namespace.type === 'Namespace')
        setOnNamespace(namespace, target.attribute, value)
      else fail('cannot assign attribute on non-namespace object')
      return
    }
    case 'tuple': {
      const [items, { length }] = [listOf(value), target.items]
      if (items.length < length) fail(`not enough values to unpack (expected ${length}, got ${items.length})`)
      if (items.length > length) fail(`too many values to unpack (expected ${length})`)
      for (const [i, part] of target.items.entries()) assign(part, items[i]!, scope)
    }
  }
}

/** Sets an attribute of a namespace, which Transformers allows only for names without an underscore in front. */
export function setOnNamespace(namespace: Instance, name: string, value: Value): void {
  if (name.startsWith('_'))
    fail(
      `Chat templates cannot store underscore-prefixed attributes on a namespace, but got '${name}'. Please rename the attribute.`,
    )
  namespace.attributes.set(name, value)
}

/** A macro, or without a name the body of a call block, as a function that returns what it prints. */
function macro(name: string | null, { parameters, body, reads }: Signature, scope: Scope): Callable {
  const shown = name === null ? 'None' : `'${name}'`
  const takes = (special: string): boolean =>
    reads.has(special) && !parameters.some((parameter) => parameter.name === special)
  const invoke = ({ positional, named }: Arguments): Value => {
    const inner = new Scope(scope)
    const rest = new Map(named)
    const missing: Signature['parameters'][number][] = []
    for (const [i, parameter] of parameters.entries()) {
      const given = i < positional.length ? positional[i] : rest.get(parameter.name)
      if (i >= positional.length) rest.delete(parameter.name)
      if (given === undefined) missing.push(parameter)
      inner.set(
        parameter.name,
        orElse(given, () => new Undefined(`parameter '${parameter.name}' was not provided`)),
      )
    }
    if (takes('caller')) {
      inner.set(
        'caller',
        orElse(rest.get('caller'), () => new Undefined('No caller defined')),
      )
      rest.delete('caller')
    }
    if (takes('kwargs')) inner.set('kwargs', new Dict(rest))
    else if (rest.size > 0) fail(`macro ${shown} takes no keyword argument '${[...rest.keys()][0]}'`)
    if (takes('varargs')) inner.set('varargs', new Tuple(positional.slice(parameters.length)))
    else if (positional.length > parameters.length)
      fail(`macro ${shown} takes not more than ${parameters.length} argument(s)`)
    for (const parameter of missing)
      if (parameter.default) inner.set(parameter.name, evaluate(parameter.default, inner))
    return printed(body, inner)
  }
  return new Callable(name ?? 'caller', invoke, {
    name,
    arguments: new Tuple(parameters.map((parameter) => parameter.name)),
    catch_kwargs: takes('kwargs'),
    catch_varargs: takes('varargs'),
    caller: takes('caller'),
  })
}

function call(callee: Value, args: Arguments): Value {
  if (callee instanceof Callable) return callee.call(args)
  if (callee instanceof Instance && callee.call) return callee.call(args)
  if (callee instanceof Undefined) return fail(callee.message)
  return fail(`'${typeName(callee)}' object is not callable`)
}

function evaluateArguments(args: CallArguments, scope: Scope): Arguments {
  const positional = args.positional.map((each) => evaluate(each, scope))
  if (args.spread) positional.push(...iterate(evaluate(args.spread, scope)))
  const named = new Map(args.named.map(([name, each]) => [name, evaluate(each, scope)] as const))
  if (args.namedSpread) {
    const spread = evaluate(args.namedSpread, scope)
    if (!(spread instanceof Dict)) return fail(`argument after ** must be a mapping, not ${typeName(spread)}`)
    for (const [name, value] of spread.entries()) {
      if (typeof name !== 'string') return fail('keywords must be strings')
      named.set(name, value)
    }
  }
  return { positional, named }
}

function evaluate(node: Expression, scope: Scope): Value {
  switch (node.kind) {
    case 'constant':
      return node.value
    case 'name':
      return scope.get(node.name)
    case 'list':
      return node.items.map((item) => evaluate(item, scope))
    case 'tuple':
      return new Tuple(node.items.map((item) => evaluate(item, scope)))
    case 'concat':
      return node.items.map((item) => str(evaluate(item, scope))).join('')
    case 'dict':
      return new Dict(node.entries.map(([key, value]) => [evaluate(key, scope), evaluate(value, scope)]))
    case 'attribute':
      return getAttribute(evaluate(node.object, scope), node.name)
    case 'item': {
      const object = evaluate(node.object, scope)
      return getItem(
        object,
        node.key.kind === 'slice' ? evaluateSlice(node.key.bounds, scope) : evaluate(node.key, scope),
      )
    }
    case 'slice':
      return fail('a slice cannot be part of a tuple')
    case 'call':
      return call(evaluate(node.callee, scope), evaluateArguments(node.args, scope))
    case 'filter':
      return applyFilter(node.name, evaluate(node.operand, scope), evaluateArguments(node.args, scope))
    case 'test':
      return applyTest(node.name, evaluate(node.operand, scope), evaluateArguments(node.args, scope))
    case 'unary': {
      const operand = evaluate(node.operand, scope)
      return node.operator === 'not' ? !isTrue(operand) : signed(node.operator, operand)
    }
    case 'binary': {
      const left = evaluate(node.left, scope)
      if (node.operator === 'and') return isTrue(left) ? evaluate(node.right, scope) : left
      if (node.operator === 'or') return isTrue(left) ? left : evaluate(node.right, scope)
      return arithmetic(node.operator, left, evaluate(node.right, scope))
    }
    case 'comparison': {
      let left = evaluate(node.first, scope)
      for (const [operator, expression] of node.rest) {
        const right = evaluate(expression, scope)
        if (!compares(operator, left, right)) return false
        left = right
      }
      return true
    }
    case 'conditional':
      if (isTrue(evaluate(node.test, scope))) return evaluate(node.value, scope)
      if (node.otherwise) return evaluate(node.otherwise, scope)
      return new Undefined('the inline if-expression evaluated to false and no else section was defined.')
  }
}

function evaluateSlice(bounds: readonly (Expression | null)[], scope: Scope): Slice {
  const [start = null, stop = null, step = null] = bounds.map((bound) => bound && evaluate(bound, scope))
  return new Slice(start, stop, step)
}

function compares(operator: string, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return equal(left, right)
    case '!=':
      return !equal(left, right)
    case 'in':
      return contains(right, left)
    case 'not in':
      return !contains(right, left)
    case '<':
      return compare(left, right, operator) < 0
    case '<=':
      return compare(left, right, operator) <= 0
    case '>':
      return compare(left, right, operator) > 0
    default:
      return compare(left, right, operator) >= 0
  }
}
