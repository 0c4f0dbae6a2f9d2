import { openStudio, startBrowser, waitUntil } from '../web/test/browser.ts'
import { startStudio } from '../web/test/server.ts'
import { openLongRuns } from './studio.ts'

/** Milliseconds of a frame at 60 frames a second. */
const FRAME = 1000 / 60
/** Frames of a pan. */
const FRAMES = 180
const LINES = ['accuracy', 'length/mean', 'reflection/per_response', 'metric/1', 'metric/2', 'metric/3'].join(
  ',',
)

/**
 * How long the page takes to show the plots of a run of 20,000 steps and 200,000 responses, and its samples, and how long frames
 * take while the plots are moved. Needs Chromium. Frames are those of a browser without a graphics card.
 */
export async function studioPageTimes(repetitions = 5): Promise<void> {
  const { root, id } = openLongRuns()
  const server = await startStudio(root)
  const browser = await startBrowser()
  try {
    const { page, open, close } = await openStudio(browser, server)
    const times = async (name: string, address: string, isThere: string): Promise<void> => {
      const taken: number[] = []
      for (let i = 0; i < repetitions; i++) {
        await page.goto('about:blank')
        const since = performance.now()
        await open(address)
        await waitUntil(page, isThere)
        taken.push(performance.now() - since)
      }
      taken.sort((a, b) => a - b)
      console.log(
        `${name}: ${taken[repetitions >> 1]!.toFixed(0)} ms, at most ${taken.at(-1)!.toFixed(0)} ms`,
      )
    }
    const hasPlots = 'document.querySelector(".plot[aria-label*=\'at step\']") !== null'
    const hasRows = 'document.querySelectorAll("table.samples tbody tr").length > 0'
    await times('the list of runs', '#/runs', 'document.querySelector("table.runs tbody tr") !== null')
    await times('the plots', `#/run/${id}/learning`, hasPlots)
    await times('the samples', `#/run/${id}/samples`, hasRows)

    await open(`#/run/${id}/learning?more=${LINES}&steps=4000-6000`)
    await waitUntil(page, hasPlots)
    await page.waitForTimeout(1000)
    const plot = await page.locator('.plot .u-over').first().boundingBox()
    await page.mouse.move(plot!.x + plot!.width / 2, plot!.y + plot!.height / 2)
    const frames = page.evaluate(`new Promise((resolve) => {
      const times = []
      const next = (now) => (times.push(now), times.length > ${FRAMES} ? resolve(times) : requestAnimationFrame(next))
      requestAnimationFrame(next)
    })`) as Promise<number[]>
    let isDone = false
    void frames.then(() => {
      isDone = true
    })
    while (!isDone) await page.mouse.wheel(12, 0)
    const stamps = await frames
    const lengths = stamps.slice(1).map((time, i) => time - stamps[i]!)
    const late = lengths.filter((length) => length > 1.5 * FRAME).length
    lengths.sort((a, b) => a - b)
    const rate = (1000 * FRAMES) / (stamps.at(-1)! - stamps[0]!)
    console.log(
      `moving the plots: ${rate.toFixed(1)} frames a second, median ${lengths[FRAMES >> 1]!.toFixed(1)} ms, ` +
        `99 % within ${lengths[Math.floor(0.99 * FRAMES)]!.toFixed(1)} ms, ${late} of ${FRAMES} late`,
    )
    await close()
  } finally {
    await browser.close()
    await server.kill()
  }
}
