import type { ModelConfig } from '../../../models/config.ts'
import { forwardFlopsPerToken } from '../../../models/parameters.ts'
import type { Sequence } from './sequences.ts'

/**
 * Inputs of a program: rows of similar length, padded at the end. A row is a sequence or, if several sequences start with
 * the same prompt, its part after that prompt; the prompt is then computed once for all of them.
 */
export interface Microbatch {
  /** Index of each row's sequence in the caller's list. */
  readonly members: readonly number[]
  /** Number of positions of each sequence before its row. */
  readonly starts: readonly number[]
  /** Rows N and padded length T. */
  readonly batch: number
  readonly length: number
  /** int64 [N, T]. */
  readonly ids: BigInt64Array
  readonly positions: BigInt64Array
  readonly prefix: Prefix | null
  /** Flat indices (row · length + position) of the positions with a loss: [M]. */
  readonly rows: BigInt64Array
  readonly targets: BigInt64Array
  /** Row of each of these positions; of a comparison, its first row: [M]. */
  readonly sequence: BigInt64Array
  readonly weight: Float32Array
  readonly old: Float32Array
  readonly reference: Float32Array
  readonly advantage: Float32Array
  readonly marked: Float32Array
}

/** The shared prompts: Q prompts padded to P positions. */
interface Prefix {
  readonly count: number
  readonly length: number
  /** int64 [Q, P]. */
  readonly ids: BigInt64Array
  readonly positions: BigInt64Array
  /** float32 [N, Q]: 1 where the prompt is the row's. */
  readonly owner: Float32Array
  /** float32 [N, P], added to the scores: 0 for the row's prompt, very low for padding. */
  readonly mask: Float32Array
}

const MASKED = -1e9
/** Fixed cost of running a program, in floating point operations (small model) or tokens (large model). */
const OVERHEAD_FLOPS = 1e8
const OVERHEAD_TOKENS = 100

/** The first position with a loss; the positions before it are the prompt. */
const start = ({ weights }: Sequence): number => {
  const at = weights.findIndex((w) => w !== 0)
  return at < 0 ? weights.length : at
}

/** Groups sequences by the tokens before their first loss, in order of appearance. */
export function samePrefix(sequences: readonly Sequence[]): number[][] {
  const groups = new Map<string, number[]>()
  for (const [i, d] of sequences.entries()) {
    const key = d.tokens.subarray(0, start(d)).join()
    const group = groups.get(key)
    if (group) group.push(i)
    else groups.set(key, [i])
  }
  return [...groups.values()]
}

/**
 * Splits sequences into microbatches of at most `maxTokens` padded positions (one row may exceed it). Rows are never
 * split, since sequence-level objectives need all of their positions. Rows are sorted by length and split so that the
 * total work is least. Sequences without any loss are left out.
 */
export function microbatches(
  sequences: readonly Sequence[],
  config: ModelConfig,
  maxTokens: number,
): Microbatch[] {
  const groups = samePrefix(sequences)
  const share = 2 * groups.length <= sequences.length && sequences.every((d) => start(d) > 0)
  const rows = groups
    .flatMap((group, prompt) =>
      group.map((i): RowPlan => {
        const d = sequences[i]!
        const before = share ? start(d) : 0
        return { i, prompt, before, length: d.tokens.length - before }
      }),
    )
    .filter(({ i }) => start(sequences[i]!) < sequences[i]!.weights.length)
    .sort((a, b) => b.length - a.length || a.prompt - b.prompt || a.i - b.i)
  const units = together(rows, ({ i }) => sequences[i]!.comparison)
  return cut(units, config, maxTokens).map((part) => assemble(sequences, part))
}

/**
 * Groups items into units that must stay together: the items of one comparison, at the place of the first; any other
 * item alone.
 */
export function together<Item>(
  items: readonly Item[],
  comparisonOf: (item: Item) => number | undefined,
): Item[][] {
  const units = new Map<number | symbol, Item[]>()
  for (const item of items) {
    const key = comparisonOf(item) ?? Symbol('alone')
    const unit = units.get(key)
    if (unit) unit.push(item)
    else units.set(key, [item])
  }
  return [...units.values()]
}

interface RowPlan {
  readonly i: number
  readonly prompt: number
  readonly before: number
  readonly length: number
}

/** The cheapest split of rows, longest first, into contiguous parts; units stay together. */
function cut(units: readonly RowPlan[][], config: ModelConfig, maxTokens: number): RowPlan[][] {
  const rows = units.flat()
  const unitOf = units.flatMap((unit, k) => unit.map(() => k))
  const perToken = forwardFlopsPerToken(config, 0)
  const perKey = forwardFlopsPerToken(config, 1) - perToken
  const overhead = Math.max(OVERHEAD_FLOPS, OVERHEAD_TOKENS * perToken)
  // least[k]: the least work for rows k and later, and the end of their first part
  const least: { work: number; end: number }[] = new Array(rows.length + 1)
  least[rows.length] = { work: 0, end: rows.length }
  for (let from = rows.length - 1; from >= 0; from--) {
    const { length } = rows[from]!
    const prompts = new Set<number>()
    let before = 0
    let best = { work: Number.POSITIVE_INFINITY, end: from + 1 }
    for (let to = from; to < rows.length; to++) {
      prompts.add(rows[to]!.prompt)
      before = Math.max(before, rows[to]!.before)
      const rowTokens = (to + 1 - from) * length
      const promptTokens = prompts.size * before
      if (unitOf[to] !== unitOf[from] && rowTokens + promptTokens > maxTokens) break
      if (unitOf[to + 1] === unitOf[to]) continue
      const work =
        overhead +
        rowTokens * (perToken + perKey * (before + length)) +
        promptTokens * (perToken + perKey * before) +
        least[to + 1]!.work
      if (work <= best.work) best = { work, end: to + 1 }
    }
    least[from] = best
  }
  const parts: RowPlan[][] = []
  for (let from = 0; from < rows.length; from = least[from]!.end)
    parts.push(rows.slice(from, least[from]!.end))
  return parts
}

function assemble(sequences: readonly Sequence[], plan: readonly RowPlan[]): Microbatch {
  const batch = plan.length
  const length = plan[0]!.length
  const losses = plan.reduce(
    (n, { i }) => n + sequences[i]!.weights.reduce((c, w) => c + Number(w !== 0), 0),
    0,
  )
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
    marked: real(),
  }
  const ids = new BigInt64Array(batch * length)
  const positions = new BigInt64Array(batch * length)
  const firstRow = new Map<number, number>()
  let at = 0
  for (const [row, { i, before }] of plan.entries()) {
    const d = sequences[i]!
    if (d.comparison !== undefined && !firstRow.has(d.comparison)) firstRow.set(d.comparison, row)
    const sequence = d.comparison === undefined ? row : firstRow.get(d.comparison)!
    for (let t = 0; t < length; t++) {
      const flat = row * length + t
      const from = before + t
      if (from >= d.tokens.length) break
      positions[flat] = BigInt(from)
      ids[flat] = BigInt(d.tokens[from]!)
      if (d.weights[from] === 0) continue
      per.rows[at] = BigInt(flat)
      per.targets[at] = BigInt(d.targets[from]!)
      per.sequence[at] = BigInt(sequence)
      per.weight[at] = d.weights[from]!
      per.old[at] = d.old?.[from] ?? 0
      per.reference[at] = d.reference?.[from] ?? 0
      per.advantage[at] = d.advantages?.[from] ?? 0
      per.marked[at] = d.marked?.[from] ?? 0
      at++
    }
  }
  return {
    members: plan.map(({ i }) => i),
    starts: plan.map(({ before }) => before),
    batch,
    length,
    ids,
    positions,
    prefix: plan[0]!.before > 0 ? assemblePrefix(sequences, plan) : null,
    ...per,
  }
}

function assemblePrefix(sequences: readonly Sequence[], plan: readonly RowPlan[]): Prefix {
  const first = new Map<number, RowPlan>()
  for (const row of plan) if (!first.has(row.prompt)) first.set(row.prompt, row)
  const prompts = [...first.keys()]
  const count = prompts.length
  const length = Math.max(...plan.map(({ before }) => before))
  const ids = new BigInt64Array(count * length)
  const positions = new BigInt64Array(count * length)
  for (const [q, { i, before }] of [...first.values()].entries())
    for (let t = 0; t < before; t++) {
      ids[q * length + t] = BigInt(sequences[i]!.tokens[t]!)
      positions[q * length + t] = BigInt(t)
    }
  const owner = new Float32Array(plan.length * count)
  const mask = new Float32Array(plan.length * length)
  for (const [row, { prompt, before }] of plan.entries()) {
    owner[row * count + prompts.indexOf(prompt)] = 1
    mask.fill(MASKED, row * length + before, (row + 1) * length)
  }
  return { count, length, ids, positions, owner, mask }
}

/** Writes a per-position result [M] to the sequences' positions in `into`. */
export function scatter(microbatch: Microbatch, values: Float32Array, into: Float32Array[]): void {
  for (let k = 0; k < values.length; k++) {
    const flat = Number(microbatch.rows[k])
    const row = Math.floor(flat / microbatch.length)
    const position = microbatch.starts[row]! + flat - row * microbatch.length
    into[microbatch.members[row]!]![position] = values[k]!
  }
}
