/** A run that this process writes. */
export interface OpenRun {
  /** Does it train a model, so that stopping it writes a checkpoint? */
  trains: boolean
  /** Resolves once the aborted run has a checkpoint of its last completed step, or the run has ended. */
  readonly saved: Promise<void>
}

const open = new Set<OpenRun>()

/** Adds a run to those that this process writes. Returns the function that removes it. */
export function registerRun(run: OpenRun): () => void {
  open.add(run)
  return () => open.delete(run)
}

/** Does this process write a run, and does one of them train? */
export const openRuns = (): { readonly any: boolean; readonly training: boolean } => ({
  any: open.size > 0,
  training: [...open].some(({ trains }) => trains),
})

/** Resolves once every aborted run of this process that trains has its checkpoint. */
export async function checkpointsWritten(): Promise<void> {
  await Promise.all([...open].filter(({ trains }) => trains).map(({ saved }) => saved))
}
