import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { RunStore } from '../runs/store.ts'

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ruminate-interrupt-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** What was written to standard output, line by line. */
  readonly objects: { readonly type: string; readonly step?: number; readonly sha256?: string }[]
  readonly errors: string[]
}

/** Runs a command in the folder, with SIGINT after the first step, and again after the first line on standard error. */
function run(words: string[], { interrupts = 0 } = {}): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...words, '--json', '--quiet'], { cwd: folder })
  let out = ''
  let err = ''
  let sent = 0
  const interrupt = (): void => {
    if (sent >= interrupts) return
    sent++
    child.kill('SIGINT')
  }
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk
    if (sent === 0 && out.includes('"type":"step"')) interrupt()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk
    if (sent === 1 && err.includes('stopping')) interrupt()
  })
  const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')
  return new Promise((resolve) =>
    child.on('close', (code, signal) =>
      resolve({ code, signal, objects: lines(out).map((line) => JSON.parse(line)), errors: lines(err) }),
    ),
  )
}

// A step takes long enough for both signals to arrive within the next one. No other checkpoints are written.
const settings = ['steps=4', 'threads=1', 'checkpointEvery=100', 'eval={questions: 4, every: 0}']
const train = (out: string): string[] => [
  'zero',
  '--out',
  join('runs', out),
  ...[...settings, 'rl={questionsPerStep: 8, groupSize: 8, maxTokens: 128}'].flatMap((s) => ['--set', s]),
]

let whole: Ended
beforeAll(async () => {
  whole = await run(train('whole'))
  expect(whole.code).toBe(0)
})

/** The steps of a run's checkpoints. */
function checkpoints(name: string): number[] {
  const store = RunStore.open(join(folder, 'runs', name))
  try {
    return store.checkpoints().map(({ step }) => step)
  } finally {
    store.close()
  }
}

/** Resumes a run by its name, from the last step that it has reported, to the same weights as the run that was never stopped. */
async function resumes(name: string, { objects }: Ended): Promise<void> {
  const last = objects.findLast(({ type }) => type === 'step')!.step
  expect(checkpoints(name)).toEqual([last])
  const resumed = await run(['resume', name])
  expect(resumed).toMatchObject({ code: 0, errors: [] })
  expect(resumed.objects[0]).toMatchObject({ type: 'resume', stage: null, step: last, lastStep: last })
  expect(resumed.objects.at(-1)!.sha256).toBe(whole.objects.at(-1)!.sha256)
}

const stopping = 'stopping with a checkpoint of the last completed step'

test('SIGINT: the run stops with a checkpoint of the last completed step, and resumes to the same end', async () => {
  const ended = await run(train('once'), { interrupts: 1 })
  expect(ended.code).toBe(130)
  expect(ended.errors).toEqual([
    stopping,
    expect.stringMatching(/^interrupted at step [123]; `ruminate resume runs\/once` continues there$/),
  ])
  await resumes('once', ended)
})

test('SIGINT twice: the same checkpoint is left, and the run resumes to the same end', async () => {
  const ended = await run(train('twice'), { interrupts: 2 })
  expect(ended.code === 130 || ended.signal === 'SIGINT').toBe(true)
  expect(ended.errors[0]).toBe(stopping)
  await resumes('twice', ended)
})
