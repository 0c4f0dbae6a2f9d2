import { describe, expect, test } from 'vitest'
import { sandboxFor } from '../sandbox/index.ts'
import { programs } from '../tasks/rules/programs.ts'
import { fakeRollout } from '../testing/fakes/fake-rollout.ts'
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
  const call = (args: unknown[], result: unknown) => ({ fn_name: 'f', inputs: [args], outputs: [result] })
  const prints = (input: string, output: string) => ({ inputs: [input], outputs: [output] })
  const power = 2n ** 20_000n
  test.each<[name: string, tests: object | string, source: string]>([
    ['an integer of 6,021 digits as output', prints('20000', `${power}`), 'print(2**int(input()))'],
    ['and as input', prints(`${power}`, '0'), 'print(int(input()) % 2)'],
    ['and as a result', `{"fn_name":"f","inputs":[[20000]],"outputs":[${power}]}`, 'def f(n): return 2**n'],
    ...['List[int]', 'Optional[List[int]]', '"List[int]"'].map((type): [string, object, string] => [
      `a type that is not imported: ${type}`,
      call([[3, 1, 2]], 1),
      `class Solution:\n  def f(self, x: ${type}) -> int:\n    heapq.heapify(x)\n    return x[0]`,
    ]),
    [
      'names that are not imported',
      call([[2, 1, 2]], [1, 2, 1, 3, 2, 6, 24, 3]),
      `def f(x):
  q = deque(sorted(set(x)))
  return [*q, bisect.bisect_left([1, 2], 2), bisect_right([1, 2], 2) + 1, math.gcd(4, 6),
    reduce(operator.mul, range(1, 4)), factorial(4), len(list(itertools.combinations(x, 2)))]`,
    ],
    [
      'names that are imported where they are mentioned',
      call([], [[1], '1/2', '0.1', '2020-02-01', 'ab']),
      `def f(): return [copy.deepcopy([1]), str(Fraction(1, 2)), str(Decimal('0.1')),
  str(datetime.date(2020, 2, 1)), re.sub('c', '', 'abc')]`,
    ],
    ['a built-in function that math has, too', call([], 24), 'def f(): return pow(2, 10, 1000)'],
    ['names of its own', call([], [1, 2]), 'def gcd(): return 1\ninf = 2\ndef f(): return [gcd(), inf]'],
    [
      'a cache that is not imported',
      call([60], 1548008755920),
      '@cache\ndef f(n): return n if n < 2 else f(n-1) + f(n-2)',
    ],
    ['deep recursion', call([100_000], 100_000), 'def f(n): return 0 if n == 0 else 1 + f(n-1)'],
    [
      'deep recursion of a program',
      prints('', '20000'),
      '@lru_cache(None)\ndef f(n): return 0 if n == 0 else 1 + f(n-1)\nprint([f(k) for k in range(0, 20001, 4000)][-1])',
    ],
    [
      'deep recursion in a thread',
      prints('', '50000'),
      'import threading\nthreading.stack_size(1 << 27)\nsys.setrecursionlimit(10**7)\ndef f(n): return 0 if n == 0 else 1 + f(n-1)\nt = threading.Thread(target=lambda: print(f(50000)))\nt.start()\nt.join()',
    ],
    ...[
      'input = sys.stdin.readline\nprint(sum(map(int, input().split())))',
      'import sys\nprint(sum(map(int, sys.stdin.buffer.read().split())))',
      'from sys import stdin, stdout\nstdout.write(str(sum(map(int, stdin.read().split()))))',
      'print(sum(map(int, open(0).read().split())))',
      'import os, io\ninput = io.BytesIO(os.read(0, os.fstat(0).st_size)).readline\nprint(sum(map(int, input().split())))',
      'def main():\n  print(sum(map(int, input().split())))\nif __name__ == "__main__":\n  main()',
      'from __future__ import annotations\nimport sys\nfor line in sys.stdin: print(sum(map(int, line.split())))\nsys.exit()',
    ].map((source): [string, object, string] => ['a way to read input', prints('1 2\n', '3\n'), source]),
  ])('%s', async (_, tests, source) => {
    const gold = typeof tests === 'string' ? tests : JSON.stringify(tests)
    const verdict = await programs.check({ id: '1', prompt: '', gold, kind: '' }, source)
    expect(verdict).toMatchObject({ correct: true, reason: 'passes every test' })
  })

  test('deep recursion in JavaScript', async () => {
    const gold = JSON.stringify({ ...call([50_000], 50_000), language: 'javascript' })
    const source = 'const f = (n) => n === 0 ? 0 : 1 + f(n - 1)'
    const verdict = await programs.check({ id: '1', prompt: '', gold, kind: '' }, source)
    expect(verdict).toMatchObject({ correct: true })
  })

  test('recursion without end is a failure of its own, not of the sandbox', async () => {
    const gold = JSON.stringify(call([1], 1))
    const verdict = await programs.check({ id: '1', prompt: '', gold, kind: '' }, 'def f(n): return f(n + 1)')
    expect(verdict).toMatchObject({ correct: false, reason: expect.stringMatching(/failed: RecursionError/) })
  })

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
