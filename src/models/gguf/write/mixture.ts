import type { ModelConfig } from '../../config.ts'
import { TENSOR_TYPES } from '../tensor-types.ts'
import type { WritableType } from './quantise.ts'

/** What `--quant` may be, each with its number in `general.file_type` (`llama_ftype` of llama.h). */
export const QUANTS = { f32: 0, f16: 1, q8_0: 7, q4_k_m: 15, bf16: 32 } as const
export type Quant = keyof typeof QUANTS
export const QUANT_NAMES = Object.keys(QUANTS) as Quant[]

const PLAIN: Readonly<Record<Quant, WritableType>> = {
  f32: 'F32',
  f16: 'F16',
  bf16: 'BF16',
  q8_0: 'Q8_0',
  q4_k_m: 'Q4_K',
}

/**
 * The type of a tensor with this GGUF name and shape [rows, width], as llama.cpp's quantize chooses it
 * (`llama_tensor_get_type` in llama-quant.cpp). Norms and biases stay float32.
 */
export function typeOf(
  quant: Quant,
  name: string,
  shape: readonly number[],
  config: Pick<ModelConfig, 'numLayers' | 'tieEmbeddings'>,
): WritableType {
  if (shape.length < 2) return 'F32'
  const plain = PLAIN[quant]
  if (TENSOR_TYPES[plain].blockSize === 1) return plain
  const width = shape.at(-1)!
  return fitting(quant === 'q4_k_m' ? mixed(name, width, config) : plain, width)
}

/** Q4_K_M: 6 bits for the output layer, and for v and down of a half of the layers: the first, the last, and each third. */
function mixed(
  name: string,
  width: number,
  { numLayers, tieEmbeddings }: Parameters<typeof typeOf>[3],
): WritableType {
  if (name === 'output.weight' || (tieEmbeddings && name === 'token_embd.weight'))
    return width % TENSOR_TYPES.Q4_K.blockSize === 0 ? 'Q6_K' : 'Q8_0'
  const layer = Number(/^blk\.(\d+)\.(?:attn_v|ffn_down)\.weight$/.exec(name)?.[1] ?? Number.NaN)
  const eighth = Math.floor(numLayers / 8)
  const moreBits = layer < eighth || layer >= Math.floor((7 * numLayers) / 8) || (layer - eighth) % 3 === 2
  return moreBits ? 'Q6_K' : 'Q4_K'
}

/** What is written in place of a type whose blocks do not fill rows of this width. */
function fitting(type: WritableType, width: number): WritableType {
  const fits = (one: WritableType): boolean => width % TENSOR_TYPES[one].blockSize === 0
  if (fits(type)) return type
  const smaller = { Q4_K: 'Q5_0', Q6_K: 'Q8_0' } as const
  const next = type === 'Q4_K' || type === 'Q6_K' ? smaller[type] : type
  return fits(next) ? next : 'F16'
}
