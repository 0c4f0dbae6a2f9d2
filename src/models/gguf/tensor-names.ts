import type { ModelConfig } from '../config.ts'

/** How a parameter of a Hugging Face model is stored in a GGUF file. */
export interface StoredTensor {
  /** Its name there. */
  readonly name: string
  /** The heads whose rows are interleaved (q and k of `llama`), or null: see `interleaveHeads`. */
  readonly interleavedHeads: number | null
  /** What is added to every value: 1 for the norms of `gemma3`, which multiplies by 1 + w. */
  readonly offset: 0 | 1
}

/** The fields of a model's configuration on which the form of its tensors depends. */
type StoredForm = Pick<ModelConfig, 'modelType' | 'numHeads' | 'numKvHeads'>

const GLOBAL: Readonly<Record<string, string>> = {
  'model.embed_tokens': 'token_embd',
  'model.norm': 'output_norm',
  lm_head: 'output',
}

const LAYER: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
}

/** gemma3 has a norm before and one after each of the two parts of a layer. */
const GEMMA_LAYER: Readonly<Record<string, string>> = {
  ...LAYER,
  post_attention_layernorm: 'post_attention_norm',
  pre_feedforward_layernorm: 'ffn_norm',
  post_feedforward_layernorm: 'post_ffw_norm',
}

/**
 * How the parameter with this Hugging Face name (such as `model.layers.0.mlp.up_proj.weight`) is stored, as by llama.cpp's
 * converter; null for a parameter that GGUF has no name for, such as a reward head.
 */
export function storedTensor(parameter: string, form: StoredForm): StoredTensor | null {
  const [, base, kind] = /^(.*)\.(weight|bias)$/.exec(parameter) ?? []
  if (base === undefined) return null
  const [, index, part] = /^model\.layers\.(\d+)\.(.*)$/.exec(base) ?? []
  const isGemma = form.modelType === 'gemma3_text'
  const name = part === undefined ? GLOBAL[base] : (isGemma ? GEMMA_LAYER : LAYER)[part]
  if (name === undefined) return null
  // A mistral is a llama in GGUF.
  const isLlama = form.modelType === 'llama' || form.modelType === 'mistral'
  const heads = { 'self_attn.q_proj': form.numHeads, 'self_attn.k_proj': form.numKvHeads }[part ?? '']
  return {
    name: `${index === undefined ? '' : `blk.${index}.`}${name}.${kind}`,
    interleavedHeads: isLlama ? (heads ?? null) : null,
    offset: isGemma && base.endsWith('norm') ? 1 : 0,
  }
}

/**
 * The rows of q or k, [rows, width], in GGUF's order: the two halves of each head, which RoPE rotates together, alternate.
 * Row 2j + s of a head is row s · d/2 + j of Hugging Face's order, for heads of d rows.
 */
export function interleaveHeads(
  values: Float32Array,
  rows: number,
  heads: number,
): Float32Array<ArrayBuffer> {
  return moveRows(values, rows, heads, (to, from) => [to, from])
}

/** The reverse of `interleaveHeads`. */
export function separateHeads(values: Float32Array, rows: number, heads: number): Float32Array<ArrayBuffer> {
  return moveRows(values, rows, heads, (to, from) => [from, to])
}

function moveRows(
  values: Float32Array,
  rows: number,
  heads: number,
  order: (interleaved: number, separate: number) => [to: number, from: number],
): Float32Array<ArrayBuffer> {
  const moved = new Float32Array(values.length)
  const width = values.length / rows
  const half = rows / heads / 2
  for (let head = 0; head < heads; head++)
    for (let s = 0; s < 2; s++)
      for (let j = 0; j < half; j++) {
        const first = head * 2 * half
        const [to, from] = order(first + 2 * j + s, first + s * half + j)
        moved.set(values.subarray(from * width, (from + 1) * width), to * width)
      }
  return moved
}
