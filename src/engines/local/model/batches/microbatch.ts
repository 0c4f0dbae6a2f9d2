import { MASKED } from '../../../../models/attention.ts'
import type { ModelConfig } from '../../../../models/config.ts'
import { forwardFlopsPerToken } from '../../../../models/parameters.ts'
import { isSmall } from '../size.ts'
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
  readonly tokens: Tokens
  readonly prefix: Prefix | null
  /** Which positions have a loss: their indices among the tokens [M], and their cells. */
  readonly rows: BigInt64Array
  readonly cells: BigInt64Array
  readonly targets: BigInt64Array
  /** Row of each of these positions; of a comparison, its first row: [M]. */
  readonly sequence: BigInt64Array
  readonly weight: Float32Array
  readonly old: Float32Array
  readonly reference: Float32Array
  readonly advantage: Float32Array
  readonly marked: Float32Array
}

/** Tokens in a grid of rows, padded at the end. */
export interface Tokens {
  /** Rows N and padded length T. */
  readonly batch: number
  readonly length: number
  /** int64 [N, T]. */
  readonly positions: BigInt64Array
  /** int64 [N, T], or [L] if they are packed. */
  readonly ids: BigInt64Array
  /** See `Packing` of the decoder: int64 [N, T] and [L]. */
  readonly packing: { readonly grid: BigInt64Array; readonly cells: BigInt64Array } | null
}

/** The shared prompts: Q prompts padded to P positions. */
interface Prefix {
  readonly tokens: Tokens
  /** float32 [N, Q]: 1 where the prompt is the row's. */
  readonly owner: Float32Array
  /** float32 [N, P], added to the scores: 0 for the row's prompt, very low for padding. */
  readonly mask: Float32Array
}

/** How sequences are split into microbatches. */
export interface Split {
  /** At most this many positions, of prompts too; one row may exceed it. */
  readonly maxTokens: number
  /** At most this many positions with a loss; one row may exceed it. */
  readonly maxLosses: number
  /** Leave out padding wherever it can be. */
  readonly packed: boolean
  /** The logits of a microbatch are computed in this many parts, unless the output layer is trained. */
  readonly chunks: number
}

/**
 * Limits of a microbatch: positions, and elements of its [positions, vocabulary] matrices. Large enough for fast matrix
 * products; for a small model, small enough that a layer's output is still in the processor's cache when the next layer
 * reads it; for a large one, so that what the backward pass needs of the forward pass fits into memory.
 */
const MICROBATCH_TOKENS = 1280
const MICROBATCH_LOGITS = 2 ** 26
const LARGE_MICROBATCH_TOKENS = 2048
const LARGE_MICROBATCH_LOGITS = 2 ** 27
const LARGE_VOCABULARY = 2 ** 14
const ACTIVATION_BYTES = 2 ** 31

/** How a model's batches are split. */
export function splitFor(config: ModelConfig): Split {
  const least = (...limits: number[]) => Math.max(1, Math.floor(Math.min(...limits)))
  const { vocabSize } = config
  if (isSmall(config)) {
    const maxTokens = least(MICROBATCH_TOKENS, MICROBATCH_LOGITS / vocabSize)
    return { packed: false, maxTokens, maxLosses: maxTokens, chunks: 1 }
  }
  return {
    packed: true,
    maxTokens: least(LARGE_MICROBATCH_TOKENS, ACTIVATION_BYTES / activationBytes(config)),
    maxLosses: least(LARGE_MICROBATCH_LOGITS / vocabSize),
    chunks: vocabSize >= LARGE_VOCABULARY ? 4 : 1,
  }
}

/** About what the backward pass needs of one token's forward pass, besides the logits. */
const activationBytes = ({ numLayers, hiddenSize, intermediateSize }: ModelConfig): number =>
  4 * numLayers * (8 * hiddenSize + 4 * intermediateSize)

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
 * Splits sequences into microbatches. Rows are never split, since sequence-level objectives need all of their positions.
 * Rows are sorted by length and split so that the total work is least. Sequences without any loss are left out.
 */
export function microbatches(
  sequences: readonly Sequence[],
  config: ModelConfig,
  split: Split,
): Microbatch[] {
  const groups = samePrefix(sequences)
  const share = 2 * groups.length <= sequences.length && sequences.every((d) => start(d) > 0)
  const rows = groups
    .flatMap((group, prompt) =>
      group.map((i): RowPlan => {
        const d = sequences[i]!
        const before = share ? start(d) : 0
        const losses = d.weights.reduce((count, w) => count + Number(w !== 0), 0)
        return { i, prompt, before, length: d.tokens.length - before, losses }
      }),
    )
    .filter(({ i }) => start(sequences[i]!) < sequences[i]!.weights.length)
    .sort((a, b) => b.length - a.length || a.prompt - b.prompt || a.i - b.i)
  const units = together(rows, ({ i }) => sequences[i]!.comparison)
  return cut(units, config, split).map((part) => assemble(sequences, part, split.packed))
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
  /** Positions with a loss. */
  readonly losses: number
}

/** The cheapest split of rows, longest first, into contiguous parts; units stay together. */
function cut(
  units: readonly RowPlan[][],
  config: ModelConfig,
  { maxTokens, maxLosses, packed }: Split,
): RowPlan[][] {
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
    let [own, prompt, losses] = [0, 0, 0]
    let best = { work: Number.POSITIVE_INFINITY, end: from + 1 }
    for (let to = from; to < rows.length; to++) {
      if (!prompts.has(rows[to]!.prompt)) prompt += rows[to]!.before
      prompts.add(rows[to]!.prompt)
      before = Math.max(before, rows[to]!.before)
      own += rows[to]!.length
      losses += rows[to]!.losses
      const [rowCells, promptCells] = [(to + 1 - from) * length, prompts.size * before]
      const [rowTokens, promptTokens] = packed ? [own, prompt] : [rowCells, promptCells]
      const tooLarge = rowTokens + promptTokens > maxTokens || losses > maxLosses
      if (unitOf[to] !== unitOf[from] && tooLarge) break
      if (unitOf[to + 1] === unitOf[to]) continue
      const work =
        overhead +
        rowTokens * perToken +
        rowCells * perKey * (before + length) +
        promptTokens * perToken +
        promptCells * perKey * before +
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

function assemble(sequences: readonly Sequence[], plan: readonly RowPlan[], packed: boolean): Microbatch {
  const losses = plan.reduce((sum, { losses }) => sum + losses, 0)
  const int = () => new BigInt64Array(losses)
  const real = () => new Float32Array(losses)
  const per = {
    rows: int(),
    cells: int(),
    targets: int(),
    sequence: int(),
    weight: real(),
    old: real(),
    reference: real(),
    advantage: real(),
    marked: real(),
  }
  const tokens = lay(
    plan.map(({ i, before }) => ({ tokens: sequences[i]!.tokens, from: before })),
    packed,
  )
  const { length } = tokens
  const firstRow = new Map<number, number>()
  let at = 0
  let token = 0
  for (const [row, { i, before }] of plan.entries()) {
    const d = sequences[i]!
    if (d.comparison !== undefined && !firstRow.has(d.comparison)) firstRow.set(d.comparison, row)
    const sequence = d.comparison === undefined ? row : firstRow.get(d.comparison)!
    for (let from = before; from < d.tokens.length; from++, token++) {
      if (d.weights[from] === 0) continue
      const cell = row * length + from - before
      per.rows[at] = BigInt(tokens.packing ? token : cell)
      per.cells[at] = BigInt(cell)
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
    tokens,
    prefix: plan[0]!.before > 0 ? assemblePrefix(sequences, plan, packed) : null,
    ...per,
  }
}

/** Rows of tokens, each from position `from` on. */
function lay(
  rows: readonly { readonly tokens: Int32Array; readonly from: number }[],
  packed: boolean,
): Tokens {
  const batch = rows.length
  const length = Math.max(...rows.map(({ tokens, from }) => tokens.length - from))
  const cells = batch * length
  const count = rows.reduce((sum, { tokens, from }) => sum + tokens.length - from, 0)
  const padded = count < cells
  const positions = new BigInt64Array(cells)
  // Packed, the cells without a token belong to one more, the last.
  const ids = new BigInt64Array(packed ? count + Number(padded) : cells)
  const packing = packed
    ? { grid: new BigInt64Array(cells).fill(BigInt(count)), cells: new BigInt64Array(ids.length) }
    : null
  let token = 0
  for (const [row, { tokens, from }] of rows.entries())
    for (let position = from; position < tokens.length; position++, token++) {
      const cell = row * length + position - from
      positions[cell] = BigInt(position)
      ids[packing ? token : cell] = BigInt(tokens[position]!)
      if (!packing) continue
      packing.grid[cell] = BigInt(token)
      packing.cells[token] = BigInt(cell)
    }
  if (packing && padded) packing.cells[count] = BigInt(packing.grid.indexOf(BigInt(count)))
  return { batch, length, positions, ids, packing }
}

function assemblePrefix(sequences: readonly Sequence[], plan: readonly RowPlan[], packed: boolean): Prefix {
  const first = new Map<number, RowPlan>()
  for (const row of plan) if (!first.has(row.prompt)) first.set(row.prompt, row)
  const prompts = [...first.keys()]
  const tokens = lay(
    [...first.values()].map(({ i, before }) => ({
      tokens: sequences[i]!.tokens.subarray(0, before),
      from: 0,
    })),
    packed,
  )
  const { batch, length } = tokens
  const owner = new Float32Array(plan.length * batch)
  const mask = new Float32Array(plan.length * length)
  for (const [row, { prompt, before }] of plan.entries()) {
    owner[row * batch + prompts.indexOf(prompt)] = 1
    mask.fill(MASKED, row * length + before, (row + 1) * length)
  }
  return { tokens, owner, mask }
}

/** Writes a per-position result [M] to the sequences' positions in `into`. */
export function scatter(microbatch: Microbatch, values: Float32Array, into: Float32Array[]): void {
  for (let k = 0; k < values.length; k++) {
    const cell = Number(microbatch.cells[k])
    const { length } = microbatch.tokens
    const row = Math.floor(cell / length)
    const position = microbatch.starts[row]! + cell - row * length
    into[microbatch.members[row]!]![position] = values[k]!
  }
}
