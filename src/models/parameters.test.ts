import { describe, expect, it } from 'vitest'
import { tinyConfig } from '../testing/models.ts'
import type { ModelType } from './config.ts'
import {
  countParameters,
  forwardFlopsPerToken,
  initParameters,
  parameterShapes,
  withRewardHead,
} from './parameters.ts'

describe('parameterShapes', () => {
  it('lists one layer of a qwen3 in order', () => {
    expect([
      ...parameterShapes(tinyConfig('qwen3', { num_hidden_layers: 1, tie_word_embeddings: false })),
    ]).toEqual([
      ['model.embed_tokens.weight', [50, 16]],
      ['model.layers.0.input_layernorm.weight', [16]],
      ['model.layers.0.self_attn.q_proj.weight', [16, 16]],
      ['model.layers.0.self_attn.k_proj.weight', [8, 16]],
      ['model.layers.0.self_attn.v_proj.weight', [8, 16]],
      ['model.layers.0.self_attn.o_proj.weight', [16, 16]],
      ['model.layers.0.self_attn.q_norm.weight', [4]],
      ['model.layers.0.self_attn.k_norm.weight', [4]],
      ['model.layers.0.post_attention_layernorm.weight', [16]],
      ['model.layers.0.mlp.gate_proj.weight', [24, 16]],
      ['model.layers.0.mlp.up_proj.weight', [24, 16]],
      ['model.layers.0.mlp.down_proj.weight', [16, 24]],
      ['model.norm.weight', [16]],
      ['lm_head.weight', [50, 16]],
    ])
  })

  it.each<[...Parameters<typeof tinyConfig>, string[]]>([
    ['qwen2', {}, ['q_proj', 'k_proj', 'v_proj']],
    ['llama', { attention_bias: true }, ['q_proj', 'k_proj', 'v_proj', 'o_proj']],
    ['llama', {}, []],
    ['gemma3_text', { attention_bias: true }, ['q_proj', 'k_proj', 'v_proj', 'o_proj']],
  ])('biases of %s %j', (type, changes, expected) => {
    const biases = [...parameterShapes(tinyConfig(type, changes)).keys()].filter((n) => n.endsWith('.bias'))
    expect(biases.filter((n) => n.includes('layers.1')).map((n) => n.split('.')[4])).toEqual(expected)
  })

  // The published sizes of Qwen3-0.6B, Qwen2.5-0.5B, Llama-3.2-1B and gemma-3-270m.
  it.each<[...Parameters<typeof tinyConfig>, number]>([
    [
      'qwen3',
      {
        vocab_size: 151936,
        hidden_size: 1024,
        intermediate_size: 3072,
        num_hidden_layers: 28,
        num_attention_heads: 16,
        num_key_value_heads: 8,
        head_dim: 128,
      },
      596_049_920,
    ],
    [
      'qwen2',
      {
        vocab_size: 151936,
        hidden_size: 896,
        intermediate_size: 4864,
        num_hidden_layers: 24,
        num_attention_heads: 14,
        head_dim: undefined,
      },
      494_032_768,
    ],
    [
      'llama',
      {
        vocab_size: 128256,
        hidden_size: 2048,
        intermediate_size: 8192,
        num_hidden_layers: 16,
        num_attention_heads: 32,
        num_key_value_heads: 8,
        head_dim: 64,
      },
      1_235_814_400,
    ],
    [
      'gemma3_text',
      {
        vocab_size: 262144,
        hidden_size: 640,
        intermediate_size: 2048,
        num_hidden_layers: 18,
        num_attention_heads: 4,
        num_key_value_heads: 1,
        head_dim: 256,
        layer_types: undefined,
      },
      268_098_176,
    ],
  ])('counts the parameters of a real %s', (type, changes, expected) => {
    expect(countParameters(tinyConfig(type, changes))).toBe(expected)
  })
})

describe('withRewardHead', () => {
  it.each([true, false])('replaces the output layer (tied: %s)', (tied) => {
    const config = tinyConfig('qwen3', { tie_word_embeddings: tied, pad_token_id: null })
    const model = { config, parameters: initParameters(config, 3) }
    const rewarding = withRewardHead(model, 7, 1)
    expect(rewarding.config).toEqual({ ...config, head: 'score', padTokenId: 7 })
    expect([...rewarding.parameters.keys()]).toEqual([...parameterShapes(rewarding.config).keys()])
    expect(rewarding.parameters.get('model.norm.weight')).toBe(model.parameters.get('model.norm.weight'))
    const head = (seed: number) => withRewardHead(model, 7, seed).parameters.get('score.weight')
    expect(head(1)).toEqual(rewarding.parameters.get('score.weight'))
    expect(head(2)).not.toEqual(head(1))
    expect(countParameters(config) - countParameters(rewarding.config)).toBe(tied ? -16 : 50 * 16 - 16)
    // 2 · width for the head instead of 2 · vocabulary · width
    expect(forwardFlopsPerToken(config, 0) - forwardFlopsPerToken(rewarding.config, 0)).toBe(2 * 49 * 16)
  })
})

describe('initParameters', () => {
  const config = tinyConfig('qwen2', { hidden_size: 64, head_dim: 16, intermediate_size: 128 })
  const parameters = initParameters(config, 7)
  const deviation = (name: string) => {
    const values = parameters.get(name)!
    return Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length)
  }

  it.each([
    ['model.embed_tokens.weight', 1 / 8],
    ['model.layers.1.mlp.gate_proj.weight', 1 / 8],
    ['model.layers.1.mlp.down_proj.weight', 1 / 16],
    ['model.layers.0.self_attn.o_proj.weight', 1 / 16],
    ['model.norm.weight', 1],
    ['model.layers.0.self_attn.q_proj.bias', 0],
  ])('%s has the standard deviation %d', (name, expected) => {
    expect(Math.abs(deviation(name) - expected)).toBeLessThanOrEqual(0.05 * expected)
  })

  it('depends only on the seed', () => {
    expect(initParameters(config, 7)).toEqual(parameters)
    expect(initParameters(config, 8)).not.toEqual(parameters)
    const [q, k] = ['q_proj', 'k_proj'].map((n) => parameters.get(`model.layers.0.self_attn.${n}.weight`)!)
    expect(q!.subarray(0, 8)).not.toEqual(k!.subarray(0, 8))
  })
})

it('norms are the identity at first', () => {
  const norms = (type: ModelType) =>
    [...initParameters(tinyConfig(type), 1)].filter(([name]) => name.includes('norm')).map(([, w]) => w[0])
  expect(norms('qwen3')).toEqual(new Array(9).fill(1))
  // Gemma's norms multiply by 1 + w
  expect(norms('gemma3_text')).toEqual(new Array(13).fill(0))
})

it('counts what a layer sees through its window', () => {
  const config = tinyConfig('gemma3_text', { sliding_window: 5 })
  const attention = (context: number) =>
    forwardFlopsPerToken(config, context) - forwardFlopsPerToken(config, 0)
  expect(attention(4)).toBe(4 * 4 * 4 * (4 + 4))
  expect(attention(10)).toBe(4 * 4 * 4 * (5 + 10))
})

it('counts the operations of a forward pass', () => {
  // per layer: q 256, k 128, v 128, o 256, mlp 3 · 384; output layer 800; attention 4 · 16 per position and layer
  const matrices = 2 * (256 + 128 + 128 + 256 + 3 * 384) + 800
  for (const tie_word_embeddings of [true, false])
    expect(forwardFlopsPerToken(tinyConfig('qwen3', { tie_word_embeddings }), 10)).toBe(
      2 * matrices + 2 * 64 * 10,
    )
})
