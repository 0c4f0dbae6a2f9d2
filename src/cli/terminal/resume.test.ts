import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { RunStore, readInfo } from '../../runs/store.ts'
import { captured } from '../../testing/captured.ts'
import { Output } from './output.ts'
import { showResume } from './resume.ts'

const written = captured()
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ruminate-resume-line-'))
  vi.spyOn(process, 'cwd').mockReturnValue(root)
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
})

/** A run that was stopped at step `last`, with these checkpoints, the newest of them from so many seconds ago. */
async function stopped(
  name: string,
  last: number,
  {
    checkpoints = [],
    seconds = 0,
    recipe = 'zero',
    settings = { steps: 200 },
  }: {
    checkpoints?: number[]
    seconds?: number
    recipe?: string
    settings?: object
  } = {},
): Promise<void> {
  const store = RunStore.create({ recipe, seed: 0, settings, out: join(root, name) })
  for (const step of checkpoints)
    await store.checkpoint(step, null, async (folder) => writeFileSync(join(folder, 'model.safetensors'), ''))
  for (const { path } of store.checkpoints()) {
    const then = Date.now() / 1000 - seconds
    utimesSync(path, then, then)
  }
  store.record(last, { metrics: { loss: 1 } })
  store.close()
}

function line(name: string, called = name): string {
  written.out = ''
  showResume(new Output({}), readInfo(join(root, name)), called)
  return written.out
}

test.each<[expected: string, last: number, options: Parameters<typeof stopped>[2]]>([
  [
    'from step 40 of 200 (checkpoint of 2 minutes ago); steps 41 to 43 are run again',
    43,
    { checkpoints: [20, 40], seconds: 121 },
  ],
  [
    'from step 40 of 200 (checkpoint of 1 hour ago); step 41 is run again',
    41,
    { checkpoints: [40], seconds: 3700 },
  ],
  [
    'from step 40 (checkpoint of 3 days ago)',
    40,
    { checkpoints: [40], seconds: 260_000, settings: {}, recipe: 'sft' },
  ],
  ['from its beginning, since it has no checkpoint; steps 1 to 7 are run again', 7, {}],
  ['from its beginning, since it has no checkpoint', 0, {}],
])('%s', async (expected, last, options) => {
  await stopped('zero-1', last, options)
  expect(line('zero-1').replace(';\n', '; ')).toBe(`resuming zero-1 ${expected}\n`)
})

test('a run of several stages names the stage', async () => {
  await stopped('r1-1', 3, { recipe: 'r1', settings: {} })
  expect(line('r1-1')).toBe('resuming r1-1 with its next stage\n')
  await stopped('r1-1/rl-1', 12, { checkpoints: [10], seconds: 5 })
  expect(line('r1-1')).toBe(
    'resuming r1-1 in rl-1 from step 10 of 200 (checkpoint of 5 seconds ago);\nsteps 11 to 12 are run again\n',
  )
})

test('an earlier checkpoint cannot be resumed by its name', async () => {
  await stopped('zero-1', 43, { checkpoints: [20, 40] })
  expect(line('zero-1', 'zero-1/checkpoints/step-000040')).toContain('from step 40')
  expect(() => line('zero-1', 'zero-1/checkpoints/step-000020')).toThrow(
    'its newest checkpoint, at step 40: delete the checkpoints after step 20 to continue from there',
  )
})
