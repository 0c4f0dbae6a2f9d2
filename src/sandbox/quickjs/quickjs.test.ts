import { describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS, type Program } from '../program.ts'
import { runInterpreted } from './quickjs.ts'

const LIMITS = { ...DEFAULT_LIMITS, wallSeconds: 1, memoryMiB: 64, outputKiB: 64 }
const run = (source: string, input: Program['input'] = { stdin: '' }) =>
  runInterpreted({ language: 'javascript', source, input }, LIMITS)

describe('QuickJS', () => {
  test.each([
    ['while (true);', 'timeout'],
    ['const x = []; while (true) x.push(new ArrayBuffer(1 << 20))', 'memory or timeout'],
    ['while (true) console.log("x".repeat(1000))', 'output'],
    ['throw new Error("no")', 'failed'],
    ['process.exit(0)', 'exit'],
    ['process.exit(3)', 'failed'],
    ['require("child_process")', 'failed'],
    ['require("fs").readFileSync("/etc/passwd")', 'failed'],
    ['fetch("http://127.0.0.1")', 'failed'],
  ])('%s: %s, and the next program runs', async (source, end) => {
    expect(await run(source)).toMatchObject({
      end: end === 'memory or timeout' ? expect.stringMatching(/memory|timeout/) : end,
      stdout: end === 'output' ? expect.any(String) : '',
    })
    expect(await run('console.log(1 + 1)')).toMatchObject({ end: 'exit', stdout: '2\n' })
  })

  test('standard input and calls', async () => {
    const source = 'console.log(require("fs").readFileSync(0, "utf8").trim().split(" ").map(Number))'
    expect(await run(source, { stdin: '1 2' })).toMatchObject({ stdout: '[ 1, 2 ]\n' })
    const f = 'const f = (a, b) => a + b; class Solution { g(a) { return [a] } }'
    expect(await run(f, { call: 'f', args: '[1, 2.5]' })).toMatchObject({ result: '3.5' })
    expect(await run(f, { call: 'g', args: '["x"]' })).toMatchObject({ result: '["x"]' })
    expect(await run(f, { call: 'h', args: '[]' })).toMatchObject({ end: 'failed', result: null })
  })
})
