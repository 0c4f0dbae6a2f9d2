import type { Datum } from '../contract.ts'

/** Sequences of similar length, padded to the longest, as the train program reads them. */
export interface Microbatch {
  /** Indices of the datums in the caller's list, one a row. */
  readonly members: readonly number[]
  /** Rows and padded length. */
  readonly batch: number
  readonly length: number
  readonly ids: BigInt64Array
  readonly positions: BigInt64Array
  readonly segments: BigInt64Array
  /** Flat indices (row · length + position) of the positions with a loss: [M]. */
  readonly rows: BigInt64Array
  readonly targets: BigInt64Array
  /** Row of each of these positions: [M]. */
  readonly sequence: BigInt64Array
  readonly weight: Float32Array
  readonly old: Float32Array
  readonly reference: Float32Array
  readonly advantage: Float32Array
}

/**
 * Splits datums into microbatches bucketed by length: at most `maxTokens` padded positions each (one sequence may
 * exceed it), whole sequences only, so that sequence-level objectives see all of theirs.
 */
export function microbatches(datums: readonly Datum[], maxTokens: number): Microbatch[] {
  const order = datums
    .map((_, i) => i)
    .sort((a, b) => datums[b]!.tokens.length - datums[a]!.tokens.length || a - b)
  const groups: number[][] = []
  let longest = 0
  for (const i of order) {
    const group = groups.at(-1)
    if (group && (group.length + 1) * longest <= maxTokens) group.push(i)
    else {
      groups.push([i])
      longest = datums[i]!.tokens.length
    }
  }
  return groups.map((members) => assemble(datums, members))
}

function assemble(datums: readonly Datum[], members: readonly number[]): Microbatch {
  const batch = members.length
  const length = Math.max(...members.map((i) => datums[i]!.tokens.length))
  const ids = new BigInt64Array(batch * length)
  const positions = new BigInt64Array(batch * length)
  const segments = new BigInt64Array(batch * length)
  const losses = members.reduce((n, i) => n + datums[i]!.weights.reduce((c, w) => c + Number(w !== 0), 0), 0)
  const int = () => new BigInt64Array(losses)
  const real = () => new Float32Array(losses)
  const per = {
    rows: int(),
    targets: int(),
    sequence: int(),
    weight: real(),
    old: real(),
    reference: real(),
    advantage: real(),
  }
  let at = 0
  for (const [row, i] of members.entries()) {
    const d = datums[i]!
    for (let t = 0; t < length; t++) {
      const flat = row * length + t
      positions[flat] = BigInt(t)
      if (t >= d.tokens.length) continue
      ids[flat] = BigInt(d.tokens[t]!)
      segments[flat] = 1n
      if (d.weights[t] === 0) continue
      per.rows[at] = BigInt(flat)
      per.targets[at] = BigInt(d.targets[t]!)
      per.sequence[at] = BigInt(row)
      per.weight[at] = d.weights[t]!
      per.old[at] = d.logprobs?.[t] ?? 0
      per.reference[at] = d.reference?.[t] ?? 0
      per.advantage[at] = d.advantages?.[t] ?? 0
      at++
    }
  }
  return { members, batch, length, ids, positions, segments, ...per }
}

/** Spreads a per-position result [M] back over the datums' positions; NaN where there was no loss. */
export function scatter(microbatch: Microbatch, values: Float32Array, into: Float32Array[]): void {
  for (let k = 0; k < values.length; k++) {
    const flat = Number(microbatch.rows[k])
    const row = Math.floor(flat / microbatch.length)
    into[microbatch.members[row]!]![flat - row * microbatch.length] = values[k]!
  }
}
