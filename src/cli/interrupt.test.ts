import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

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

// A step takes long enough for both signals to arrive within the next one.
const settings = ['steps=4', 'threads=1', 'checkpointEvery=1', 'eval={questions: 4, every: 0}']
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

/** Resumes a run by its name, to the same weights as the run that was never stopped. */
async function resumes(name: string): Promise<void> {
  const resumed = await run(['resume', name])
  expect(resumed).toMatchObject({ code: 0, errors: [] })
  expect(resumed.objects.at(-1)!.sha256).toBe(whole.objects.at(-1)!.sha256)
}

test('SIGINT: the run stops after the step, says how to resume, and resumes to the same end', async () => {
  const { code, objects, errors } = await run(train('once'), { interrupts: 1 })
  expect(code).toBe(130)
  expect(objects.at(-1)!.type).toBe('step')
  expect(errors).toEqual([
    'stopping after this step, with a checkpoint; Ctrl-C again quits at once',
    expect.stringMatching(/^interrupted at step [123].*`ruminate resume .*once`/),
  ])
  await resumes('once')
})

test('SIGINT twice: the process ends at once, and the run resumes to the same end', async () => {
  const { signal, objects, errors } = await run(train('twice'), { interrupts: 2 })
  expect(signal).toBe('SIGINT')
  expect(errors).toEqual(['stopping after this step, with a checkpoint; Ctrl-C again quits at once'])
  expect(objects.at(-1)!.step).toBeLessThan(3)
  await resumes('twice')
})
