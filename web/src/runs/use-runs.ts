import { changed } from '../api/live.ts'
import type { RunSummary } from '../api/types.ts'
import { type Resource, useResource } from '../api/use-resource.ts'

/** All runs, with what has changed since they were read; those of one level are in the order of their creation, newest first. */
export function useRuns(): Resource<readonly RunSummary[]> {
  const resource = useResource<{ runs: readonly RunSummary[] }>('runs')
  if (resource.data === null) return { ...resource, data: null }
  const runs = new Map(resource.data.runs.map((run) => [run.id, run]))
  for (const [id, run] of changed.value) {
    if (run === null) runs.delete(id)
    else runs.set(id, run)
  }
  const data = [...runs.values()].sort((a, b) => b.created.localeCompare(a.created))
  return { ...resource, data }
}

/** A run with the level at which it is shown: 0, or 1 for a run inside another. */
export interface Placed {
  readonly run: RunSummary
  readonly level: number
}

/** Runs below the run that they are a part of, which is oldest first, as its stages follow each other. */
export function asTree(runs: readonly RunSummary[]): Placed[] {
  const known = new Set(runs.map(({ id }) => id))
  const below = (parent: string | null, level: number): Placed[] => {
    const children = runs.filter((run) =>
      parent === null ? run.parent === null || !known.has(run.parent) : run.parent === parent,
    )
    const ordered = parent === null ? children : children.toReversed()
    return ordered.flatMap((run) => [{ run, level }, ...below(run.id, level + 1)])
  }
  return below(null, 0)
}
