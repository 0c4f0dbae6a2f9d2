/*
 * The samples that were listed last, so that the page of one of them leads to the next in the same order. A sample that was
 * opened by its address alone has the next in the order of sampling.
 */
let ids: readonly number[] = []

export const remember = (listed: readonly number[]): void => {
  ids = listed
}

export function neighbour(id: number, by: 1 | -1): number | null {
  const at = ids.indexOf(id)
  if (at < 0) return id + by > 0 ? id + by : null
  return ids[at + by] ?? null
}
