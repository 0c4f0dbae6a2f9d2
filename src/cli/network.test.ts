import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { packageRoot } from '../common/files/package.ts'
import { canTrace, trace } from '../testing/trace.ts'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ruminate-network-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const project = join(folder, 'project')
const home = join(folder, 'home')
const temporary = join(folder, 'tmp')
// Only Node is on the path: sandboxes have tests of their own.
const programs = join(folder, 'bin')
for (const name of [project, home, temporary, programs]) mkdirSync(name)
symlinkSync(process.execPath, join(programs, 'node'))

const env = { HOME: home, TMPDIR: temporary, PATH: programs }
const log = join(folder, 'trace')
const node = (...words: string[]) => trace(process.execPath, words, { cwd: project, env, log })
const outside = (written: readonly string[]): string[] =>
  written.filter((path) => ![project, temporary].some((own) => path === own || path.startsWith(`${own}/`)))

/** What a program may write to besides: nothing, and the terminal. */
const DEVICES = ['/dev/null', '/dev/tty']

writeFileSync(
  join(project, 'sums.jsonl'),
  [...Array(12).keys()].map((n) => JSON.stringify({ prompt: `${n}+1=`, completion: ` ${n + 1}` })).join('\n'),
)
writeFileSync(
  join(project, 'table.csv'),
  ['question,answer', ...[...Array(12).keys()].map((n) => `${n}+1,${n + 1}`)].join('\n'),
)

describe.skipIf(!canTrace)(
  'nothing leaves the machine, and no file but the project’s is written (needs strace)',
  () => {
    const commands = [
      'doctor',
      'verify 1/2 0.5',
      'tasks check table.csv',
      'init table.csv',
      'zero --steps 1 --set eval.questions=4 --set rl.maxTokens=20',
      'zero --steps 1 --task table.csv --set eval.questions=1 --set rl.maxTokens=20',
      'sft --data sums.jsonl --epochs 1',
      'runs',
      'runs show runs/zero-1 --samples 1',
      'eval --model runs/zero-1/model --questions 4 --max-tokens 20',
      'chat 7+3 --model runs/zero-1/model --max-tokens 260',
    ]
    test.each(commands)('ruminate %s', (line) => {
      const { code, stderr, network, written } = node(
        join(packageRoot(), 'dist/cli/main.js'),
        ...line.split(' '),
      )
      expect(code, stderr).toBe(0)
      expect(network).toEqual([])
      expect(outside(written).filter((path) => !DEVICES.includes(path))).toEqual([])
      expect(readdirSync(home)).toEqual([])
    })

    const train = `
    const { zero } = await import(${JSON.stringify(join(packageRoot(), 'dist/index.js'))})
    await zero({ steps: 1, eval: { questions: 4 }, rl: { maxTokens: 20 } }, { onWarning() {} })`
    test.each([
      ['a program that imports the package', train],
      [
        'a program that imports the package in a worker thread alone',
        `import { Worker } from 'node:worker_threads'
       const code = ${JSON.stringify(`(async () => {${train}})()`)}
       new Worker(code, { eval: true })`,
      ],
    ])('%s', (_, source) => {
      const program = join(project, 'program.mjs')
      writeFileSync(program, source)
      const { code, stderr, network, written } = node(program)
      expect(code, stderr).toBe(0)
      expect(network).toEqual([])
      expect(written.some((path) => path.startsWith(join(project, 'runs/zero-')))).toBe(true)
      expect(outside(written).filter((path) => !DEVICES.includes(path))).toEqual([])
      expect(readdirSync(home)).toEqual([])
    })

    test('a program that does reach out is found out', () => {
      const { code, network, written } = node(
        '--input-type=module',
        '--eval',
        `import { mkdirSync } from 'node:fs'
       mkdirSync(process.env.HOME + '/cache')
       await fetch('http://127.0.0.1:4321').catch(() => {})`,
      )
      expect(code).toBe(0)
      expect(network).toEqual(expect.arrayContaining([expect.stringMatching(/^connect\(.*htons\(4321\)/)]))
      expect(outside(written)).toEqual([join(home, 'cache')])
      rmSync(join(home, 'cache'), { recursive: true })
    })
  },
)
