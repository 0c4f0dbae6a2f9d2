import { describe, expect, test } from 'vitest'
import { typeOf } from './mixture.ts'

const config = (numLayers: number, tieEmbeddings = true) => ({ numLayers, tieEmbeddings })

// As chosen by llama_model_quantize for models of these sizes.
describe('typeOf', () => {
  test.each([
    ['q4_k_m', 'token_embd.weight', [49152, 576], config(30), 'Q8_0'],
    ['q4_k_m', 'token_embd.weight', [49152, 512], config(30), 'Q6_K'],
    ['q4_k_m', 'token_embd.weight', [49152, 512], config(30, false), 'Q4_K'],
    ['q4_k_m', 'output.weight', [49152, 512], config(30, false), 'Q6_K'],
    ['q4_k_m', 'blk.3.attn_q.weight', [512, 512], config(30), 'Q4_K'],
    ['q4_k_m', 'blk.3.attn_q.weight', [576, 576], config(30), 'Q5_0'],
    ['q4_k_m', 'blk.3.attn_q.weight', [96, 96 + 4], config(30), 'F16'],
    // layers 0 … 2, 5, 8, …, 26 and after
    ['q4_k_m', 'blk.2.ffn_down.weight', [576, 1536], config(30), 'Q6_K'],
    ['q4_k_m', 'blk.3.ffn_down.weight', [576, 1536], config(30), 'Q4_K'],
    ['q4_k_m', 'blk.5.ffn_down.weight', [576, 1536], config(30), 'Q6_K'],
    ['q4_k_m', 'blk.26.attn_v.weight', [512, 512], config(30), 'Q6_K'],
    ['q4_k_m', 'blk.25.attn_v.weight', [512, 512], config(30), 'Q4_K'],
    ['q4_k_m', 'blk.26.attn_v.weight', [192, 576], config(30), 'Q8_0'],
    ['q4_k_m', 'blk.0.attn_norm.weight', [576], config(30), 'F32'],
    ['q8_0', 'token_embd.weight', [49152, 576], config(30), 'Q8_0'],
    ['q8_0', 'blk.0.attn_q.weight', [64, 40], config(30), 'F16'],
    ['q8_0', 'blk.0.attn_q.bias', [64], config(30), 'F32'],
    ['f16', 'blk.0.attn_q.weight', [64, 40], config(30), 'F16'],
    ['f16', 'output_norm.weight', [40], config(30), 'F32'],
    ['bf16', 'blk.0.attn_q.weight', [64, 40], config(30), 'BF16'],
    ['f32', 'blk.0.attn_q.weight', [64, 40], config(30), 'F32'],
  ] as const)('%s %s %j of %j', (quant, name, shape, of, type) => {
    expect(typeOf(quant, name, shape, of)).toBe(type)
  })
})
