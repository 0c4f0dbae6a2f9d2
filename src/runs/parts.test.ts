import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { Interrupted } from './interrupted.ts'
import { Parts, type Training } from './parts.ts'
import { RunStore } from './store.ts'
import type { Trained } from './with-run.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ruminate-parts-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
})

test('a result is made once and read back afterwards, as JSON', async () => {
  const work = vi.fn(async (part: number) => ({ part, left: undefined }))
  for (let time = 0; time < 2; time++) {
    const parts = new Parts(directory, {})
    expect(await parts.make('first', work)).toEqual({ part: 1 })
    expect(await parts.make('second', work)).toEqual({ part: 2 })
  }
  expect(work.mock.calls).toEqual([[1], [2]])
  expect(JSON.parse(readFileSync(join(directory, 'second.json'), 'utf8'))).toEqual({ part: 2 })
})

test('a failed part is made again', async () => {
  const fail = () => Promise.reject(new Error('no disk'))
  await expect(new Parts(directory, {}).make('data', fail)).rejects.toThrow('no disk')
  expect(existsSync(join(directory, 'data.json'))).toBe(false)
  expect(await new Parts(directory, {}).make('data', async () => 1)).toBe(1)
})

test('a damaged result is an error that names its file', async () => {
  writeFileSync(join(directory, 'data.json'), '{bad')
  await expect(new Parts(directory, {}).make('data', async () => 1)).rejects.toThrow(
    `${join(directory, 'data.json')} is damaged: delete it, and resume the run to make it again`,
  )
})

test('a training run is started, resumed after a stop, and only read once it is done', async () => {
  const result: Trained = { run: 'r', model: 'm', seconds: 1, sha256: 's' }
  const calls: string[] = []
  const training = (stops: boolean): Training<Trained> => ({
    async begin(out) {
      calls.push('begin')
      RunStore.create({ recipe: 'zero', seed: 0, settings: {}, out }).close()
      throw new Error('killed')
    },
    async resume(folder) {
      calls.push('resume')
      if (stops) throw new Error('killed again')
      const store = RunStore.open(folder, { write: true })
      store.finish({ ...result })
      store.close()
      return result
    },
  })
  const run = (stops: boolean) => new Parts(directory, {}).train('zero', training(stops))
  await expect(run(true)).rejects.toThrow('killed')
  await expect(run(true)).rejects.toThrow('killed again')
  expect(await run(false)).toEqual(result)
  // its folders are where the run is now
  const [folder, moved] = [join(directory, 'zero'), { ...result, run: join(directory, 'zero') }]
  expect(await run(true)).toEqual({ ...moved, model: join(folder, 'model') })
  expect(calls).toEqual(['begin', 'resume', 'resume'])
})

test('once the signal is aborted, no further part starts', async () => {
  const stop = new AbortController()
  const names: string[] = []
  const parts = new Parts(directory, { signal: stop.signal, onPart: (name) => names.push(name) })
  await parts.make('first', async () => {
    stop.abort()
    return 1
  })
  await expect(parts.make('second', async () => 2)).rejects.toThrow(Interrupted)
  expect(names).toEqual(['first'])
})

test('an interrupted part is named by its title, with the step of the training in it', async () => {
  const stop = new AbortController()
  const parts = (name: string) =>
    new Parts(directory, { signal: stop.signal, titles: { [name]: 'stage 1, cold start' } })
  const begin = () => Promise.reject(new Interrupted(join(directory, 'cold-start'), 12))
  const training: Training<Trained> = { begin, resume: begin }
  await expect(parts('cold-start').train('cold-start', training)).rejects.toThrow(
    /^interrupted in stage 1, cold start, step 12; `ruminate resume .*` continues there$/,
  )
  const make = () => {
    stop.abort()
    return Promise.reject(stop.signal.reason)
  }
  await expect(parts('data').make('data', make)).rejects.toThrow(/^interrupted in stage 1, cold start; /)
  await expect(parts('later').make('later', make)).rejects.toThrow(/^interrupted in stage 1, cold start; /)
  await expect(parts('data').make('rl-1', make)).rejects.toThrow(/^interrupted in rl-1; /)
})
