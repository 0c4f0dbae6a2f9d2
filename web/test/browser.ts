import { existsSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'
import type { StudioServer } from './server.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Where the tests leave a picture of each page. */
const pictures = process.env.STUDIO_SCREENSHOTS ?? join(root, 'node_modules', '.cache', 'studio')

/** The browser that Debian's package `chromium` installs, or another at STUDIO_CHROMIUM. */
const executablePath = process.env.STUDIO_CHROMIUM ?? '/usr/bin/chromium'
export const hasBrowser = existsSync(executablePath)

export const startBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })

/** The studio's page in a browser, and what its console said. */
export interface Studio {
  readonly page: Page
  /** Errors and warnings of the console and of the page's code. */
  readonly problems: string[]
  open(address: string): Promise<void>
  picture(name: string): Promise<void>
  close(): Promise<void>
}

/** Opens the page of a server, with its token. */
export async function openStudio(
  browser: Browser,
  { url, token }: StudioServer,
  options: BrowserContextOptions = {},
): Promise<Studio> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
    ...options,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const problems: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      problems.push(`${message.text()} (${message.location().url})`)
  })
  page.on('pageerror', (error) => problems.push(String(error)))
  await page.goto(`${url}/studio/#token=${token}`)
  return {
    page,
    problems,
    async open(address) {
      await page.goto(`${url}/studio/${address}`)
    },
    async picture(name) {
      mkdirSync(pictures, { recursive: true })
      await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true })
    },
    close: () => context.close(),
  }
}

/** Waits until an expression is true in the page, whose content security policy lets no script wait for it. */
export async function waitUntil(page: Page, expression: string): Promise<void> {
  const end = performance.now() + PATIENCE
  while (!(await page.evaluate(expression))) {
    if (performance.now() > end) throw new Error(`it did not become true: ${expression}`)
    await page.waitForTimeout(10)
  }
}

/** Milliseconds to wait for what should be there. */
const PATIENCE = 60_000

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { html: string; failureSummary: string }[]
}

/** axe-core finds nothing serious or critical. It is put into the page by the browser, which no policy keeps out. */
export async function expectAccessible(page: Page): Promise<void> {
  const loaded = await page.evaluate('typeof axe !== "undefined"')
  if (!loaded) {
    const { readFileSync } = await import('node:fs')
    await page.evaluate(readFileSync(axe, 'utf8'))
  }
  const violations = (await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => violations)',
  )) as Violation[]
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  expect(
    serious.map(({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 200)} ${nodes[0]!.failureSummary}`),
  ).toEqual([])
}
