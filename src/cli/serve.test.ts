import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const KEY = 'sk-of-the-server'

interface Served {
  readonly child: ChildProcess
  readonly url: string
  readonly written: { out: string; err: string }
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

let running: Served | null = null
afterEach(() => {
  running?.child.kill('SIGKILL')
  running = null
})

/** Starts a server, and waits until it says where it is. */
async function start(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Served> {
  const child = spawn(process.execPath, [cli, 'serve', '--port', '0', ...words], {
    env: { ...process.env, RUMINATE_API_KEY: '', ...environment },
  })
  const written = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    written.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    written.err += chunk
  })
  const ended = new Promise<Awaited<Served['ended']>>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal })),
  )
  const failed = ended.then(() => Promise.reject(new Error(written.err)))
  while (!/Ctrl-C|"type":"listening"/.test(written.out))
    await Promise.race([new Promise((resolve) => setTimeout(resolve, 20)), failed])
  failed.catch(() => {})
  running = { child, url: /http:\/\/127\.0\.0\.1:\d+/.exec(written.out)![0], written, ended }
  return running
}

const ask = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Find x: secret question' }], ...body }),
  })

test('serves the miniature with a budget, writes no key and no prompt, and ends at Ctrl-C', async () => {
  const { child, url, written, ended } = await start(['--json', '--budget', '8', '--max-tokens', '40'], {
    RUMINATE_API_KEY: KEY,
  })
  const authorization = { authorization: `Bearer ${KEY}` }
  expect((await ask(url, {})).status).toBe(401)
  const bodies = await Promise.all(
    [1, 2].map(async () => (await ask(url, { seed: 7, temperature: 1 }, authorization)).json()),
  )
  const [first, second] = bodies as {
    choices: object[]
    usage: { completion_tokens_details: { reasoning_tokens: number } }
  }[]
  expect(first!.choices).toEqual(second!.choices)
  expect(first!.usage.completion_tokens_details.reasoning_tokens).toBeLessThanOrEqual(8)
  child.kill('SIGINT')
  expect(await ended).toEqual({ code: 0, signal: null })
  const objects = written.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(objects.map(({ type }) => type)).toEqual([
    'listening',
    'request',
    'request',
    'request',
    'stopping',
    'stopped',
  ])
  expect(objects[0]).toMatchObject({ url, models: ['miniature-base'], key: true })
  expect(objects.slice(1, 4).map(({ status }) => status)).toEqual([401, 200, 200])
  for (const secret of [KEY, 'secret question']) expect(written.out + written.err).not.toContain(secret)
})

test('a second Ctrl-C ends it at once', async () => {
  const { child, url, written, ended } = await start([])
  const asked = ask(url, { max_tokens: 100_000, n: 128, stream: true, temperature: 1 })
    .then((response) => response.text())
    .catch(() => 'broken off')
  await new Promise((resolve) => setTimeout(resolve, 50))
  child.kill('SIGINT')
  while (!written.err.includes('stopping') && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 5))
  child.kill('SIGTERM')
  const { code, signal } = await ended
  // where the responses were short, it had ended before
  expect(signal === 'SIGTERM' || code === 0).toBe(true)
  await asked
})

test('greets within 80 columns', async () => {
  const { url, written } = await start(['--name', 'tiny', '--strategy', 'vote'], { RUMINATE_API_KEY: KEY })
  const lines = written.out.split('\n')
  expect(lines[0]).toBe(`tiny is served at ${url}, a vote over 8 responses`)
  expect(lines.filter((line) => line.length > 80)).toEqual([])
  expect(written.out).toContain('$RUMINATE_API_KEY')
  expect(written.out).not.toContain(KEY)
})

test.each([
  [['--host', '0.0.0.0'], /^error: --host 0\.0\.0\.0 lets other machines use the model: give a key/],
  [['--port', '70000'], /^error: --port must be a whole number from 0 to 65535/],
  [['--strategy', 'best-of-n'], /^error: --strategy best-of-n needs something that chooses/],
  [['--key', 'a b'], /^error: --key must be/],
  [['--model', './nothing'], /error: no model folder at/],
])('%j is an error before there is a server', async (words, message) => {
  await expect(start(words)).rejects.toThrow(message)
})
