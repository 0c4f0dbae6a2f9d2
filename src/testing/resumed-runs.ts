import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ExampleResult } from '../stages/supervise/example-run.ts'
import { measured, runUntilKilled } from './runs.ts'

interface Watch {
  readonly signal?: AbortSignal
  readonly onWarning?: (message: string) => void
  readonly onStep?: (step: { readonly step: number }) => void
}
type Result = ExampleResult<unknown, unknown>

interface Subject {
  readonly recipe: string
  readonly start: (
    changes: { readonly seed?: number; readonly data?: string },
    watch: Watch & { readonly out: string },
  ) => Promise<Result>
  readonly resume: (directory: string, watch?: Watch) => Promise<Result>
  /** The settings of `start`, for the command line. */
  readonly settings: { readonly model: string; readonly data: string; readonly threads: number }
  /** The result of `start` without changes. */
  readonly whole: () => Result
  /** Lines of data, and one more. */
  readonly rows: string
  readonly another: string
  /** A step before the last. */
  readonly stopAt: number
  /** After how many lines of output the run is killed, time after time. */
  readonly killedAfter: readonly number[]
  readonly folder: string
}

/** Tests that a recipe on examples, stopped anywhere and resumed, gives the run that was never stopped. */
export function resumedRunTests(subject: Subject): void {
  const { recipe, start, resume, settings, whole, rows, another, stopAt, killedAfter, folder } = subject
  const quiet = { onWarning: () => {} }

  describe('a resumed run equals an uninterrupted one', () => {
    test('the same seed gives the same metrics and weights; another seed does not', async () => {
      const again = await start({}, { ...quiet, out: join(folder, 'again') })
      expect(again.sha256).toBe(whole().sha256)
      expect(measured(again.run)).toEqual(measured(whole().run))
      const other = await start({ seed: 1 }, { ...quiet, out: join(folder, 'other') })
      expect(other.sha256).not.toBe(whole().sha256)
    })

    test('Ctrl-C and resume', async () => {
      const stop = new AbortController()
      const out = join(folder, 'interrupted')
      const onStep = ({ step }: { step: number }) => void (step === stopAt && stop.abort())
      await expect(start({}, { ...quiet, out, signal: stop.signal, onStep })).rejects.toThrow(
        new RegExp(`interrupted at step ${stopAt}; \`ruminate resume`),
      )
      const resumed = await resume(out, quiet)
      expect(resumed.sha256).toBe(whole().sha256)
      expect(resumed.after).toEqual(whole().after)
      expect(resumed.best.step).toBe(whole().best.step)
      expect(measured(out)).toEqual(measured(whole().run))
    })

    test('kill -9 at several moments and resume', async () => {
      const out = join(folder, 'killed')
      const { model, data, threads, ...sets } = settings
      const first = [
        ...[recipe, '--model', model, '--data', data, '--threads', `${threads}`, '--out', out],
        ...Object.entries(sets).flatMap(([name, value]) => ['--set', `${name}=${JSON.stringify(value)}`]),
      ]
      for (const lines of killedAfter)
        await runUntilKilled(existsSync(join(out, 'run.sqlite')) ? ['resume', out] : first, lines)
      expect((await resume(out, quiet)).sha256).toBe(whole().sha256)
      expect(measured(out)).toEqual(measured(whole().run))
    })

    test('resuming with changed data is an error', async () => {
      const stop = new AbortController()
      const out = join(folder, 'changed')
      const data = join(folder, 'changing.jsonl')
      writeFileSync(data, rows)
      const watch = { ...quiet, out, signal: stop.signal, onStep: () => stop.abort() }
      await expect(start({ data }, watch)).rejects.toThrow(/interrupted/)
      appendFileSync(data, another)
      await expect(resume(out)).rejects.toThrow(/changing\.jsonl has changed since/)
    })
  })
}
