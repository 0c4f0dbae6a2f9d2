import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/*
 * How much slower a training is while the studio shows it: `ruminate zero --studio`, with a client that does what an open page
 * does, against `ruminate zero`, alternately. RUMINATE_BENCH_STEPS sets the steps of each training.
 */
const STEPS = Number(process.env.RUMINATE_BENCH_STEPS ?? 40)
/** Milliseconds between two readings of the curves and the newest samples. */
const EVERY = 1000

/** Prints the seconds of each pair of trainings, and the median of their ratios. */
export async function studioTraining(pairs = 3): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'ruminate-bench-studio-'))
  const ratios: number[] = []
  try {
    for (let pair = 0; pair < pairs; pair++) {
      const order = pair % 2 === 0 ? [false, true] : [true, false]
      const seconds = new Map<boolean, number>()
      for (const shown of order) seconds.set(shown, await trained(join(root, `${pair}-${shown}`), shown))
      const [alone, watched] = [seconds.get(false)!, seconds.get(true)!]
      ratios.push(watched / alone)
      console.log(
        `${alone.toFixed(2)} s alone, ${watched.toFixed(2)} s with the page open: ${percent(watched / alone)}`,
      )
    }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
  ratios.sort((a, b) => a - b)
  console.log(`median of ${pairs}: ${percent(ratios[ratios.length >> 1]!)}`)
}

const percent = (ratio: number): string => `${ratio >= 1 ? '+' : ''}${(100 * (ratio - 1)).toFixed(1)} %`

/** Trains, and resolves to the seconds of all steps. */
async function trained(folder: string, shown: boolean): Promise<number> {
  const main = fileURLToPath(new URL('../bin/ruminate.js', import.meta.url))
  const words = ['zero', '--steps', `${STEPS}`, '--out', join(folder, 'zero-1'), '--json']
  const child = spawn(process.execPath, [main, ...words, ...(shown ? ['--studio'] : [])], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const page = new AbortController()
  let seconds: number | null = null
  for await (const line of createInterface({ input: child.stdout! })) {
    const said = JSON.parse(line) as { type: string; url?: string; seconds?: number }
    if (said.type === 'studio') watch(said.url!, page.signal)
    if (said.type === 'result') seconds = said.seconds!
  }
  page.abort()
  if (seconds === null) throw new Error('the training failed')
  return seconds
}

/** Does what a page does that shows the curves of a run: follows the events, and reads curves and samples now and then. */
function watch(address: string, signal: AbortSignal): void {
  const api = `${new URL(address).origin}/studio/api/`
  const until = (work: () => Promise<void>): void => {
    work().catch((error) => {
      if (!signal.aborted) console.error(`the page: ${error}`)
    })
  }
  until(async () => {
    const { body } = await fetch(`${api}events`, { signal })
    for await (const _ of body!);
  })
  until(async () => {
    for (;;) {
      for (const path of ['runs', 'runs/zero-1/metrics?points=1000', 'runs/zero-1/samples?limit=50'])
        await (await fetch(api + path, { signal })).arrayBuffer()
      await new Promise((resolve) => setTimeout(resolve, EVERY))
      signal.throwIfAborted()
    }
  })
}
