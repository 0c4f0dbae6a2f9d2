import { setTimeout } from 'node:timers/promises'
import { Peer, type Repetition } from './peer.ts'

/**
 * Pause before each repetition: thread pools keep spinning for a while after their work and would use the other side's
 * cores.
 */
const PAUSE_MS = 500

/** Threads of each side. */
export const THREADS = 2

export interface Comparison {
  readonly name: string
  /** Descriptions of the model and the work. */
  readonly work: readonly string[]
  /** One repetition of our side. */
  readonly ours: () => Promise<Repetition>
  /** `peers/<script>` and its settings. */
  readonly peer: { readonly script: string; readonly setup: object }
  readonly repetitions: number
  /** Amount of work per repetition, for a rate. */
  readonly amount: { readonly count: number; readonly unit: string }
  /** Maximum difference of the losses after the first repetition; later, rounding makes them diverge. */
  readonly sameLoss?: number
}

/**
 * Runs both sides alternately, after one repetition of each to warm up. Prints medians, and the median of the ratios of
 * adjacent repetitions: the speed of a shared machine may change from minute to minute.
 */
export async function compare({
  name,
  work,
  ours,
  peer: { script, setup },
  repetitions,
  amount,
  sameLoss,
}: Comparison): Promise<void> {
  console.log(`\n${name}`)
  for (const line of work) console.log(`  ${line}`)
  const peer = await Peer.start(script, { ...setup, threads: THREADS, repetitions: repetitions + 1 })
  const times = { ours: [] as number[], theirs: [] as number[] }
  let difference = 0
  try {
    for (let i = 0; i <= repetitions; i++) {
      await setTimeout(PAUSE_MS)
      const our = await ours()
      await setTimeout(PAUSE_MS)
      const their = typeof peer === 'string' ? null : await peer.repetition()
      if (i === 0) {
        if (their && sameLoss !== undefined) difference = Math.abs(our.loss! - their.loss!)
        continue
      }
      times.ours.push(our.seconds)
      if (their) times.theirs.push(their.seconds)
    }
  } finally {
    if (typeof peer !== 'string') peer.close()
  }
  report('Ruminate', times.ours, amount)
  if (typeof peer === 'string') return console.log(`  ${peer}`)
  report(peer.title, times.theirs, amount)
  const ratios = times.theirs.map((theirs, i) => theirs / times.ours[i]!)
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)]
  console.log(`  ${median(ratios).toFixed(2)} × as fast (${least.toFixed(2)} to ${most.toFixed(2)})`)
  if (sameLoss === undefined) return
  console.log(
    `  after the first repetition the losses of both sides differ by ${difference.toExponential(1)}`,
  )
  if (!(difference <= sameLoss))
    throw new Error(`${name}: the losses differ by ${difference}; the sides no longer do the same work`)
}

/** Seconds that `work` takes, and what it returns. */
export async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  const start = performance.now()
  const value = await work()
  return { seconds: (performance.now() - start) / 1000, value }
}

function report(side: string, seconds: readonly number[], { count, unit }: Comparison['amount']): void {
  const ms = (s: number) => (s < 10 ? `${(s * 1000).toFixed(s < 0.1 ? 1 : 0)} ms` : `${s.toFixed(1)} s`)
  const middle = median(seconds)
  const range = `${ms(Math.min(...seconds))} to ${ms(Math.max(...seconds))}, ${seconds.length} repetitions`
  console.log(
    `  ${side.padEnd(42)} ${ms(middle).padStart(9)}   ${Math.round(count / middle)} ${unit}/s   (${range})`,
  )
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
