import type { ModelType } from '../families.ts'

/** The architectures of llama.cpp (`general.architecture`) with the model type that each is read as. */
export const ARCHITECTURES = {
  llama: 'llama',
  qwen2: 'qwen2',
  qwen3: 'qwen3',
  gemma3: 'gemma3_text',
} as const satisfies Readonly<Record<string, ModelType>>
export type Architecture = keyof typeof ARCHITECTURES

/** `llama_token_type` of llama.h. */
export const TOKEN_TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const

/** The tensor of the numbers that RoPE's frequencies are divided by, [headDim/2]. */
export const ROPE_FACTORS = 'rope_freqs.weight'

/** llama.cpp's gemma3 has a window in all layers but every sixth. */
export const GEMMA_PATTERN = 6
