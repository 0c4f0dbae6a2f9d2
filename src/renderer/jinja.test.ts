import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { readMarks } from './generation-marks.ts'
import { compileTemplate } from './jinja.ts'

/** Made by tools/golden/jinja.py. */
interface Golden {
  readonly now: string
  readonly variables: Record<string, unknown>
  readonly cases: Record<string, readonly Case[]>
}
interface Case {
  readonly template: string
  readonly output?: string
  readonly error?: string
  readonly kind?: 'raised' | 'syntax' | 'rendering'
}

const golden = JSON.parse(readFileSync(new URL('fixtures/jinja.json', import.meta.url), 'utf8')) as Golden
const now = new Date(golden.now)

const render = (template: string, variables: Record<string, unknown> = golden.variables): string =>
  readMarks(compileTemplate(template)(variables, { now }))
    .map(({ text }) => text)
    .join('')

/** The message that rendering fails with. */
function failure(render: () => unknown): string {
  try {
    render()
  } catch (error) {
    return (error as Error).message
  }
  return 'it does not fail'
}

describe.each(Object.entries(golden.cases))('%s', (_, cases) => {
  test.each(cases.filter(({ output }) => output !== undefined))('$template', ({ template, output }) => {
    expect(render(template)).toBe(output)
  })

  test.each(cases.filter(({ error }) => error !== undefined))('$kind error: $template', (row) => {
    const message = failure(() => render(row.template))
    // Python's message, but for syntax errors, whose words are ours.
    if (row.kind === 'raised') expect(message).toBe(row.error)
    else if (row.kind === 'rendering') expect(message).toBe(`line 1: ${row.error}`)
    else expect(message).toMatch(/^line 1: [^\n]+$/)
  })
})

test.each([
  ['{% if yes %}\n{{ 1 }}', "line 1: the tag 'if' is not closed: expected 'elif' or 'else' or 'endif'"],
  ['a\n{% for x in y %}{% endif %}', "line 2: unknown tag 'endif'"],
  ['\n\n{{ 1 | nope }}', "line 3: unknown filter 'nope'"],
  ['{{ 1 is nope }}', "line 1: unknown test 'nope'"],
  ['{{ a b }}', "line 1: unexpected 'b', expected '}}'"],
  ["{{ 'abc }}", 'line 1: a string is not closed'],
  ["{% include 'x' %}", "line 1: the tag 'include' is not supported in chat templates"],
  ['\n{% foo %}', "line 2: unknown tag 'foo'"],
  ['{{ (1 }}', "line 1: unexpected '}', expected ')'"],
  ['{{ $x }}', "line 1: unexpected character '$'"],
  ['{{ x', 'line 1: a tag is not closed'],
  ['a\n{# b', 'line 2: a comment is not closed'],
])('a fault in the text of a template names the line and the construct: %j', (template, message) => {
  expect(failure(() => compileTemplate(template))).toBe(message)
})

test('a fault while rendering names the line of the statement', () => {
  expect(failure(() => render("a\n{% if true %}\n\n{{ 'b' + 1 }}{% endif %}"))).toBe(
    'line 4: can only concatenate str (not "int") to str',
  )
})

test('a filter that does not exist is an error when it is reached, if it is inside an if', () => {
  expect(render('{% if nothing %}{{ 1 | nope }}{% endif %}x')).toBe('x')
  expect(() => render('{% if yes %}{{ 1 | nope }}{% endif %}')).toThrow("unknown filter 'nope'")
})

test('the text between {% generation %} and {% endgeneration %} is marked', () => {
  const source = 'a\n  {% generation %}\nb{{ 1 }}\n  {% endgeneration %}\nc'
  expect(readMarks(compileTemplate(source)({}, { now }))).toEqual([
    { text: 'a\n', generated: false },
    { text: 'b1\n', generated: true },
    { text: 'c', generated: false },
  ])
})

test('a template can be rendered many times, each time with its own variables and its own time', () => {
  const template = compileTemplate("{% set x = (x or 0) + 1 %}{{ x }} {{ strftime_now('%Y') }}")
  expect(template({ x: 5 }, { now: new Date(2024, 0, 1) })).toBe('6 2024')
  expect(template({}, { now: new Date(2025, 11, 31) })).toBe('1 2025')
})

test('an undefined variable or property is not defined, null is none', () => {
  const source = '{{ a is defined }} {{ b is none }} {{ c.x is defined }} {{ c.y is none }} {{ c }}'
  const variables = { a: undefined, b: null, c: { x: undefined, y: null } }
  expect(compileTemplate(source)(variables, { now })).toBe("False True False True {'y': None}")
})
