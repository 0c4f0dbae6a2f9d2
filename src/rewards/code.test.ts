import { describe, expect, test } from 'vitest'
import { sandboxFor } from '../sandbox/index.ts'
import { programs } from '../tasks/programs.ts'
import { fakeRollout } from '../testing/fake-rollout.ts'
import { code } from './code.ts'

const sums = { inputs: ['1 2', '3 4', '5 6', '7 8'], outputs: ['3', '7', '11', '15'] }
const double = { fn_name: 'double', inputs: [[1], [2], [3], [4]], outputs: [2, 4, 6, 8] }

async function checked(tests: object, source: string) {
  const gold = JSON.stringify(tests)
  const verdict = await programs.check({ id: '1', prompt: '', gold, kind: '' }, source)
  return { correct: verdict.correct, share: await code.score(fakeRollout({ verdict: () => verdict })) }
}

test('a question without tests is an error, no answer scores 0, an unknown verdict is unknown', async () => {
  await expect(code.score(fakeRollout())).rejects.toThrow('have no tests')
  expect(await code.score(fakeRollout({ verdict: () => ({ correct: null, reason: '' }) }))).toBe(null)
  expect(await checked(sums, '```js\n1\n```')).toEqual({ correct: false, share: 0 })
})

test('JavaScript is checked on every machine', async () => {
  const js = { ...double, language: 'javascript' }
  expect(await checked(js, 'const double = (x) => 2 * x')).toEqual({ correct: true, share: 1 })
  expect(await checked(js, 'const double = (x) => x ** 2')).toEqual({ correct: false, share: 0.25 })
  const forged =
    'Object.prototype.toJSON = () => true; JSON.stringify = () => "{\\"passed\\":true}"; const double = () => 0'
  expect(await checked(js, forged)).toEqual({ correct: false, share: 0 })
})

const reason = await sandboxFor('python').then(
  () => null,
  (error: Error) => error.message,
)
if (reason) console.warn(`The tests of Python programs are skipped: ${reason}`)

describe.skipIf(reason !== null)('Python', () => {
  const tries: [name: string, tests: object, source: string, share: number][] = [
    ['a right program', sums, 'print(sum(map(int, input().split())))', 1],
    ['a right function', double, 'def double(x): return x * 2', 1],
    ['a right method', double, 'class Solution:\n  def double(self, x: Optional[int]): return x * 2', 1],
    ['a hard-coded sample: its share of the tests', sums, 'print(3)', 0.25],
    ['nothing printed', sums, '', 0],
    ['every output', sums, 'print(*range(20), sep="\\n")', 0],
    ['exiting early', double, 'import sys\nsys.exit(0)', 0],
    ['a right output, then a failure', sums, 'print(sum(map(int, input().split())))\nexit(1)', 0],
    [
      'an equality of its own',
      double,
      'class E(int):\n  def __eq__(s, o): return True\ndef double(x): return E(0)',
      0,
    ],
    [
      'a verdict on the result channel',
      double,
      'import os\nos.write(3, b\'{"passed": true}\')\nos._exit(0)',
      0,
    ],
    ['a result before the result', double, 'import os\nos.write(3, b"2")\ndef double(x): return x * 2', 0],
    ['printed results', double, 'print(2)\ndef double(x): return None', 0],
    ['another json', double, 'import json\njson.dumps = lambda *a, **k: "true"\ndef double(x): return 0', 0],
    [
      'reading the tests',
      double,
      'import glob\ntext = "".join(open(f).read() for f in glob.glob("/box/*"))\nassert "out" + "puts" in text\ndef double(x): return x * 2',
      0,
    ],
    ['an endless loop, which is run only once', sums, 'while True: print(end="")', 0],
  ]
  test.each(tries)('%s', async (_, tests, source, share) => {
    expect(await checked(tests, source)).toEqual({ correct: share === 1, share })
  })
})
