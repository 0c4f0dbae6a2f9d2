import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { expectAccessible, hasBrowser, openStudio, type Studio, startBrowser } from './browser.ts'
import { ruminate, ruminateDone, type StudioServer, startStudio } from './server.ts'

/* The page over runs that are trained meanwhile, a few steps of the miniature, and over a model that answers. */

/** Few held-out questions, so that a run begins at once. */
const QUICK = ['--set', 'eval.questions=12', '--quiet']

describe.skipIf(!hasBrowser)('the studio with real runs (needs Chromium)', () => {
  let browser: Browser
  let root: string
  let server: StudioServer
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'ruminate-page-'))
    const [run, evaluation] = [join(root, 'zero-1'), join(root, 'eval-1')]
    await ruminateDone(['zero', '--steps', '4', '--out', run, ...QUICK])
    await ruminateDone(
      [
        'eval',
        '--model',
        run,
        '--questions',
        '6',
        '--strategy',
        'vote',
        '--samples',
        '1,2',
        '--budget',
        '8,none',
      ].concat(['--out', evaluation, '--quiet']),
    )
    server = await startStudio(root)
    browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.kill()
    rmSync(root, { recursive: true, force: true })
  })

  /** Opens the page; at the end of the test, its console must have been silent. */
  async function studio(): Promise<Studio> {
    const opened = await openStudio(browser, server)
    onTestFinished(async () => {
      await opened.close()
      expect(opened.problems).toEqual([])
    })
    return opened
  }

  test('a run of the command line appears and moves; it is stopped and resumed from the page', async () => {
    const { page } = await studio()
    const child = ruminate(['zero', '--steps', '400', '--out', join(root, 'zero-2'), ...QUICK])
    child.stdout!.resume()
    child.stderr!.resume()
    onTestFinished(() => void child.kill('SIGKILL'))
    const row = page.getByRole('row', { name: /zero-2/ })
    await row.getByText(/[1-9]\d* of 400 steps, .* left/).waitFor()
    const before = await row.getByText(/of 400 steps/).textContent()
    await expect.poll(() => row.getByText(/of 400 steps/).textContent()).not.toBe(before)
    await page.getByRole('link', { name: 'zero-2' }).click()
    const plot = page.getByRole('img', { name: /^Response length/ })
    const told = await plot.getAttribute('aria-label')
    await expect.poll(() => plot.getAttribute('aria-label')).not.toBe(told)
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.locator('.state.interrupted').waitFor()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.locator('.state.running').waitFor()
    await page.getByText('Resuming …').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.locator('.state.interrupted').waitFor()
  })

  test('a run is started from the page with the settings that were changed', async () => {
    const { page } = await studio()
    await page.getByRole('link', { name: 'Start a run' }).click()
    await page.getByLabel('steps', { exact: true }).fill('300')
    await page.locator('summary', { hasText: /^eval/ }).click()
    await page.getByLabel('questions', { exact: true }).fill('12')
    await page.getByText('npx ruminate zero --set steps=300 --set eval.questions=12').waitFor()
    await page.getByRole('button', { name: 'Start zero' }).click()
    await page.locator('.state.running').waitFor()
    expect(page.url()).toContain('#/run/zero-')
    await page.getByText(/[1-9]\d* of 300 steps/).waitFor()
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.locator('.state.interrupted').waitFor()
  })

  test('a wrong setting is refused in one line, and nothing is started', async () => {
    const { page, open, problems } = await studio()
    await open('#/start')
    await page.getByLabel('task', { exact: true }).fill('no-such-task')
    await page.getByRole('button', { name: 'Start zero' }).click()
    await page
      .getByRole('alert')
      .getByText(/no-such-task/)
      .waitFor()
    expect(page.url()).toContain('#/start')
    problems.splice(0)
  })

  test('thinking streams, folds when the answer begins, and the conversation branches', async () => {
    const { page, open } = await studio()
    await open('#/chat?model=zero-1')
    await page.evaluate(`{
      window.told = []
      new MutationObserver(() => {
        for (const { open, innerText } of document.querySelectorAll('details.thinking'))
          window.told.push([open, innerText.split('\\n')[0]])
      }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true })
    }`)
    await page.getByText('Enter sends').waitFor()
    await page.getByLabel('Your question').fill('Fill in + - left to right: 5?9?9=23')
    await page.keyboard.press('Enter')
    const replies = page.locator('.reply')
    await expect.poll(() => page.locator('.reply[aria-busy=false]').count()).toBe(2)
    expect(await replies.locator('h3').allTextContents()).toEqual(['zero-1@base', 'zero-1'])
    const told = (await page.evaluate('window.told')) as [boolean, string][]
    expect(told.some(([isOpen, text]) => isOpen && text.startsWith('Thinking for'))).toBe(true)
    const trained = replies.nth(1)
    await trained.getByText(/^Thought for .* s, \d+ tokens?$/).waitFor()
    await trained.getByText('The prompt, as the model saw it').click()
    await trained.getByText('A conversation between User and Assistant').waitFor()
    await expectAccessible(page)

    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel(/edited: the conversation branches/).fill('Compute 3+4')
    await page.keyboard.press('Enter')
    await page.getByLabel('Branch').waitFor()
    await expect.poll(() => page.locator('.reply[aria-busy=false]').count()).toBe(2)
    await page.getByText('How to ask').click()
    await page.getByLabel('Strategy').selectOption('vote')
    await page.getByLabel('Votes').fill('4')
    await page.getByLabel('beside another model').uncheck()
    await page.getByRole('button', { name: 'Ask again' }).click()
    await expect.poll(() => page.locator('.reply[aria-busy=false]').count()).toBe(1)
    expect(await page.locator('.reply .problem').count()).toBe(0)
  })

  test('a question of the task is asked with one click, and a second turn needs no first', async () => {
    const { page, open } = await studio()
    await open('#/chat?model=zero-1&alone=1')
    await page.locator('.suggestions button').first().click()
    await expect.poll(() => page.locator('.reply[aria-busy=false]').count()).toBe(1)
    await page.getByLabel('Your question').fill('Compute 3+4')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.reply[aria-busy=false]').count()).toBe(2)
    expect(await page.locator('.reply .problem').count()).toBe(0)
  })

  test('a point of an evaluation leads to its answers', async () => {
    const { page, picture } = await studio()
    await page.getByRole('link', { name: 'Test-time compute' }).click()
    await page.getByRole('link', { name: 'eval-1' }).click()
    // points of equal accuracy lie on each other, and the last one is on top
    await page
      .getByRole('link', { name: /cons@2|at 2 votes/ })
      .last()
      .click()
    await page.getByRole('heading', { name: /The answers behind cons@2/ }).waitFor()
    await page.locator('.answers summary').first().click()
    await page.getByRole('heading', { name: /^Answer 2/ }).waitFor()
    await page
      .getByText(/^expected/)
      .first()
      .waitFor()
    await picture('evaluation')
    await expectAccessible(page)
    await page.setViewportSize({ width: 390, height: 844 })
    const tooWide = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
    await expect.poll(() => page.evaluate(tooWide)).toBe(0)
  })

  test('by clicks alone: the first check of itself, and what a question was answered before training', async () => {
    const { page } = await studio()
    await page.getByRole('link', { name: 'zero-1', exact: true }).click()
    await page.getByRole('link', { name: 'Aha' }).click()
    await page.getByRole('heading', { name: /checks? itself/ }).waitFor()
    await page.getByRole('link', { name: 'Samples', exact: true }).click()
    await page.getByRole('link', { name: 'After training' }).click()
    await page.locator('table.samples tbody th a').first().click()
    await page.getByRole('link', { name: /question over time/ }).click()
    await page.getByText('held out, before training').first().waitFor()
    await page.getByText('held out, after training').first().waitFor()
  })

  test('the server dies and comes back: the page says it, recovers, and shows what happened meanwhile', async () => {
    const { page, problems } = await studio()
    await page.getByRole('link', { name: 'zero-1', exact: true }).waitFor()
    await server.kill()
    await page.getByText('The server does not answer').waitFor()
    cpSync(join(root, 'zero-1'), join(root, 'copied'), { recursive: true })
    server = await startStudio(root, server.port)
    await page.getByRole('link', { name: 'copied', exact: true }).waitFor()
    await page.getByText('The server does not answer').waitFor({ state: 'detached' })
    // the token of a new server is another one, which the page says when it is needed
    problems.splice(0)
  })

  test('a run that is deleted while it is looked at stays readable as far as it was read', async () => {
    const { page, open } = await studio()
    cpSync(join(root, 'zero-1'), join(root, 'deleted'), { recursive: true })
    await open('#/run/deleted')
    await page.getByRole('img', { name: /^Response length.*at step 4/ }).waitFor()
    rmSync(join(root, 'deleted'), { recursive: true })
    await page.getByText('This run has been deleted').waitFor()
    await page.getByRole('img', { name: /^Response length.*at step 4/ }).waitFor()
  })

  test('a run that was copied from another machine, without its model, is read', async () => {
    const { page, open } = await studio()
    cpSync(join(root, 'zero-1', 'run.sqlite'), join(root, 'elsewhere', 'run.sqlite'))
    await open('#/run/elsewhere/samples?split=train')
    await page.locator('table.samples tbody th a').first().click()
    await page
      .getByRole('heading', { name: /^(Thinking|Response)/ })
      .first()
      .waitFor()
    await open('#/run/elsewhere/learning')
    await page.getByRole('img', { name: /^Response length.*at step 4/ }).waitFor()
  })

  test('two pages show the same: a note that one of them sets appears in the other', async () => {
    const [one, other] = [await studio(), await studio()]
    await one.open('#/run/zero-1/about')
    await one.page.getByRole('textbox', { name: 'Note' }).fill('seen on two pages')
    await one.page.getByRole('button', { name: 'Save', exact: true }).click()
    await other.page.getByText('seen on two pages').waitFor()
  })
})
