import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Tokenizer } from '../src/models/tokenizer/tokenizer.ts'
import { sft } from '../src/recipes/sft.ts'
import { zero } from '../src/recipes/zero.ts'
import { Interrupted } from '../src/runs/interrupted.ts'
import { THREADS } from './compare.ts'

/* One measurement of `fits`: tsx bench/fits-step.ts FOLDER METHOD prints it as JSON. */

/** Training of all weights, and of adapters of rank 16 on all linear layers. */
export const METHODS = ['zero', 'sft', 'zero --lora 16', 'sft --lora 16'] as const
export type Method = (typeof METHODS)[number]

const [QUESTIONS, GROUP, NEW] = [4, 4, 128]
const [ROWS, LENGTH] = [8, 256]
/** What a step does. */
export const WORK = {
  zero: `${QUESTIONS} questions × ${GROUP} responses of up to ${NEW} tokens (the miniature's questions), reference policy, one update`,
  sft: `${ROWS} rows of ${LENGTH} tokens, one update`,
} as const

export interface Measured {
  /** Of the second step: the first one also prepares the engine. */
  readonly seconds: number
  readonly peakGiB: number
}

/** Trains two steps, writes a checkpoint, and stops. */
async function measure(model: string, method: Method): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-fits-'))
  const stop = new AbortController()
  const ends: number[] = []
  const watch = {
    signal: stop.signal,
    onWarning: () => {},
    onStep: () => {
      ends.push(performance.now())
      if (ends.length === 2) stop.abort()
    },
  }
  const [recipe, ...adapters] = method.split(' ')
  const lora = adapters.length > 0 ? { rank: 16 } : null
  const shared = { model, threads: THREADS, lora, out: join(folder, 'run') }
  try {
    if (recipe === 'zero')
      await zero({
        ...shared,
        ...watch,
        steps: 3,
        // Whether the length is even: random weights get different rewards in a group.
        rewards: [
          { name: 'even', weight: 1, score: ({ tokens, response }) => (tokens + response.length) % 2 },
        ],
        rl: { questionsPerStep: QUESTIONS, groupSize: GROUP, maxTokens: NEW, learningRate: 1e-6 },
        eval: { questions: 1 },
      })
    else {
      const data = join(folder, 'rows.jsonl')
      writeFileSync(data, rows(Tokenizer.load(model)))
      const { out, ...settings } = shared
      await sft(
        { ...settings, data, batchSize: ROWS, epochs: 1, maxLength: LENGTH, learningRate: 1e-6 },
        { ...watch, out },
      )
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const [first, second] = ends as [number, number]
  return {
    seconds: (second - first) / 1000,
    // in KiB
    peakGiB: process.resourceUsage().maxRSS / 2 ** 20,
  }
}

/** Rows of prompt and completion for more than two steps, each of `LENGTH` tokens with the one that ends it. */
function rows(tokenizer: Tokenizer): string {
  return Array.from({ length: 4 * ROWS }, (_, row) => {
    const prompt = `Count from ${row}.`
    const room = LENGTH - 1 - tokenizer.prefix.length - tokenizer.encode(prompt).length
    let completion = ` ${row}`
    while (tokenizer.encode(`${completion} 1`).length <= room) completion += ' 1'
    return `${JSON.stringify({ prompt, completion })}\n`
  }).join('')
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) {
  const [folder, method] = process.argv.slice(2) as [string, Method]
  console.log(JSON.stringify(await measure(folder, method)))
}
