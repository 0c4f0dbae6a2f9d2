import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { expectAccessible, hasBrowser, openStudio, type Studio, startBrowser } from './browser.ts'

const LAST = 'run/zero-1/samples?step=200&split=train&sort=reward&order=asc'

describe.skipIf(!hasBrowser)('the studio (needs Chromium)', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await startBrowser()
  })
  afterAll(() => browser?.close())

  /** Opens the page; at the end of the test, its console must have been silent. */
  async function studio(options: Parameters<typeof openStudio>[1] = {}): Promise<Studio> {
    const opened = await openStudio(browser, options)
    onTestFinished(async () => {
      await opened.close()
      expect(opened.problems).toEqual([])
    })
    return opened
  }

  const PAGES: readonly (readonly [name: string, address: string, text: string])[] = [
    ['runs', '#/runs', 'the run of npm start'],
    ['learning', '#/run/zero-1/learning', 'Reflective words'],
    ['stages', '#/run/r1-1%2Frl-1/learning', 'Accuracy'],
    ['samples', `#/${LAST}`, 'Reward'],
    ['sample', '#/run/zero-1/samples/3190', 'Rewards'],
    ['group', '#/run/zero-1/samples/3190?view=group&tokens=logprob', 'The group'],
    ['hostile', '#/run/zero-1/samples/3225', '<script>'],
    ['formulas', '#/run/zero-1/samples/3226', 'The area is'],
    ['aha', '#/run/zero-1/aha', 'It begins to check itself'],
    ['data', '#/run/r1-1/data', 'cold-start'],
    ['settings', '#/run/zero-1/about', 'Facts'],
    ['start', '#/start', 'Responses to each question'],
    ['chat', '#/chat', 'Your question'],
    ['nothing', '#/run/sft-1/samples', 'has no samples'],
  ]

  describe.each([
    ['light', { colorScheme: 'light' as const }],
    ['dark', { colorScheme: 'dark' as const }],
    ['narrow', { viewport: { width: 390, height: 844 } }],
    ['4k', { viewport: { width: 3840, height: 2160 } }],
  ])('%s', (look, options) => {
    test.each(PAGES)('%s', async (name, address, text) => {
      const { page, open, picture } = await studio(options)
      await open(address)
      await page.getByText(text).first().waitFor({ state: 'attached' })
      await page.waitForTimeout(400)
      await picture(`${name}-${look}`)
      await expectAccessible(page)
      const tooWide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
      expect(await page.evaluate(tooWide)).toBe(0)
    })
  })

  test('a run that begins appears, and moves', async () => {
    const { page, fake } = await studio()
    const { detail, ...rest } = fake.runs.get('zero-2')!
    await page.getByRole('link', { name: 'zero-2', exact: true }).waitFor()
    fake.addRun({ ...rest, detail: { ...detail, id: 'zero-9', created: '2026-11-30T15:00:00.000Z' } })
    const row = page.getByRole('row', { name: /zero-9/ })
    await row.waitFor()
    fake.advance('zero-9')
    await row.getByText('41 of 200 steps').waitFor()
    fake.remove('zero-9')
    await row.waitFor({ state: 'detached' })
  })

  test('the plots of a run in progress grow', async () => {
    const { page, open, fake } = await studio()
    await open('#/run/zero-2/learning')
    const plot = page.getByRole('img', { name: /^Entropy/ })
    await expect.poll(() => plot.getAttribute('aria-label')).toContain('at step 40')
    fake.advance('zero-2')
    await expect.poll(() => plot.getAttribute('aria-label')).toContain('at step 41')
  })

  test('all plots have one cursor and one zoom, which is in the address', async () => {
    const { page, open } = await studio()
    await open('#/run/zero-1/learning')
    const plot = page.locator('.plot .u-over').first()
    await plot.waitFor()
    await expect.poll(() => page.locator('.charts .chart').nth(2).getByText('length/mean').count()).toBe(1)
    const box = (await plot.boundingBox())!
    await page.mouse.move(box.x + box.width / 2, box.y + 40)
    const step = page.locator('.charts .chart').nth(2).locator('.u-legend .u-value').first()
    await expect.poll(() => step.textContent()).toMatch(/^\d+$/)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.75, box.y + 60, { steps: 4 })
    await page.mouse.up()
    await expect.poll(() => page.url()).toMatch(/steps=(9|10)\d-1[45]\d/)
    await page.keyboard.press('0')
    await expect.poll(() => page.url()).not.toContain('steps=')
    await page.keyboard.press('+')
    await expect.poll(() => page.url()).toContain('steps=50-150')
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

  test('runs are compared in the same plots', async () => {
    const { page } = await studio()
    await page.getByLabel('Compare zero-1 with others').check()
    await page.getByLabel('Compare zero-3 with others').check()
    await page.getByRole('button', { name: 'Compare 2 runs' }).click()
    await page.getByText('zero-3 entropy').first().waitFor()
    await page.getByText('zero-1 entropy').first().waitFor()
  })

  test('samples are filtered by text, answer and reward, and the filter is a link', async () => {
    const { page, open } = await studio()
    await open('#/run/zero-1/samples')
    await page.getByText(/^3,226 samples/).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('Wait')
    await page.getByRole('combobox', { name: 'Answer' }).selectOption('wrong')
    await expect.poll(() => page.url()).toMatch(/correct=wrong&text=Wait/)
    await expect.poll(() => page.locator('.verdict.right').count()).toBe(0)
    const told = await page.getByRole('status').filter({ hasText: 'samples' }).textContent()
    await page.reload()
    await page.getByText(told!).waitFor()
    await page.getByRole('button', { name: /Show 50 more/ }).click()
    await expect.poll(() => page.locator('table.samples tbody tr').count()).toBeGreaterThan(50)
  })

  test('the worst answer of the last step, and why it got no reward', async () => {
    const { page, open } = await studio()
    await open('#/run/zero-1/samples')
    await page.getByRole('link', { name: 'Worst of the last step' }).click()
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
    const second = page.url()
    await page.getByRole('heading', { name: 'Thinking' }).first().waitFor()
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
    await page.locator('.token, [class^=warm], .tokens span').first().waitFor()
    await page.keyboard.press('q')
    await page.getByRole('heading', { name: /^First/ }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('heading', { name: 'Keys' }).waitFor()
  })

  test('what a model wrote stays text', async () => {
    const { page, open } = await studio()
    await open('#/run/zero-1/samples/3225?view=group&tokens=logprob')
    await page.getByText('<script>window.hacked = 1</script>').first().waitFor()
    await page.waitForTimeout(300)
    expect(await page.evaluate('window.hacked')).toBeUndefined()
    expect(await page.locator('main img, main script, main a[href^="javascript"]').count()).toBe(0)
    expect(await page.locator('.katex a, .katex img').count()).toBe(0)
    await page.getByText('\\href{javascript:window.hacked=4}{x}').first().waitFor()
    await page.getByText('␛[2J').first().waitFor()
    await page.getByText('⟨U+202E⟩').first().waitFor()
  })

  test('formulas are typeset, money is not', async () => {
    const { page, open } = await studio()
    await open('#/run/zero-1/samples/3226')
    await expect.poll(() => page.locator('.katex').count()).toBe(3)
    await page.getByText('It costs $5 or $6').first().waitFor()
  })

  test('thinking streams, folds when the answer begins, and can be branched', async () => {
    const { page, open, picture } = await studio({ pace: 60 })
    await open('#/chat?model=zero-1')
    await page.getByLabel('Your question').fill('5?9?9=23')
    await page.keyboard.press('Enter')
    const thinking = page.locator('.reply details.thinking').first()
    await expect.poll(() => thinking.getAttribute('open')).not.toBeNull()
    await page
      .getByText(/^Thinking for/)
      .first()
      .waitFor()
    await picture('chat-thinking')
    await page
      .getByText(/^Thought for .* s, 30 tokens/)
      .first()
      .waitFor()
    expect(await thinking.getAttribute('open')).toBeNull()
    expect(await page.locator('.reply').count()).toBe(2)
    await page.getByText('The prompt, as the model saw it').first().waitFor()
    await picture('chat-answered')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.keyboard.type(' again')
    await page.keyboard.press('Enter')
    await page.getByLabel('Branch').waitFor()
  })

  test('a run is stopped and resumed', async () => {
    const { page, open, fake } = await studio()
    await open('#/run/zero-2')
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.locator('.state.interrupted').waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.locator('.state.running').waitFor()
    expect(fake.changes.map(({ path }) => path)).toEqual(['runs/zero-2/stop', 'runs/zero-2/resume'])
  })

  test('a run is started with the settings that were changed', async () => {
    const { page, open, fake } = await studio()
    await open('#/start')
    await page.getByLabel('steps').fill('20')
    await page.getByText('Reinforcement learning.').click()
    await page.getByLabel('groupSize').fill('16')
    await page.getByText('npx ruminate zero --set steps=20 --set rl.groupSize=16').waitFor()
    await page.getByRole('button', { name: 'Start zero' }).click()
    await expect.poll(() => page.url()).toContain('#/run/zero-2')
    expect(fake.changes).toEqual([
      { path: 'runs', body: { command: 'zero', settings: { steps: 20, rl: { groupSize: 16 } } } },
    ])
  })

  test('without the token nothing can be changed, and the page says why', async () => {
    const { page, open } = await studio()
    await page.evaluate('localStorage.clear()')
    await open('#/run/zero-2/learning')
    await page.reload()
    await page.getByText('it ends in a token').waitFor()
    expect(await page.getByRole('button', { name: 'Stop' }).isDisabled()).toBe(true)
  })

  test('the server dies, which the page says', async () => {
    const opened = await openStudio(browser)
    await opened.page.getByText('the run of npm start').waitFor()
    await opened.fake.close()
    await opened.page.getByText('The server does not answer').waitFor()
    await opened.page.context().close()
  })
})
