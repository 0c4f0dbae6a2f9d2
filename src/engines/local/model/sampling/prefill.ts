import type { ModelConfig } from '../../../../models/config.ts'
import { forwardFlopsPerToken } from '../../../../models/parameters.ts'
import type { Tensor } from '../../../../onnx/session.ts'
import { type PromptCache, vectorNames } from './cache.ts'

/**
 * Limits of a prefill: padded positions, elements of its [positions, intermediateSize] matrices, and elements of its
 * [prompts, heads, length, length] attention scores.
 */
const TOKENS = 8192
const ACTIVATIONS = 2 ** 23
const SCORES = 2 ** 26
/** What all prompts begin with is computed once if this saves so many floating point operations, about a second's work. */
const SHARED_FLOPS = 1e11

/** How prompts are computed: in batches of similar length, each after the `shared` tokens that all of them begin with. */
export interface Prefills {
  readonly shared: number
  /** The numbers of the prompts of each batch. */
  readonly batches: readonly (readonly number[])[]
}

export function planPrefills(config: ModelConfig, prompts: readonly Int32Array[]): Prefills {
  const shared = sharedBeginning(config, prompts)
  const longest = Math.max(...prompts.map(({ length }) => length))
  const own = longest - shared
  const most = Math.min(
    TOKENS / own,
    ACTIVATIONS / (config.intermediateSize * own),
    SCORES / (config.numHeads * own * longest),
  )
  const order = [...prompts.keys()].sort((a, b) => prompts[a]!.length - prompts[b]!.length || a - b)
  return { shared, batches: chunk(order, Math.max(1, Math.floor(most))) }
}

/** The number of tokens that all prompts begin with, if it pays to compute them once. The last token of each is its own. */
function sharedBeginning(config: ModelConfig, prompts: readonly Int32Array[]): number {
  const [first] = prompts as [Int32Array]
  let shared = first.length - 1
  for (const prompt of prompts) {
    shared = Math.min(shared, prompt.length - 1)
    for (let t = 0; t < shared; t++) if (prompt[t] !== first[t]) shared = t
  }
  const saved = (prompts.length - 1) * shared * forwardFlopsPerToken(config, 0)
  return saved < SHARED_FLOPS ? 0 : shared
}

/** Inputs of the prefill program: the prompts without the `shared` tokens, which are inputs of their own. */
export function prefillFeeds(prompts: readonly Int32Array[], shared: number): Record<string, Tensor> {
  const batch = prompts.length
  const length = Math.max(...prompts.map((p) => p.length)) - shared
  const grid = () => new BigInt64Array(batch * length)
  const [ids, positions] = [grid(), grid()]
  for (const [b, prompt] of prompts.entries())
    for (let t = shared; t < prompt.length; t++) {
      positions[b * length + t - shared] = BigInt(t)
      ids[b * length + t - shared] = BigInt(prompt[t]!)
    }
  const dims = [batch, length]
  const last = BigInt64Array.from(prompts, (p, b) => BigInt(b * length + p.length - shared - 1))
  const common = prompts[0]!.subarray(0, shared)
  return {
    ids: { data: ids, dims },
    positions: { data: positions, dims },
    last: { data: last, dims: [batch] },
    ...(shared > 0 && {
      'shared.ids': { data: BigInt64Array.from(common, BigInt), dims: [1, shared] },
      'shared.positions': { data: BigInt64Array.from(common, (_, t) => BigInt(t)), dims: [1, shared] },
    }),
  }
}

/** The cache of the prompt in row k of a prefill, of `length` tokens without its padding. */
export function promptCache(
  config: ModelConfig,
  prefill: Record<string, Tensor>,
  k: number,
  length: number,
): PromptCache {
  const { numKvHeads, headDim } = config
  const part = (name: string): Float32Array => {
    const own = prefill[`prompt${name}`]!
    const shared = prefill[`shared${name}`]
    const before = (shared?.dims[2] ?? 0) * headDim
    const width = own.dims[2]! * headDim
    const vectors = new Float32Array(numKvHeads * length * headDim)
    const size = length * headDim
    for (let h = 0; h < numKvHeads; h++) {
      const source = (k * numKvHeads + h) * width
      if (shared) vectors.set((shared.data as Float32Array).subarray(h * before, (h + 1) * before), h * size)
      vectors.set((own.data as Float32Array).subarray(source, source + size - before), h * size + before)
    }
    return vectors
  }
  return { length, vectors: vectorNames(config).map(part) }
}

const chunk = <T>(items: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size))
