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

test('output of a million blanks is compared in linear time', () => {
  const { cases } = readCases('{"inputs":[""],"outputs":["5"]}')
  expect(cases[0]!.passedBy(outcome({ stdout: `${' '.repeat(1 << 20)}x` }))).toBe(false)
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
])('%s is refused', (text, reason) => {
  expect(() => readCases(text)).toThrow(reason)
})

describe('the program in an answer', () => {
  const block = (label: string, code: string) => `\`\`\`${label}\n${code}\n\`\`\``
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
  ])('%s', (_, answer, source) => {
    expect(sourceIn(answer, 'python')).toBe(source)
  })
})
