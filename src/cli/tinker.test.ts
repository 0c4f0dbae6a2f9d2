import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { RunStore } from '../runs/store.ts'

/* Two processes: `serve --tinker`, and a training with --engine tinker. Each is killed in the middle. */

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'ruminate-cli-tinker-'))
const started = new Set<ChildProcess>()
let port: number
beforeEach(async () => {
  port = await freePort()
})
afterEach(() => {
  for (const child of started) child.kill('SIGKILL')
  started.clear()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

interface Running {
  readonly child: ChildProcess
  /** What it has written so far. */
  readonly written: { out: string; err: string }
  readonly ended: Promise<number | null>
  /** Resolves once its standard output contains a text. @throws Error if it ends before. */
  says(text: string): Promise<void>
}

function start(words: readonly string[]): Running {
  const child = spawn(process.execPath, [cli, ...words, '--json'], {
    cwd: root,
    env: { ...process.env, TINKER_BASE_URL: `http://127.0.0.1:${port}`, TINKER_API_KEY: 'tml-secret' },
  })
  started.add(child)
  const written = { out: '', err: '' }
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  child.stderr.on('data', (chunk) => {
    written.err += chunk
  })
  child.stdout.on('data', (chunk) => {
    written.out += chunk
  })
  return {
    child,
    written,
    ended,
    async says(text) {
      while (!written.out.includes(text)) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`it ended before it said ${text}: ${written.err}`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
  }
}

async function serve(): Promise<Running> {
  const server = start(['serve', '--tinker', '--port', `${port}`, '--out', 'server'])
  await server.says('"type":"listening"')
  return server
}

async function kill({ child, ended }: Running): Promise<void> {
  child.kill('SIGKILL')
  await ended
}

const STEPS = 6
const [QUESTIONS, RESPONSES] = [4, 4]
const settings = [
  'checkpointEvery=2',
  'eval.questions=6',
  'eval.every=0',
  `rl.questionsPerStep=${QUESTIONS}`,
  `rl.groupSize=${RESPONSES}`,
  'rl.maxTokens=24',
].flatMap((setting) => ['--set', setting])
const zero = (out: string): string[] =>
  ['zero', '--engine', 'tinker', '--steps', `${STEPS}`, '--out', out].concat(settings)

/** Each step of a run with the number of its rollouts. */
function steps(out: string): [step: number, rollouts: number][] {
  const store = RunStore.open(join(root, out))
  try {
    return Array.from({ length: store.info().step }, (_, i) => [
      i + 1,
      store.rollouts({ step: i + 1, split: 'train' }).length,
    ])
  } finally {
    store.close()
  }
}
const once = Array.from({ length: STEPS }, (_, i) => [i + 1, QUESTIONS * RESPONSES])

test('a training goes on after kill -9 of itself, and then of the server, with every step once', async () => {
  let server = await serve()
  const first = start(zero('killed'))
  await first.says('"type":"step","step":3')
  await kill(first)

  const second = start(['resume', 'killed'])
  await second.says('"type":"step","step":4')
  await kill(server)
  server = await serve()
  expect(await second.ended, second.written.err).toBe(0)
  expect(second.written.err).toMatch(/cannot be reached/)
  expect(second.written.err).toMatch(/going on from the last saved state/)
  expect(second.written.err).toMatch(/the training has been restored on the server/)

  expect(steps('killed')).toEqual(once)
  expect(existsSync(join(root, 'killed', 'model', 'adapter_config.json'))).toBe(true)
  for (const { written } of [first, second, server])
    expect(written.out + written.err).not.toContain('tml-secret')

  // the adapters came back, and are read by the local engine
  const chat = start([
    'eval',
    '--model',
    'killed',
    '--questions',
    '2',
    '--samples',
    '1',
    '--out',
    'evaluated',
  ])
  expect(await chat.ended, chat.written.err).toBe(0)
})

test('rollouts are sampled ahead', async () => {
  await serve()
  const run = start([...zero('ahead'), '--set', 'async.staleness=1'])
  expect(await run.ended, run.written.err).toBe(0)
  expect(steps('ahead')).toEqual(once)
  const store = RunStore.open(join(root, 'ahead'))
  const staleness = Array.from({ length: STEPS }, (_, i) => store.metricsAt(i + 1)['async/staleness'])
  store.close()
  expect(staleness).toEqual([0, 1, 1, 1, 1, 1])
})

test.each<[what: string, words: string[], message: RegExp]>([
  ['a KL term in the loss', ['--set', 'rl.objective.kl.beta=0.1'], /no KL term in its loss.*klInReward/],
  ['ratios of sequences', ['--set', 'algorithm=gspo'], /no ratios of a sequence.*set rl\.objective\.ratio/],
  ['another temperature', ['--set', 'rl.temperature=0.7'], /only at temperature 1/],
  ['a model that is not there', ['--set', 'tinker.model=other'], /has no model other: set tinker\.model/],
])('%s is an error before there is a run', async (what, words, message) => {
  await serve()
  const run = start([...zero(what), ...words])
  expect(await run.ended).not.toBe(0)
  expect(run.written.err).toMatch(message)
  expect(existsSync(join(root, what))).toBe(false)
})

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as { port: number }
      server.close(() => resolve(free))
    })
  })
}
