import { Random } from '../src/common/random.ts'
import { choose } from '../src/engines/local/model/choose.ts'

/** As large as Qwen's. */
const VOCABULARY = 151_936
/** Rows of a batch, which are drawn from one after the other. */
const ROWS = 16

const modes = {
  'temperature alone': {},
  'top-k 50': { topK: 50 },
  'top-p 0.95': { topP: 0.95 },
  'min-p 0.05': { minP: 0.05 },
  'top-k 50, top-p 0.95, min-p 0.05': { topK: 50, topP: 0.95, minP: 0.05 },
  'top-k 100,000, top-p 0.999': { topK: 100_000, topP: 0.999 },
}

/** Distributions as softmax(deviation · normal noise): the larger the deviation, the fewer tokens have most of it. */
const rows = { flat: 0, broad: 2, peaked: 6 }

/** Drawing a token from the probabilities that the model computed, which is done for every sequence at each step. */
export function choosing(repetitions = 20): void {
  console.log(
    `\nchoosing a token, vocabulary ${VOCABULARY}, one thread: milliseconds of CPU time a sequence, the least of ${repetitions} repetitions`,
  )
  console.log(
    `  ${''.padEnd(36)}${Object.keys(rows)
      .map((name) => name.padStart(8))
      .join('')}`,
  )
  const batches = Object.values(rows).map(batch)
  for (const [name, mode] of Object.entries(modes)) {
    const times = batches.map((probs) => time(probs, mode, repetitions).toFixed(2).padStart(8))
    console.log(`  ${name.padEnd(36)}${times.join('')}`)
  }
}

function time(probs: Float32Array, mode: object, repetitions: number): number {
  const random = new Random('bench', 'choose')
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < repetitions; i++) {
    const before = process.cpuUsage()
    for (let row = 0; row < ROWS; row++)
      choose(probs, row * VOCABULARY, VOCABULARY, { temperature: 0.6, ...mode }, random)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000 / ROWS)
  }
  return least
}

/** Rows of probabilities, [ROWS, VOCABULARY]. */
function batch(deviation: number): Float32Array {
  const random = new Random('bench', 'rows', deviation)
  const probs = new Float32Array(ROWS * VOCABULARY)
  for (let row = 0; row < ROWS; row++) {
    const part = probs.subarray(row * VOCABULARY, (row + 1) * VOCABULARY)
    for (let i = 0; i < VOCABULARY; i++) part[i] = Math.exp(deviation * random.normal() - 4 * deviation)
    const sum = part.reduce((total, p) => total + p, 0)
    for (let i = 0; i < VOCABULARY; i++) part[i] = part[i]! / sum
  }
  return probs
}
