import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import type { EvaluationSummary, RunSummary, SamplePage } from './src/api/types.ts'
import { openStudio, startBrowser, waitUntil } from './test/browser.ts'
import { startStudio } from './test/server.ts'

/*
 * Writes a picture of each page of the studio, in each look, and the three of the README:
 * `npm run studio:screenshots -- RUNS FOLDER [RUN]`. RUN is the run that is shown; by default the longest of R1-Zero.
 */
const [runs = 'runs', folder = 'screenshots', wanted] = process.argv.slice(2)

const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: {},
  dark: { colorScheme: 'dark' },
  narrow: { viewport: { width: 390, height: 844 } },
  '4k': { viewport: { width: 3840, height: 2160 } },
}
/** Has the page read what it shows, with its plots? */
const IS_READ = `document.querySelector('.loading') === null &&
  [...document.querySelectorAll('.plot[role=img]')].every((plot) => !plot.getAttribute('aria-label').endsWith('No values yet.'))`
/** Milliseconds after which what was read is drawn. */
const CALM = 1000

mkdirSync(folder, { recursive: true })
const server = await startStudio(runs)
const browser = await startBrowser()
try {
  const pages = await addresses()
  await readmePictures(pages)
  for (const [look, options] of Object.entries(LOOKS)) {
    const { page, open, close } = await openStudio(browser, server, options)
    for (const [name, address] of Object.entries(pages)) {
      await open(address)
      await settled(page)
      await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true })
    }
    await close()
  }
} finally {
  await browser.close()
  await server.kill()
}

async function settled(page: Page): Promise<void> {
  await page.waitForTimeout(CALM)
  await waitUntil(page, IS_READ)
  await page.waitForTimeout(CALM)
}

async function read<T>(path: string): Promise<T> {
  return (await (await fetch(`${server.url}/studio/api/${path}`)).json()) as T
}

/** The pages by name, of the run that is shown. */
async function addresses(): Promise<Record<string, string>> {
  const all = (await read<{ runs: RunSummary[] }>('runs')).runs
  const { evals } = await read<{ evals: EvaluationSummary[] }>('evals')
  const shown =
    all.find(({ id }) => id === wanted) ??
    all.filter(({ recipe }) => recipe === 'zero').sort((a, b) => b.steps.done - a.steps.done)[0]
  if (!shown) throw new Error(`there is no run ${wanted ?? 'of R1-Zero'} in ${runs}`)
  const id = encodeURIComponent(shown.id)
  const staged = all.find(({ recipe }) => recipe === 'r1')
  const longest = await read<SamplePage>(
    `runs/${id}/samples?split=eval-after&correct=right&sort=length&limit=1`,
  )
  const trained = await read<SamplePage>(
    `runs/${id}/samples?split=train&step=${Math.ceil(shown.steps.done / 3)}&sort=advantage&limit=1`,
  )
  const [after, sample] = [longest.samples[0], trained.samples[0]]
  const of = (page: string) => `#/run/${id}/${page}`
  return {
    runs: '#/runs',
    learning: of('learning?smooth=0.7'),
    samples: of('samples?split=train'),
    ...(sample && { sample: of(`samples/${sample.id}?view=group&tokens=logprob`) }),
    ...(after && { question: of(`question/${encodeURIComponent(after.question)}`) }),
    aha: of('aha'),
    settings: of('about'),
    chat: `#/chat?model=${id}`,
    start: '#/start',
    evaluations: '#/evals',
    ...(evals[0] && { evaluation: `#/eval/${encodeURIComponent(evals[0].id)}` }),
    ...(staged && {
      stages: `#/run/${encodeURIComponent(staged.id)}/learning`,
      data: `#/run/${encodeURIComponent(staged.id)}/data`,
    }),
  }
}

/** The three of the README, small and of one size. */
async function readmePictures(pages: Readonly<Record<string, string>>): Promise<void> {
  const { page, open, close } = await openStudio(browser, server, { viewport: { width: 1180, height: 760 } })
  const take = async (name: string, address: string | undefined, prepare?: (page: Page) => Promise<void>) => {
    if (address === undefined) return
    await open(address)
    await settled(page)
    await prepare?.(page)
    await page.screenshot({ path: join(folder, `readme-${name}.png`) })
  }
  await take('compute', pages.evaluation)
  await take('aha', pages.aha, (shown) =>
    shown
      .getByRole('heading', { name: 'The question whose answers changed most' })
      .evaluate('(h) => h.scrollIntoView()'),
  )
  await take('sample', pages.sample)
  await close()
}
