import type { RunStore } from './store.ts'

/** Is told what a run records. */
export interface RunObserver {
  /** Metrics of a step. There may be more of the same step later; NaN is unknown. */
  recorded(step: number, metrics: Readonly<Record<string, number>>): void
  /** Everything after this step was discarded. */
  truncated(step: number): void
}

type Observe = (store: RunStore) => RunObserver

const observers = new Set<Observe>()

/** Calls `observe` for every run that this process begins or resumes from now on. Returns the function that ends this. */
export function observeRuns(observe: Observe): () => void {
  observers.add(observe)
  return () => observers.delete(observe)
}

/** The observers of a run that this process writes. */
export const observersOf = (store: RunStore): RunObserver[] => [...observers].map((observe) => observe(store))
