import { describe, expect, test } from 'vitest'
import { readCases } from './cases.ts'
import { parseExact, sameExact, stringifyExact } from './exact-json.ts'
import { sourceIn } from './source.ts'

const outcome = (over: object) => ({ end: 'exit', stdout: '', result: null, detail: '', ...over }) as never

test.each([
  ['1', '1.0', true],
  ['1e3', '1000', true],
  ['9007199254740993', '9007199254740992', false],
  ['9007199254740993', '9007199254740992.0', false],
  ['1000000000000000000000', '1e+21', true],
  ['0.1', '0.10', true],
  ['0.30000000000000004', '0.3', false],
  ['1e999', '2e999', false],
  ['-0', '0', true],
  ['1', '"1"', false],
  ['1', 'true', false],
  ['"#1"', '1', false],
  ['null', '0', false],
  ['{"a":1,"b":[2]}', '{ "b": [2.0], "a": 1 }', true],
  ['{"a":1}', '{"a":1,"b":2}', false],
  ['{"__proto__":1}', '{}', false],
  ['[1,2]', '[2,1]', false],
  ['[]', '{}', false],
])('%s and %s are the same value: %s', (a, b, same) => {
  expect(sameExact(parseExact(a), parseExact(b))).toBe(same)
  expect(sameExact(parseExact(b), parseExact(a))).toBe(same)
})

test('numbers keep their spelling', () => {
  const text = '{"a\\"#":[1.0,-2e5,12345678901234567890,"\\\\","#1","$"],"":null}'
  expect(stringifyExact(parseExact(text))).toBe(text)
})

test.each([
  ['5', '5\n', true],
  ['5', '5', true],
  ['1 \n2\n\n', '1\n2', true],
  ['1\r\n2', '1\n2', true],
  [['1', '2'], '1\n2\n', true],
  ['5', ' 5', false],
  ['5', '5.0', false],
  ['0.5', '0.50', false],
  ['5', '', false],
  ['5', '1\n2\n3\n4\n5\n', false],
  ['a b', 'a  b', false],
])('expected %j, printed %j: %s', (expected, stdout, passed) => {
  const { cases } = readCases(JSON.stringify({ inputs: ['x'], outputs: [expected] }))
  expect(cases[0]!.passedBy(outcome({ stdout }))).toBe(passed)
  for (const end of ['failed', 'timeout', 'memory', 'output'])
    expect(cases[0]!.passedBy(outcome({ stdout, end }))).toBe(false)
})

test.each<[expected: string, stdout: string, tolerance: number | null, passed: boolean]>([
  // many digits after the point
  ['0.333333333333', '0.333333333', null, true],
  ['0.333333333333', '0.333333', null, true],
  ['0.333333333333', '0.3333', null, false],
  ['0.333333', '0.3333333333333', null, true],
  ['0.33333', '0.333333', null, true],
  ['0.33333', '0.333', null, false],
  ['1234567.1234567', '1234567.2', null, true],
  ['1234567.1234567', '1234570.2', null, false],
  ['3.1400000', '3.14', null, true],
  ['-0.000000', '0', null, true],
  ['1.234567e-5', '0.00001234567', null, true],
  ['2.000000', '2', null, true],
  ['0.333333333333', '-0.333333333333', null, false],
  ['0.333333333333', 'nan', null, false],
  ['0.333333333333', 'x', null, false],
  ['0.333333 0.666667\n1.500000', '0.3333333333 0.6666666667 \n1.5\n', null, true],
  ['0.333333 0.666667', '0.3333333333\n0.6666666667', null, false],
  ['0.333333 0.666667', '0.333333', null, false],
  ['Case #1: 0.333333', 'Case #1: 0.3333333', null, true],
  ['Case #1: 0.333333', 'Case #2: 0.3333333', null, false],
  ['(0.333333,2)', '(0.3333333,2)', null, true],
  ['(0.333333,2)', '(0.3333333,3)', null, false],
  // few digits are exact, and so are whole numbers
  ['3.14', '3.140', null, false],
  ['0.1', '0.10000001', null, false],
  ['12345678', '12345678.0', null, false],
  ['10000000', '10000001', null, false],
  // a tolerance of the tests
  ['0.333333333333', '0.333', 1e-3, true],
  ['0.333333333333', '0.33', 1e-3, false],
  ['0.5', '0.50', 1e-9, true],
  ['5', '5.0', 1e-9, true],
  ['10000000', '10000001', 1e-3, false],
  ['0.333333333333', '0.333333333', 0, false],
])('expected %j, printed %j, tolerance %j: %s', (expected, stdout, tolerance, passed) => {
  const { cases } = readCases(JSON.stringify({ inputs: ['x'], outputs: [expected], tolerance }))
  expect(cases[0]!.passedBy(outcome({ stdout }))).toBe(passed)
})

test.each<[expected: unknown, result: string, tolerance: number | null, passed: boolean]>([
  [0.3, '0.30000000000000004', null, true],
  [0.3, '0.3001', null, false],
  [0.33333, '0.3333333333333333', null, true],
  [[1.5, [2]], '[1.5000000000000002, [2]]', null, true],
  [[1.5, [2]], '[1.5000000000000002, [3]]', null, false],
  [2, '2.0000000000000004', null, false],
  [2, '2.0000000000000004', 1e-9, true],
  [9007199254740992, '9007199254740993', 1e-3, false],
  [0.5, '0.501', 1e-2, true],
  [0.5, '"0.5"', 1e-2, false],
  [0.5, 'null', 1e-2, false],
])('expected the result %j, got %s, tolerance %j: %s', (expected, result, tolerance, passed) => {
  const { cases } = readCases(JSON.stringify({ fn_name: 'f', inputs: [[1]], outputs: [expected], tolerance }))
  expect(cases[0]!.passedBy(outcome({ result }))).toBe(passed)
})

test('long output is compared in linear time', () => {
  const { cases } = readCases('{"inputs":[""],"outputs":["5"]}')
  for (const blanks of [' ', '1', '.', '1.', '-', '1e'])
    expect(cases[0]!.passedBy(outcome({ stdout: `${blanks.repeat(1 << 18)}x` }))).toBe(false)
})

test.each([
  ['APPS, values', { fn_name: 'f', inputs: [[1, 'a']], outputs: [3] }, '[1,"a"]', '3'],
  ['APPS, every result in a list', { fn_name: 'f', inputs: [[1], [2]], outputs: [[3], [4]] }, '[1]', '3'],
  ['LiveCodeBench', { fn_name: 'f', inputs: ['[1, 2]\n"a"'], outputs: ['"b"'] }, '[[1,2],"a"]', '"b"'],
])('%s', (_, tests, args, result) => {
  const { cases } = readCases(JSON.stringify(tests))
  expect(cases[0]!.input).toEqual({ call: 'f', args })
  expect(cases[0]!.passedBy(outcome({ result }))).toBe(true)
  for (const wrong of [null, '', 'true', `${result}${result}`, '{"passed":true}', '['.repeat(1e6)])
    expect(cases[0]!.passedBy(outcome({ result: wrong }))).toBe(false)
})

test.each([
  ['{', /not JSON/],
  ['[]', /must be/],
  ['{"inputs":[],"outputs":[]}', /0 inputs/],
  ['{"inputs":["1"],"outputs":[]}', /1 inputs and 0 outputs/],
  ['{"inputs":["1"],"outputs":[" \\n"]}', /expects no output/],
  ['{"inputs":[[1]],"outputs":[null],"fn_name":"f"}', /does nothing would pass/],
  ['{"inputs":[[1]],"outputs":[1],"fn_name":"f();g"}', /not the name/],
  ['{"inputs":[1],"outputs":[1],"fn_name":"f"}', /must be a list/],
  ['{"inputs":["1"],"outputs":["1"],"language":"perl"}', /"perl"/],
  ['{"inputs":["1"],"outputs":["1"],"tolerance":"1e-6"}', /tolerance of the tests is "1e-6"/],
  ['{"inputs":["1"],"outputs":["1"],"tolerance":-1}', /tolerance of the tests is -1/],
  ['{"inputs":["1"],"outputs":["1"],"tolerance":1}', /tolerance of the tests is 1/],
])('%s is refused', (text, reason) => {
  expect(() => readCases(text)).toThrow(reason)
})

describe('the program in an answer', () => {
  const block = (label: string, code: string) => `\`\`\`${label}\n${code}\n\`\`\``
  const program = 'a,b=map(int,input().split())\nprint(a+b)'
  const indented = (text: string, by: string) => text.replace(/^(?=.)/gm, by)

  test.each([
    ['no block: the whole', ' print(1) ', 'print(1)'],
    [
      'the last of the language',
      `${block('python', 'a')}\nor\n${block('py', 'b')}\n${block('js', 'c')}`,
      'b',
    ],
    ['else the last without a label', `${block('', 'a')}\n${block('text', 'b')}`, 'a'],
    ['of another language', block('js', 'a'), null],
    ['never closed', '```python\na', null],
    ['empty', block('python', ''), null],
    ['nothing', ' ', null],
    ['in a list, indented', `1. do\n${indented(block('python', program), '   ')}`, program],
    ['in a list, beside its mark', `- ${indented(block('python', program), '  ').trim()}\n`, program],
    ['in a list, with lines that are not indented', `1. do\n   \`\`\`python\n${program}\n   \`\`\``, program],
    ['indented by a tab', indented(block('python', 'if x:\n\ty'), '\t'), 'if x:\n\ty'],
    ['in a quotation', indented(block('python', program), '> '), program],
    ['indented in its block', block('python', indented(program, '    ')), program],
    ['with carriage returns', block('python', program).replaceAll('\n', '\r\n'), program],
    ['with tildes', `~~~python\n${program}\n~~~`, program],
    ['with backticks in tildes', '~~~python\n"""\n```\n"""\n~~~', '"""\n```\n"""'],
    ['with a longer fence', '````python\n"""\n```\n"""\n`````', '"""\n```\n"""'],
    ['code in a line is not a block', `Call \`\`\`f\`\`\`:\n${block('python', 'a')}`, 'a'],
    ['after words in its line', `Sure: \`\`\`python\n${program}\n\`\`\``, `${program}\n`],
    ['closed at the end of a line', `\`\`\`python\n${program}\`\`\``, program],
    ['of another language in a line', `Sure: \`\`\`cpp\n${program}\n\`\`\``, null],
    ['never closed', `\`\`\`python\n${program}`, null],
    ['without a label, but with an attribute', block('title="x"', 'a'), 'a'],
    ['labelled "code"', block('code', 'a'), 'a'],
  ])('%s', (_, answer, source) => {
    expect(sourceIn(answer, 'python', null)).toBe(source)
  })

  test.each([
    ...[
      'Python',
      'PYTHON',
      'python3',
      'Python3.11',
      'py',
      'pypy3',
      'ipython',
      'python title="x"',
      ' python ',
    ],
    ...[
      'python {linenos=true}',
      'python,linenos',
      'python:main.py',
      '{.python}',
      '{python}',
      '{.python .numbers}',
    ],
    'main.py',
  ])('the label %j is Python', (label) => {
    expect(
      sourceIn(`${block('text', 'no')}\n${block(label, 'a')}\n${block('cpp', 'no')}`, 'python', null),
    ).toBe('a')
    expect(sourceIn(block(label, 'a'), 'javascript', null)).toBe(null)
  })

  test.each(['javascript', 'JavaScript', 'js', 'node', 'nodejs', 'mjs', 'js {1,2}', 'index.js'])(
    'the label %j is JavaScript',
    (label) => {
      expect(sourceIn(block(label, 'a'), 'javascript', null)).toBe('a')
      expect(sourceIn(block(label, 'a'), 'python', null)).toBe(null)
    },
  )

  const method = 'class Solution:\n  def f(self, x): return x'
  test.each<[string, call: string | null, blocks: string[], source: string]>([
    [
      'then how it is used',
      'f',
      [block('python', method), block('python', 'print(Solution().f(1))')],
      method,
    ],
    ['then its output', 'f', [block('', method), block('', '1')], method],
    [
      'of two that define it, the last',
      'f',
      [block('python', 'def f(x): pass'), block('python', method)],
      method,
    ],
    ['a class', 'A.f', [block('python', 'class A:\n  pass'), block('python', 'A().f()')], 'class A:\n  pass'],
    ['an assigned function', 'f', [block('python', 'f = len'), block('python', 'f("")')], 'f = len'],
    ['then an example', null, [block('python', program), block('python', 'print(2 + 3)')], program],
    ['then its input, without labels', null, [block('', program), block('', '2 3')], program],
    ['then a labelled example', null, [block('', program), block('python', 'x = 1')], program],
    ['none complete: the last', null, [block('python', 'print(1)'), block('python', 'print(2)')], 'print(2)'],
  ])('several blocks, the program %s', (_, call, blocks, source) => {
    expect(sourceIn(blocks.join('\n\nso\n\n'), 'python', call)).toBe(source)
  })

  test('functions of JavaScript', () => {
    for (const source of [
      'var f = function (x) {}',
      'const f = (x) => x',
      'function f(x) {}',
      'f = (x) => x',
    ])
      expect(sourceIn(`${block('js', source)}\n${block('js', 'f(1)')}`, 'javascript', 'f')).toBe(source)
  })
})
