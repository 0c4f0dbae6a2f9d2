import { UserError } from '../common/errors.ts'
import { Random } from '../common/random.ts'
import type { Adapter, ModelConfig } from './config.ts'
import { type Model, parameterShapes } from './parameters.ts'

/*
 * Low-rank adapters (Hu et al. 2021, arXiv 2106.09685). A linear layer with an adapter computes
 *
 *   y = x Wᵀ + b + s·(x Aᵀ) Bᵀ,   A [rank, in],  B [out, rank]
 *
 * where only A and B are trained. They are parameters of the model, named `LAYER.lora_A.weight` and `LAYER.lora_B.weight`.
 */

/** The settings of low-rank adapters. */
export interface LoraSettings {
  readonly rank: number
  /** s = alpha / rank. */
  readonly alpha: number
  /** The layers that get an adapter: every linear layer of the decoder, or those whose names end with one of these. */
  readonly targets: 'all-linear' | readonly string[]
}

/** Which adapters to train. */
export interface Lora extends LoraSettings {
  /** Of the initial values of A. */
  readonly seed: number
  /** The folder that saved adapters name as their base model; by default the one that the engine was opened from. */
  readonly base?: string | undefined
}

const LINEAR = /^(model\.layers\.\d+\..*_proj)\.weight$/

/** The names of the linear layers that can have adapters, in the order of `parameterShapes`. */
export function linearLayers(config: ModelConfig): string[] {
  return [...parameterShapes({ ...config, adapters: undefined }).keys()].flatMap(
    (name) => LINEAR.exec(name)?.[1] ?? [],
  )
}

/** Does PEFT's `target_modules` entry mean this layer? */
export const means = (target: string, layer: string): boolean =>
  layer === target || layer.endsWith(`.${target}`)

/**
 * The architecture with new adapters.
 *
 * @throws UserError for a target that is no linear layer of the decoder, and for a rank above the width of every layer.
 */
export function withAdapters(config: ModelConfig, { rank, alpha, targets }: LoraSettings): ModelConfig {
  const layers = linearLayers(config)
  const wanted = targets === 'all-linear' ? layers : layers.filter((l) => targets.some((t) => means(t, l)))
  const unknown =
    targets === 'all-linear'
      ? undefined
      : targets.find((target) => !layers.some((layer) => means(target, layer)))
  if (unknown !== undefined || wanted.length === 0) {
    const names = [...new Set(layers.map((layer) => layer.slice(layer.lastIndexOf('.') + 1)))]
    throw new UserError(
      `lora.targets names ${unknown ?? 'no layer'}, which is no linear layer of this model: choose all-linear, or some of ${names.join(', ')}`,
      2,
    )
  }
  const shapes = parameterShapes({ ...config, adapters: undefined })
  const widest = Math.max(...wanted.flatMap((layer) => shapes.get(`${layer}.weight`)!))
  if (rank > widest)
    throw new UserError(
      `lora.rank is ${rank}, but no layer that gets an adapter is wider than ${widest}: give a smaller rank, such as 16`,
      2,
    )
  const adapter: Adapter = { rank, alpha }
  return { ...config, adapters: Object.fromEntries(wanted.map((layer) => [layer, adapter])) }
}

/** How many values are trained: those of the adapters and, in a reward model, its head. */
export function countTrained(config: ModelConfig, lora: LoraSettings | null): number {
  const shapes = parameterShapes(lora === null ? config : withAdapters(config, lora))
  let count = 0
  for (const [name, shape] of shapes)
    if (lora === null || isTrainedWithAdapters(name)) count += shape.reduce((a, b) => a * b, 1)
  return count
}

/** The model without adapters that computes the same: W + alpha/rank·B A in the place of W, in double precision. */
export function merged({ config: { adapters = {}, ...config }, parameters }: Model): Model {
  const plain = new Map(parameters)
  for (const [layer, { rank, alpha }] of Object.entries(adapters)) {
    const { a, b } = adapterNames(layer)
    const name = `${layer}.weight`
    plain.set(name, sumOf(plain.get(name)!, plain.get(a)!, plain.get(b)!, rank, alpha / rank))
    plain.delete(a)
    plain.delete(b)
  }
  return { config, parameters: plain }
}

/** W + s·B A of W [out, in], A [rank, in] and B [out, rank]. */
function sumOf(
  w: Float32Array,
  a: Float32Array,
  b: Float32Array,
  rank: number,
  s: number,
): Float32Array<ArrayBuffer> {
  const width = a.length / rank
  const result = new Float32Array(w.length)
  const row = new Float64Array(width)
  for (let o = 0; o * width < w.length; o++) {
    for (let i = 0; i < width; i++) row[i] = w[o * width + i]!
    let k = 0
    // two rows of A at a time: the loop waits for memory
    for (; k + 1 < rank; k += 2) {
      const [f, g] = [s * b[o * rank + k]!, s * b[o * rank + k + 1]!]
      const [at, next] = [k * width, (k + 1) * width]
      for (let i = 0; i < width; i++) row[i] = row[i]! + f * a[at + i]! + g * a[next + i]!
    }
    if (k < rank) {
      const f = s * b[o * rank + k]!
      for (let i = 0; i < width; i++) row[i] = row[i]! + f * a[k * width + i]!
    }
    result.set(row, o * width)
  }
  return result
}

/** The names of an adapter's two parameters. */
export const adapterNames = (layer: string): { a: string; b: string } => ({
  a: `${layer}.lora_A.weight`,
  b: `${layer}.lora_B.weight`,
})

/** Is a parameter trained where adapters are: one of theirs, or the head of a reward model, which is new? */
export const isTrainedWithAdapters = (name: string): boolean => isAdapter(name) || name === 'score.weight'

/** Is this a parameter of an adapter? */
export const isAdapter = (name: string): boolean => /\.lora_[AB]\.weight$/.test(name)

/**
 * Initial values of all adapters, which depend only on the seed and do not change what the model computes, as in PEFT: A is
 * U(−1/√in, 1/√in), which is Kaiming's uniform distribution with a = √5, and B is 0.
 */
export function initAdapters(config: ModelConfig, seed: number): Map<string, Float32Array<ArrayBuffer>> {
  const parameters = new Map<string, Float32Array<ArrayBuffer>>()
  for (const [name, shape] of parameterShapes(config)) {
    if (!isAdapter(name)) continue
    const values = new Float32Array(shape[0]! * shape[1]!)
    if (name.endsWith('.lora_A.weight')) {
      const random = new Random(seed, 'adapters', name)
      const bound = 1 / Math.sqrt(shape[1]!)
      for (let i = 0; i < values.length; i++) values[i] = (2 * random.uniform() - 1) * bound
    }
    parameters.set(name, values)
  }
  return parameters
}
