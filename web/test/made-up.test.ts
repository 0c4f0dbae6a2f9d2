import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { RunStore } from '../../src/runs/store.ts'
import { expectAccessible, hasBrowser, openStudio, type Studio, startBrowser } from './browser.ts'
import { advance, makeRun, makeRuns } from './made-up-runs.ts'
import { type StudioServer, startStudio } from './server.ts'

/* The page over made-up runs, where many steps and special texts are needed. The server is the real one. */

/** Samples of zero-1: 12 held out before and after, 200 steps of 16, one with formulas and one that is hostile. */
const [MATHEMATICAL, HOSTILE] = [3225, 3226]
const LAST = 'run/zero-1/samples?step=200&split=train&sort=reward&order=asc'

describe.skipIf(!hasBrowser)('the studio with made-up runs (needs Chromium)', () => {
  let browser: Browser
  let root: string
  let server: StudioServer
  let inProgress: RunStore
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'ruminate-page-'))
    inProgress = makeRuns(root).inProgress
    server = await startStudio(root)
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.kill()
    inProgress?.close()
    rmSync(root, { recursive: true, force: true })
  })

  /** Opens the page; at the end of the test, its console must have been silent. */
  async function studio(options: Parameters<typeof openStudio>[2] = {}): Promise<Studio> {
    const opened = await openStudio(browser, server, options)
    onTestFinished(async () => {
      await opened.close()
      expect(opened.problems).toEqual([])
    })
    return opened
  }

  const PAGES: readonly (readonly [name: string, address: string, text: string])[] = [
    ['runs', '#/runs', 'the run of npm start'],
    ['learning', '#/run/zero-1/learning', 'Reflective words'],
    ['stages', '#/run/r1-1/learning', 'Accuracy'],
    ['samples', `#/${LAST}`, 'Reward'],
    ['sample', '#/run/zero-1/samples/3200', 'Rewards'],
    ['group', '#/run/zero-1/samples/3200?view=group&tokens=logprob', 'The group'],
    ['hostile', `#/run/zero-1/samples/${HOSTILE}`, '<script>'],
    ['formulas', `#/run/zero-1/samples/${MATHEMATICAL}`, 'The area is'],
    ['aha', '#/run/zero-1/aha', 'It begins to check itself'],
    ['data', '#/run/r1-1/data', 'cold-start'],
    ['pairs', '#/run/r1-1/data?set=helpful', 'Not preferred'],
    ['about', '#/run/zero-1/about', 'Facts'],
    ['start', '#/start', 'steps of reinforcement learning'],
    ['chat', '#/chat', 'Your question'],
    ['no-evaluations', '#/evals', 'No evaluation is kept'],
    ['no-samples', '#/run/sft-1/samples', 'has no samples'],
    ['unreadable', '#/run/broken', 'Try again'],
  ]

  describe.each([
    ['light', { colorScheme: 'light' as const }],
    ['dark', { colorScheme: 'dark' as const }],
    ['narrow', { viewport: { width: 390, height: 844 } }],
    ['4k', { viewport: { width: 3840, height: 2160 } }],
  ])('%s', (look, options) => {
    test.each(PAGES)('%s', async (name, address, text) => {
      const { page, open, picture, problems } = await studio(options)
      await open(address)
      await page.getByText(text).first().waitFor({ state: 'attached' })
      await page.waitForTimeout(400)
      await picture(`${name}-${look}`)
      await expectAccessible(page)
      const tooWide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
      expect(await page.evaluate(tooWide)).toBe(0)
      // a browser reports each answer that is an error
      if (name === 'unreadable') problems.splice(0)
    })
  })

  test('a run that begins appears, moves, and disappears when it is deleted', async () => {
    const { page } = await studio()
    await page.getByRole('link', { name: 'zero-2', exact: true }).waitFor()
    const store = makeRun(root, 'zero-9', { steps: 2, planned: 50 })
    const row = page.getByRole('row', { name: /zero-9/ })
    await row.waitFor()
    advance(store)
    await row.getByText('3 of 50 steps').waitFor()
    store.close()
    rmSync(join(root, 'zero-9'), { recursive: true })
    await row.waitFor({ state: 'detached' })
  })

  test('the plots, metrics and samples of a run in progress grow', async () => {
    const { page, open } = await studio()
    await open('#/run/zero-2/learning')
    const plot = page.getByRole('img', { name: /^Entropy/ })
    await expect.poll(() => plot.getAttribute('aria-label')).toMatch(/at step \d+\.$/)
    const step = advance(inProgress)
    await expect.poll(() => plot.getAttribute('aria-label')).toContain(`at step ${step}`)
    inProgress.record(step, {
      metrics: { 'eval/loss': 1 },
      events: [{ level: 'warning', message: 'look at this' }],
    })
    await page.getByText(`1 alarm, at step ${step}`).waitFor()
    await expect.poll(() => page.getByRole('img', { name: /^Loss.*eval\/loss/ }).count()).toBe(1)
    await open('#/run/zero-2/samples')
    await page
      .getByRole('cell', { name: String(step), exact: true })
      .first()
      .waitFor()
    await page.getByText('keep up with the run').waitFor()
    const next = advance(inProgress)
    await page
      .getByRole('cell', { name: String(next), exact: true })
      .first()
      .waitFor()
  })

  test('all plots have one cursor and one zoom, which is in the address', async () => {
    const { page, open } = await studio()
    await open('#/run/zero-1/learning')
    const plot = page.locator('.plot .u-over').first()
    await plot.waitFor()
    const third = page.locator('.charts .chart').nth(2)
    await expect.poll(() => third.getByText('length/mean').count()).toBe(1)
    const box = (await plot.boundingBox())!
    await page.mouse.move(box.x + box.width / 2, box.y + 40)
    const step = third.locator('.u-legend .u-value').first()
    await expect.poll(() => step.textContent()).toMatch(/^(9|10)\d$/)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.75, box.y + 60, { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => page.url()).toMatch(/steps=(9|10)\d-1[45]\d/)
    await page.keyboard.press('0')
    await expect.poll(() => page.url()).not.toContain('steps=')
    await page.keyboard.press('+')
    await expect.poll(() => page.url()).toContain('steps=50-150')
  })

  test.each([
    ['tokens', /^780,000$/],
    ['flops', /^2\.1e12$/],
    ['time', /^1\.9$/],
  ])('along %s, a zoomed plot has the totals of the whole run', async (axis, ofStep150) => {
    const { page, open } = await studio()
    await open(`#/run/zero-1/learning?steps=100-150&axis=${axis}`)
    const newest = page.locator('.charts .chart').first().locator('.u-legend .u-value').first()
    await expect.poll(() => newest.textContent()).toMatch(ofStep150)
  })

  test('an alarm leads to the samples of its step', async () => {
    const { page, open } = await studio()
    await open('#/run/zero-1/learning')
    await page.getByText('2 alarms, at step 64 and 150').click()
    await page.getByRole('link', { name: 'Samples of step 150' }).click()
    await page.locator('table.samples tbody tr').first().waitFor()
    const steps = await page.locator('table.samples td[data-label=Step]').allTextContents()
    expect(new Set(steps)).toEqual(new Set(['150']))
  })

  test('runs are compared in the same plots, found by a tag and by a text', async () => {
    const { page } = await studio()
    await page.getByLabel('Compare zero-1 with others').check()
    await page.getByLabel('Compare zero-3 with others').check()
    await page.getByRole('button', { name: 'Compare 2 runs' }).click()
    await page.getByText('zero-3 entropy').first().waitFor()
    await page.getByText('zero-1 entropy').first().waitFor()
    await page.getByRole('link', { name: 'baseline' }).click()
    await page.getByRole('link', { name: 'zero-3', exact: true }).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'zero-1', exact: true }).waitFor()
    await page.getByLabel('Tag').selectOption('')
    await page.getByRole('searchbox', { name: 'Find' }).fill('sft')
    await page.getByRole('link', { name: 'zero-1', exact: true }).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'sft-1', exact: true }).waitFor()
  })

  test('samples are filtered by text, answer and reward, and the filter is a link', async () => {
    const { page, open } = await studio()
    await open('#/run/zero-1/samples')
    await page.getByText(/^3,226 samples/).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('Wait')
    await page.getByRole('combobox', { name: 'Answer' }).selectOption('wrong')
    const chosen = () => Object.fromEntries(new URLSearchParams(page.url().split('?')[1]))
    await expect.poll(chosen).toEqual({ correct: 'wrong', text: 'Wait' })
    await expect.poll(() => page.locator('.verdict.right').count()).toBe(0)
    await expect.poll(() => page.locator('.verdict.wrong').count()).toBeGreaterThan(40)
    await page.reload()
    await expect.poll(() => page.locator('.verdict.wrong').count()).toBeGreaterThan(40)
    expect(await page.locator('.verdict.right').count()).toBe(0)
    const shown = await page.locator('table.samples tbody tr').count()
    await page.getByRole('button', { name: /Show 50 more/ }).click()
    await expect.poll(() => page.locator('table.samples tbody tr').count()).toBeGreaterThan(shown)
  })

  test('the worst answer of the last step, and why it got no reward', async () => {
    const { page, open } = await studio()
    await open('#/run/zero-1')
    await page.getByRole('link', { name: 'Samples', exact: true }).click()
    await page.getByRole('link', { name: 'Worst of the last step' }).click()
    await expect.poll(() => page.url()).toContain('step=200')
    await page.locator('table.samples tbody th a').first().click()
    await page
      .getByText(/makes \d+, not \d+/)
      .first()
      .waitFor()
  })

  test('keys lead through samples, groups and a question over time', async () => {
    const { page, open } = await studio()
    await open(`#/${LAST}`)
    await page.locator('table.samples tbody th a').nth(1).click()
    await page.getByRole('heading', { name: 'Thinking' }).first().waitFor()
    const second = page.url()
    await page.keyboard.press('j')
    await expect.poll(() => page.url()).not.toBe(second)
    const back = page.getByRole('link', { name: /Previous/ })
    await expect
      .poll(() => back.evaluate((element) => (element as unknown as { href: string }).href))
      .toBe(second)
    await page.keyboard.press('k')
    await expect.poll(() => page.url()).toBe(second)
    await page.keyboard.press('g')
    await page.getByText('This response').waitFor()
    await page.keyboard.press('t')
    await page.locator('.tokens [class*=warm]').first().waitFor()
    await page.keyboard.press('q')
    await page.getByRole('heading', { name: /^First/ }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('heading', { name: 'Keys' }).waitFor()
  })

  test('preference pairs are browsed', async () => {
    const { page, open } = await studio()
    await open('#/run/r1-1/data')
    await page.getByRole('button', { name: /^helpful 3 pairs/ }).click()
    await page.getByRole('heading', { name: 'What is your name?' }).waitFor()
    expect(await page.getByRole('heading', { name: 'Not preferred' }).count()).toBe(3)
    await page.getByRole('button', { name: /^cold-start 27 rows/ }).click()
    await page.getByText('27 rows of 40 that were looked at').waitFor()
  })

  test('a plot is saved as SVG, PNG and CSV, and a table as CSV', async () => {
    const { page, open } = await studio()
    const saved = async (click: () => Promise<void>): Promise<Buffer> => {
      const [download] = await Promise.all([page.waitForEvent('download'), click()])
      return readFileSync(await download.path())
    }
    await open('#/run/zero-1/learning')
    const entropy = page.locator('figure', { hasText: 'Entropy' })
    await entropy.getByText('Save').click()
    const save = (kind: string) => saved(() => entropy.getByRole('button', { name: kind }).click())
    expect((await save('SVG')).toString()).toMatch(/^<svg .*<polyline/s)
    expect((await save('PNG')).subarray(1, 4).toString()).toBe('PNG')
    expect((await save('CSV')).toString()).toMatch(/^line,step,value\r\nentropy,1,0\.\d/)
    await open('#/run/zero-1/samples')
    const table = await saved(() => page.getByRole('button', { name: 'Save as CSV' }).click())
    expect(table.toString().split('\r\n')[0]).toBe(
      'id,step,split,question,kind,gold,answer,correct,total,advantage,tokens,ended,text,cut',
    )
  })

  describe('what a model wrote stays text', () => {
    /** Nothing that it wrote has become an element, was loaded or has run. */
    async function expectText(page: Page): Promise<void> {
      await page.waitForTimeout(500)
      expect(await page.evaluate('window.hacked')).toBeUndefined()
      const elements =
        'main :is(img, script, iframe, object, style, svg[onload], [onerror], [href^="javascript" i], [src^="http" i])'
      expect(await page.locator(elements).count()).toBe(0)
      expect(await page.locator('.katex :is(a, img, [class~="x"])').count()).toBe(0)
      expect(await page.title()).toMatch(/Ruminate$/)
    }

    test.each([
      ['its own page', `samples/${HOSTILE}`],
      ['its group, with its tokens', `samples/${HOSTILE}?view=group&tokens=logprob`],
      ['the list', 'samples?step=200&split=train&stop=length'],
      ['a question over time', `question/${encodeURIComponent('+ - 6?1?5=2 q0')}`],
    ])('on %s', async (_, address) => {
      const { page, open } = await studio()
      await open(`#/run/zero-1/${address}`)
      await page.getByText('<script>window.hacked = 1</script>').first().waitFor({ state: 'attached' })
      await expectText(page)
    })

    test('with formulas that are refused or too large, and escapes, as they were written', async () => {
      const { page, open } = await studio()
      const requests: string[] = []
      page.on('request', (request) => requests.push(request.url()))
      await open(`#/run/zero-1/samples/${HOSTILE}`)
      for (const text of [
        '\\href{javascript:window.hacked=4}{x}',
        '\\includegraphics{http://127.0.0.1:9/x.png}',
        '\\smash{\\raisebox{5em}{\\colorbox{white}{\\color{green}✓ right}}}',
        '\\phantom{hidden}',
        '\\color{transparent}{hidden}',
        '\\let\\a=\\kern\\a{-10em}x',
        'x\\!\\!\\!\\!y',
        'a\\\\[-9em]b',
        '⟨U+2060⟩⟨U+E0041⟩',
        '␛[2J',
        '⟨U+202E⟩',
        '<svg onload="window.hacked = 5">',
        '<style>*{display:none}</style>',
      ])
        await page.getByText(text).first().waitFor()
      await expectText(page)
      const { height } = (await page.locator('.math').first().boundingBox())!
      expect(height).toBeLessThan(2000)
      const tallest =
        'Math.max(...[...document.querySelectorAll(".katex *")].map((e) => e.getBoundingClientRect().width))'
      expect(await page.evaluate(tallest)).toBeLessThan(5000)
      expect(requests.filter((url) => !url.startsWith(server.url))).toEqual([])
    })
  })

  test('formulas are typeset, money is not', async () => {
    const { page, open } = await studio()
    await open(`#/run/zero-1/samples/${MATHEMATICAL}`)
    await expect.poll(() => page.locator('.katex').count()).toBe(3)
    await page.getByText('It costs $5 or $6').first().waitFor()
  })

  test('a note and tags are saved', async () => {
    const { page, open } = await studio()
    await open('#/run/zero-3/about')
    await page.getByRole('textbox', { name: 'Note' }).fill('shorter <b>than</b> the others')
    await page.getByRole('textbox', { name: 'Tags' }).fill('short, second')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Saved').waitFor()
    await page.getByText('shorter <b>than</b> the others').first().waitFor()
    await page.getByRole('link', { name: 'second' }).waitFor()
  })

  test('a run of another process is not stopped, and the page says why', async () => {
    const { page, open, problems } = await studio()
    await open('#/run/zero-2')
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText(/stopped from here|stop it there/).waitFor()
    problems.splice(0)
  })

  test('without the token nothing can be changed, and the page says why', async () => {
    const { page, open } = await studio()
    await page.evaluate('localStorage.clear()')
    await open('#/run/zero-2/learning')
    await page.reload()
    await page.getByText('it ends in a token').waitFor()
    expect(await page.getByRole('button', { name: 'Stop' }).isDisabled()).toBe(true)
  })
})
