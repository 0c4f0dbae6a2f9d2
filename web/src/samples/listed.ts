import type { SampleDetail } from '../api/types.ts'

/*
 * The samples that were listed last, so that the page of one of them leads to the next in the same order. A sample that was
 * opened by its address alone has the next in the order of sampling.
 */
let listed: { readonly run: string; readonly ids: readonly number[] } = { run: '', ids: [] }

export const remember = (run: string, ids: readonly number[]): void => {
  listed = { run, ids }
}

/** The sample before or after one of a run; null at either end, and as long as that is not known. */
export function neighbour(run: string, id: number, read: SampleDetail, by: 1 | -1): number | null {
  const at = listed.run === run ? listed.ids.indexOf(id) : -1
  if (at >= 0) return listed.ids[at + by] ?? null
  if (read.id !== id) return null
  return by > 0 ? read.next : read.previous
}
