import { fail } from './errors.ts'
import { callMethod } from './methods.ts'
import { arithmetic } from './operators.ts'
import {
  type Arguments,
  bind,
  Callable,
  compare,
  contains,
  Dict,
  equal,
  Instance,
  isNumber,
  Lazy,
  Markup,
  Range,
  str,
  Tuple,
  Undefined,
  type Value,
  View,
} from './values.ts'

/** Names of the parameters after the tested value, and the test. */
type Test = readonly [parameters: string, (value: Value, ...args: Value[]) => boolean]

const is =
  (operator: string, accept: (order: number) => boolean): Test[1] =>
  (value, other) =>
    accept(compare(value, other!, operator))

const eq: Test = ['other', (value, other) => equal(value, other!)]
const ne: Test = ['other', (value, other) => !equal(value, other!)]
const lt: Test = ['other', is('<', (order) => order < 0)]
const le: Test = ['other', is('<=', (order) => order <= 0)]
const gt: Test = ['other', is('>', (order) => order > 0)]
const ge: Test = ['other', is('>=', (order) => order >= 0)]

const isSequence = (value: Value): boolean =>
  typeof value === 'string' ||
  value instanceof Markup ||
  Array.isArray(value) ||
  value instanceof Tuple ||
  value instanceof Dict ||
  value instanceof Range ||
  value instanceof Undefined

const remainder = (value: Value, divisor: bigint): Value => arithmetic('%', value, divisor)

/** Jinja's tests (`value is name`), but for `filter` and `test`. */
export const TESTS: { readonly [name: string]: Test } = {
  boolean: ['', (value) => typeof value === 'boolean'],
  callable: [
    '',
    (value) =>
      value instanceof Callable ||
      value instanceof Undefined ||
      (value instanceof Instance && value.call !== undefined),
  ],
  defined: ['', (value) => !(value instanceof Undefined)],
  divisibleby: ['num', (value, divisor) => equal(arithmetic('%', value, divisor!), 0n)],
  '==': eq,
  eq,
  equalto: eq,
  escaped: ['', (value) => value instanceof Markup],
  even: ['', (value) => equal(remainder(value, 2n), 0n)],
  false: ['', (value) => value === false],
  float: ['', (value) => typeof value === 'number'],
  '>=': ge,
  ge,
  '>': gt,
  gt,
  greaterthan: gt,
  in: ['seq', (value, sequence) => contains(sequence!, value)],
  integer: ['', (value) => typeof value === 'bigint'],
  iterable: ['', (value) => isSequence(value) || value instanceof View || value instanceof Lazy],
  '<=': le,
  le,
  lower: ['', (value) => callMethod(str(value), 'islower') === true],
  '<': lt,
  lt,
  lessthan: lt,
  mapping: ['', (value) => value instanceof Dict],
  '!=': ne,
  ne,
  none: ['', (value) => value === null],
  number: ['', isNumber],
  odd: ['', (value) => equal(remainder(value, 2n), 1n)],
  sameas: ['other', (value, other) => value === other],
  sequence: ['', isSequence],
  string: ['', (value) => typeof value === 'string' || value instanceof Markup],
  true: ['', (value) => value === true],
  undefined: ['', (value) => value instanceof Undefined],
  upper: ['', (value) => callMethod(str(value), 'isupper') === true],
}

/** `value is name(…)`. */
export function applyTest(name: string, value: Value, args: Arguments): boolean {
  if (!Object.hasOwn(TESTS, name)) fail(`unknown test '${name}'`)
  const [parameters, test] = TESTS[name]!
  return test(value, ...(bind(name, args, parameters === '' ? [] : [parameters]) as Value[]))
}
