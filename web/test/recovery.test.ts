import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, utimesSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunStore } from '../../src/runs/store.ts'
import type { SamplePage } from '../src/api/types.ts'
import { hasBrowser, openStudio, startBrowser } from './browser.ts'
import { advance, makeRun } from './made-up-runs.ts'
import { type StudioServer, startStudio } from './server.ts'

/* What the page shows while what it reads changes, or the machine has trouble. */

const mount = (...words: readonly string[]): boolean => spawnSync(words[0]!, words.slice(1)).status === 0

describe.skipIf(!hasBrowser)('while the page is open (needs Chromium)', () => {
  let browser: Browser
  let root: string
  let server: StudioServer
  const open: RunStore[] = []
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'ruminate-trouble-'))
    server = await startStudio(root)
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.kill()
    for (const store of open) store.close()
    mount('umount', '--lazy', join(root, 'zero-1'))
    rmSync(root, { recursive: true, force: true })
  })

  test('the clock jumps: steps still come, and the time left stays', async () => {
    const store = makeRun(root, 'zero-2', { steps: 20, planned: 200 })
    open.push(store)
    const { page, open: go, problems, close } = await openStudio(browser, server)
    await go('#/run/zero-2/learning')
    const plot = page.getByRole('img', { name: /^Entropy/ })
    await expect.poll(() => plot.getAttribute('aria-label')).toContain('at step 20.')
    // 180 steps of 0.76 seconds
    await page.getByText('20 of 200 steps, 2 min left').waitFor()
    for (const [i, year] of [2050, 1990].entries()) {
      const then = new Date(year, 0)
      await page.clock.setSystemTime(then)
      const step = advance(store)
      for (const name of ['run.sqlite', 'run.sqlite-wal']) utimesSync(join(root, 'zero-2', name), then, then)
      await expect.poll(() => plot.getAttribute('aria-label')).toContain(`at step ${step}.`)
      await page.getByText(`${21 + i} of 200 steps, 2 min left`).waitFor()
    }
    expect(problems).toEqual([])
    await close()
  })

  test('a question is opened in the place of one with more answers', async () => {
    const { page, open: go, problems, close } = await openStudio(browser, server)
    const keyOf = async (split: string): Promise<string> => {
      const path = `${server.url}/studio/api/runs/zero-2/samples?split=${split}&limit=1`
      const { samples } = (await (await fetch(path)).json()) as SamplePage
      return encodeURIComponent(samples[0]!.question)
    }
    await go(`#/run/zero-2/question/${await keyOf('train')}`)
    await page.getByText(/^\d\d answers/).waitFor()
    await go(`#/run/zero-2/question/${await keyOf('eval-before')}`)
    await page.getByText(/^2 answers/).waitFor()
    await page.getByRole('heading', { name: /^Last: step/ }).waitFor()
    expect(problems).toEqual([])
    await close()
  })

  test('why a run failed is said once, and is no alarm of its training', async () => {
    const store = makeRun(root, 'sft-1', { recipe: 'sft', steps: 12, planned: 40 })
    store.fail(new Error('the provider cannot be reached'))
    store.close()
    const { page, open: go, close } = await openStudio(browser, server)
    await go('#/run/sft-1/learning')
    await page.getByRole('img', { name: /^Loss.*at step 12/ }).waitFor()
    expect(await page.getByText('the provider cannot be reached').count()).toBe(1)
    expect(await page.getByText(/alarm/).count()).toBe(0)
    await close()
  })

  test('the disk is full: the page says so, shows what there is, and writes once there is room', async ({
    skip,
  }) => {
    const disk = join(root, 'zero-1')
    mkdirSync(disk)
    if (!mount('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk))
      skip('only who may mount a file system can fill it')
    open.push(makeRun(root, 'zero-1', { steps: 3 }))
    const { page, open: go, problems, close } = await openStudio(browser, server)
    await go('#/run/zero-1/about')
    await page.getByRole('textbox', { name: 'Note' }).fill('x'.repeat(9000))
    fill(join(disk, '.full'))
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText(/the disk is full; make space/).waitFor()
    await page.getByRole('link', { name: 'Samples', exact: true }).click()
    await page.locator('table.samples tbody tr').first().waitFor()
    rmSync(join(disk, '.full'))
    await page.getByRole('link', { name: 'Settings', exact: true }).click()
    await page.getByRole('textbox', { name: 'Note' }).fill('there is room again')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved').waitFor()
    await page.locator('.head').getByText('there is room again').waitFor()
    // the browser reports each answer that is an error
    expect(problems.filter((problem) => !problem.includes('status of 400'))).toEqual([])
    await close()
  })
})

/** Writes a file until the disk is full. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (;;) writeSync(file, Buffer.alloc(4096))
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC')
  } finally {
    closeSync(file)
  }
}
