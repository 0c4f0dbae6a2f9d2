import { clock } from './words.ts'

/** Receives lines that say what is being done now. Each replaces the one before. */
export type Progress = (line: string) => void

/**
 * Reports how much of some work is done: "answering questions: 12 of 300, 0:40 left". The time left is estimated from the
 * pace so far, and left out until it is known.
 *
 * @returns a function to call whenever one unit of the work is done.
 */
export function counted(progress: Progress, what: string, total: number): () => void {
  const started = performance.now()
  let done = 0
  const report = (): void => {
    const seconds = (performance.now() - started) / 1000
    const left = done === 0 || done === total ? '' : `, ${clock((seconds / done) * (total - done))} left`
    progress(`${what}: ${done} of ${total}${left}`)
  }
  report()
  return () => {
    done++
    report()
  }
}
