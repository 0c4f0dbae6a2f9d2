import { describe, expect, test } from 'vitest'
import type { ModelType } from '../config.ts'
import { interleaveHeads, separateHeads, storedTensor } from './tensor-names.ts'

const form = (modelType: ModelType) => ({ modelType, numHeads: 4, numKvHeads: 2 })

// Names, permutation and offset as by convert_hf_to_gguf.py of llama.cpp.
describe('storedTensor', () => {
  test.each([
    ['llama', 'model.embed_tokens.weight', 'token_embd.weight', null, 0],
    ['llama', 'model.norm.weight', 'output_norm.weight', null, 0],
    ['llama', 'lm_head.weight', 'output.weight', null, 0],
    ['llama', 'model.layers.12.self_attn.q_proj.weight', 'blk.12.attn_q.weight', 4, 0],
    ['llama', 'model.layers.1.self_attn.q_proj.bias', 'blk.1.attn_q.bias', 4, 0],
    ['llama', 'model.layers.1.self_attn.k_proj.weight', 'blk.1.attn_k.weight', 2, 0],
    ['llama', 'model.layers.1.self_attn.v_proj.weight', 'blk.1.attn_v.weight', null, 0],
    ['llama', 'model.layers.1.self_attn.o_proj.bias', 'blk.1.attn_output.bias', null, 0],
    ['llama', 'model.layers.0.post_attention_layernorm.weight', 'blk.0.ffn_norm.weight', null, 0],
    ['mistral', 'model.layers.1.self_attn.k_proj.weight', 'blk.1.attn_k.weight', 2, 0],
    ['qwen2', 'model.layers.0.self_attn.q_proj.bias', 'blk.0.attn_q.bias', null, 0],
    ['qwen3', 'model.layers.0.self_attn.q_norm.weight', 'blk.0.attn_q_norm.weight', null, 0],
    ['qwen3', 'model.layers.0.mlp.down_proj.weight', 'blk.0.ffn_down.weight', null, 0],
    ['gemma3_text', 'model.layers.3.input_layernorm.weight', 'blk.3.attn_norm.weight', null, 1],
    [
      'gemma3_text',
      'model.layers.3.post_attention_layernorm.weight',
      'blk.3.post_attention_norm.weight',
      null,
      1,
    ],
    ['gemma3_text', 'model.layers.3.pre_feedforward_layernorm.weight', 'blk.3.ffn_norm.weight', null, 1],
    [
      'gemma3_text',
      'model.layers.3.post_feedforward_layernorm.weight',
      'blk.3.post_ffw_norm.weight',
      null,
      1,
    ],
    ['gemma3_text', 'model.layers.3.self_attn.k_norm.weight', 'blk.3.attn_k_norm.weight', null, 1],
    ['gemma3_text', 'model.norm.weight', 'output_norm.weight', null, 1],
    ['gemma3_text', 'model.layers.3.mlp.gate_proj.weight', 'blk.3.ffn_gate.weight', null, 0],
  ] as const)('%s %s', (modelType, parameter, name, interleavedHeads, offset) => {
    expect(storedTensor(parameter, form(modelType))).toEqual({ name, interleavedHeads, offset })
  })
  test.each(['score.weight', 'model.layers.0.self_attn.q_proj.lora_A.weight', 'model.layers.0.weight'])(
    'no name for %s',
    (parameter) => expect(storedTensor(parameter, form('llama'))).toBeNull(),
  )
})

test('the rows of a head alternate between its halves', () => {
  const separate = Float32Array.from({ length: 16 }, (_, i) => i) // two heads of 4 rows, 2 wide
  const interleaved = [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]
  expect([...interleaveHeads(separate, 8, 2)]).toEqual(interleaved)
  expect(separateHeads(Float32Array.from(interleaved), 8, 2)).toEqual(separate)
})
