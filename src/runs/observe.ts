/** Is told what a run records. */
export interface RunObserver {
  /** Metrics of a step. There may be more of the same step later; NaN is unknown. */
  recorded(step: number, metrics: Readonly<Record<string, number>>): void
  /** Everything after this step was discarded. */
  truncated(step: number): void
}

/** What an observer can read of a run. */
export interface ObservedRun {
  readonly directory: string
  info(): { readonly step: number }
  metricsAt(step: number): Readonly<Record<string, number>>
}

type Observe = (run: ObservedRun) => RunObserver

const observers = new Set<Observe>()

/** Calls `observe` for every run that this process begins or resumes from now on. Returns the function that ends this. */
export function observeRuns(observe: Observe): () => void {
  observers.add(observe)
  return () => observers.delete(observe)
}

/** The observers of a run that this process writes. */
export const observersOf = (run: ObservedRun): RunObserver[] => [...observers].map((observe) => observe(run))
