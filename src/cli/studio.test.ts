import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

let root: string
let child: ChildProcess
let [url, token] = ['', '']

beforeAll(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'ruminate-studio-')))
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  child = spawn(process.execPath, ['--import', 'tsx', main, 'studio', root, '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const line of createInterface({ input: child.stdout! })) {
    const page = new URL(JSON.parse(line).url)
    url = page.origin
    token = page.hash.slice('#token='.length)
    break
  }
})
afterAll(async () => {
  child.kill('SIGTERM')
  await once(child, 'exit')
  rmSync(root, { recursive: true, force: true })
})

/** What the server sends. */
// biome-ignore lint/suspicious/noExplicitAny: the tests say which fields there are
type Json = any
const get = async (path: string): Promise<Json> => (await fetch(`${url}/studio/api/${path}`)).json()
const post = async (path: string, body: object) => {
  const response = await fetch(`${url}/studio/api/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Json }
}
const until = async (path: string, isTrue: (run: Json) => boolean): Promise<Json> => {
  for (;;) {
    const run = await get(path)
    if (!run.error && isTrue(run)) return run
    await sleep(100)
  }
}

test('forms have the presets as defaults, and descriptions', async () => {
  const { forms } = await get('forms')
  expect(Object.keys(forms)).toEqual(['zero', 'sft', 'r1', 'distill'])
  expect(forms.zero.properties).toMatchObject({
    steps: { type: 'integer', default: 200, description: 'steps of reinforcement learning' },
    preset: { default: 'miniature', enum: expect.arrayContaining(['miniature']) },
    rl: { properties: { groupSize: { default: expect.any(Number) } } },
  })
  expect(forms.zero.required).toBeUndefined()
})

test('a setting that is wrong is an error in one line, and leaves no run', async () => {
  const { status, body } = await post('runs', { command: 'zero', settings: { steps: 'many' } })
  expect(status).toBe(400)
  expect(body.error.message).toContain('setting steps is "many"')
  expect((await get('runs')).runs).toEqual([])
})

test('a run is started, stopped with a checkpoint, and resumed to its end', async () => {
  const settings = { steps: 6, threads: 1, rl: { questionsPerStep: 2 }, eval: { questions: 2, every: 0 } }
  const started = await post('runs', { command: 'zero', settings })
  expect(started).toEqual({ status: 200, body: { id: 'zero-1' } })
  await until('runs/zero-1', ({ steps }) => steps.done >= 1)
  expect(await post('runs/zero-1/stop', {})).toMatchObject({ status: 200 })
  const stopped = await until('runs/zero-1', ({ status }) => status !== 'running')
  expect(stopped.status).toBe('interrupted')
  expect(stopped.checkpoints).toHaveLength(1)
  expect(await post('runs/zero-1/stop', {})).toMatchObject({
    status: 400,
    body: { error: { message: 'the run is not in progress' } },
  })
  expect(await post('runs/zero-1/resume', {})).toMatchObject({ status: 200 })
  const done = await until('runs/zero-1', ({ status }) => status !== 'running')
  expect(done).toMatchObject({ status: 'done', steps: { done: 6, planned: 6 } })
  expect(await post('runs/zero-1/resume', {})).toMatchObject({ status: 400 })
})

test('--studio shows a training on a page, says where in one line, and ends with it', async () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const out = join(root, 'beside', 'zero-1')
  const words = ['zero', '--studio', '--steps', '100', '--threads', '1', '--out', out]
  const training = spawn(process.execPath, ['--import', 'tsx', main, ...words, '--set', 'eval.questions=2'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let page: URL | null = null
  for await (const line of createInterface({ input: training.stdout! })) {
    const found = /^studio (http:\S+)$/.exec(line)
    if (!found) continue
    page = new URL(found[1]!)
    break
  }
  const { runs } = (await (await fetch(`${page!.origin}/studio/api/runs`)).json()) as Json
  expect(runs.map(({ id }: Json) => id)).toEqual(['zero-1'])
  // also where the training has no time to say goodbye
  training.kill('SIGKILL')
  await once(training, 'exit')
  const isThere = () =>
    fetch(page!.origin).then(
      () => true,
      () => false,
    )
  while (await isThere()) await sleep(50)
})
