/** Settings as they are written: names with values or with further settings. */
export type Tree = { [key: string]: unknown }

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Merges settings; later layers override earlier ones, setting by setting. */
export function merge(...layers: readonly Tree[]): Tree {
  // without a prototype, so that __proto__ is an unknown setting like any other
  const out: Tree = Object.create(null)
  for (const layer of layers)
    for (const [key, value] of Object.entries(layer)) {
      if (value === undefined) continue
      const below = out[key]
      out[key] = isTree(value) && isTree(below) ? merge(below, value) : value
    }
  return out
}
