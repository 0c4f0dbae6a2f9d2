import { Random } from '../src/common/random.ts'
import { openEngine } from '../src/engines/open.ts'
import { THREADS } from './compare.ts'
import { benchModel } from './model.ts'

/** Clients at once; each sends its next request when the last one has ended. */
const CLIENTS = [1, 16, 64]
const [PROMPT, NEW, REQUESTS] = [40, 48, 4]

/**
 * Continuous batching: how much faster many clients together are served than one, and how long they wait for a first token.
 * Clients begin at random times, within the time that one request takes; prompts and responses differ in length.
 */
export async function continuous({
  model: folder,
  size,
}: {
  model?: string | undefined
  size?: string | undefined
} = {}): Promise<void> {
  const model = folder ?? benchModel(size ?? 'miniature').directory
  const engine = await openEngine({ model, threads: THREADS })
  try {
    const sampler = await engine.sampler(engine.base, { schedule: 'continuous' })
    let single = 0
    for (const clients of CLIENTS) {
      const random = new Random('bench', 'continuous', clients)
      /** Milliseconds until each request's first token. */
      const waits: number[] = []
      let tokens = 0
      let request = 0
      const sample = async () => {
        const begin = performance.now()
        const length = random.int(PROMPT / 2, PROMPT)
        let first = true
        await sampler.sample(
          Int32Array.from({ length }, () => random.int(0, 255)),
          {
            n: 1,
            maxTokens: random.int(NEW / 2, NEW),
            temperature: 1,
            seed: request++,
            onToken: () => {
              if (first) waits.push(performance.now() - begin)
              first = false
              tokens++
            },
          },
        )
      }
      const client = async (delay: number) => {
        await new Promise((resolve) => setTimeout(resolve, delay))
        for (let i = 0; i < REQUESTS; i++) await sample()
      }
      const begin = performance.now()
      await sample()
      const one = performance.now() - begin
      tokens = waits.length = 0
      const start = performance.now()
      await Promise.all(Array.from({ length: clients }, () => client(random.uniform() * one)))
      const rate = tokens / ((performance.now() - start) / 1000)
      single ||= rate
      waits.sort((a, b) => a - b)
      const quantile = (q: number) =>
        waits[Math.min(waits.length - 1, Math.floor(q * waits.length))]!.toFixed(0)
      console.log(
        `${clients} ${clients === 1 ? 'client' : 'clients'}: ${rate.toFixed(0)} tokens/s, ${(rate / single).toFixed(1)} × one client; first token after ${quantile(0.5)} ms (median), ${quantile(0.99)} ms (99 %)`,
      )
    }
    await sampler.close()
  } finally {
    await engine.close()
  }
}
