import { describe, expect, it } from 'vitest'
import { UserError } from '../common/errors.ts'
import { tinyConfig, tinyConfigJson } from '../testing/models.ts'
import { parseConfig, toConfigJson } from './config.ts'

const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 }
const scaling = { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPosition: 8192 }

describe('parseConfig', () => {
  it('reads every field of a qwen3', () => {
    expect(tinyConfig('qwen3')).toEqual({
      modelType: 'qwen3',
      head: 'tokens',
      vocabSize: 50,
      hiddenSize: 16,
      intermediateSize: 24,
      numLayers: 2,
      numHeads: 4,
      numKvHeads: 2,
      headDim: 4,
      rmsNormEps: 1e-6,
      ropeTheta: 10000,
      ropeScaling: null,
      tieEmbeddings: true,
      maxPositions: 64,
      qkvBias: false,
      qkNorm: true,
      bosTokenId: null,
      eosTokenIds: [48],
      padTokenId: 49,
    })
  })

  it.each<[string, ...Parameters<typeof tinyConfig>, object]>([
    ['qwen2 has biases', 'qwen2', {}, { qkvBias: true, qkNorm: false }],
    ['llama has neither', 'llama', {}, { qkvBias: false, qkNorm: false }],
    ['llama with biases', 'llama', { attention_bias: true }, { qkvBias: true }],
    [
      'head_dim follows from the width',
      'llama',
      { head_dim: null, num_key_value_heads: undefined },
      { headDim: 4, numKvHeads: 4 },
    ],
    ['head_dim of Qwen3Config', 'qwen3', { head_dim: undefined }, { headDim: 128 }],
    [
      'several end tokens',
      'llama',
      { eos_token_id: [1, 2], pad_token_id: -1 },
      { eosTokenIds: [1, 2], padTokenId: null },
    ],
    ['no end token', 'llama', { eos_token_id: null }, { eosTokenIds: [] }],
    ['an empty list of end tokens', 'llama', { eos_token_id: [] }, { eosTokenIds: [] }],
    [
      'special tokens that are -1',
      'llama',
      { bos_token_id: -1, eos_token_id: [-1, 2], pad_token_id: null },
      { bosTokenId: null, eosTokenIds: [2], padTokenId: null },
    ],
    ['untied by default', 'llama', { tie_word_embeddings: undefined }, { tieEmbeddings: false }],
    ['theta of Llama 2', 'llama', { rope_theta: undefined }, { ropeTheta: 10000, ropeScaling: null }],
    [
      'Transformers 5',
      'qwen3',
      {
        rope_theta: undefined,
        rope_parameters: { rope_theta: 5e5, rope_type: 'default' },
        dtype: 'bfloat16',
      },
      { ropeTheta: 5e5, ropeScaling: null },
    ],
    [
      'Transformers 5, scaled',
      'llama',
      { rope_parameters: { rope_theta: 5e5, rope_type: 'llama3', ...llama3 } },
      { ropeTheta: 5e5, ropeScaling: scaling },
    ],
    [
      'Transformers 4, scaled',
      'llama',
      { rope_theta: 5e5, rope_scaling: { rope_type: 'llama3', ...llama3 } },
      { ropeTheta: 5e5, ropeScaling: scaling },
    ],
    [
      'an unused sliding window',
      'qwen2',
      { sliding_window: 4096, use_sliding_window: false, layer_types: ['full_attention', 'full_attention'] },
      { maxPositions: 64 },
    ],
  ])('%s', (_, type, changes, expected) => {
    expect(tinyConfig(type, changes)).toMatchObject(expected)
  })

  it.each<[Record<string, unknown>, string]>([
    [
      { model_type: 'gemma2' },
      'config.json: "model_type" is "gemma2", which is not supported; supported: qwen3, qwen2, llama, mistral, gemma3_text, gemma3',
    ],
    [{ model_type: 'gemma3' }, 'config.json: "text_config" is missing'],
    [
      { model_type: 'gemma3', text_config: { model_type: 'gemma3n_text' } },
      '"model_type" is "gemma3n_text", which is not supported',
    ],
    [{ model_type: undefined }, 'config.json has no "model_type"'],
    [{ hidden_act: 'gelu' }, '"hidden_act" is "gelu", which is not supported; supported: silu'],
    [{ use_sliding_window: true }, '"use_sliding_window" is true'],
    [{ layer_types: ['full_attention', 'sliding_attention'] }, '"layer_types" is "sliding_attention"'],
    [
      { rope_scaling: { type: 'yarn', factor: 4 } },
      '"rope_scaling.rope_type" is "yarn", which is not supported; supported: default, linear, llama3',
    ],
    [{ rope_parameters: { rope_type: 'llama3', factor: 4 } }, '"rope_parameters.low_freq_factor" is missing'],
    [{ quantization_config: { quant_method: 'gptq' } }, '"quantization_config" is "gptq"'],
    [{ mlp_bias: true }, '"mlp_bias" is true'],
    [{ attention_dropout: 0.1 }, '"attention_dropout" is 0.1'],
    [{ partial_rotary_factor: 0.5 }, '"partial_rotary_factor" is 0.5'],
    [{ hidden_size: 'wide' }, '"hidden_size" is "wide"'],
    [{ num_hidden_layers: -1 }, '"num_hidden_layers" is -1'],
    [{ vocab_size: undefined }, '"vocab_size" is missing'],
    [{ num_key_value_heads: 3 }, '4 attention heads cannot share 3 key/value heads'],
    [{ head_dim: 5 }, '"head_dim" is 5; RoPE needs an even whole number'],
    [{ eos_token_id: 50 }, 'the special token 50 is outside the vocabulary of 50'],
  ])('refuses %j', (changes, message) => {
    const parse = () => parseConfig(tinyConfigJson('llama', changes), 'config.json')
    expect(parse).toThrow(UserError)
    expect(parse).toThrow(message)
  })
})

describe('a sequence classifier', () => {
  const architectures = ['LlamaForSequenceClassification']
  it('with one label is a reward model', () => {
    const config = tinyConfig('llama', { architectures, id2label: { 0: 'LABEL_0' } })
    expect(config.head).toBe('score')
    expect(toConfigJson(config)).toMatchObject({ architectures, id2label: { 0: 'LABEL_0' } })
    expect(parseConfig(toConfigJson(config), 'config.json')).toEqual(config)
  })
  it.each([
    [{}, 2],
    [{ id2label: { 0: 'a', 1: 'b', 2: 'c' } }, 3],
    [{ num_labels: 4 }, 4],
  ])('with more labels is refused: %j', (labels, count) => {
    expect(() => tinyConfig('llama', { architectures, ...labels })).toThrow(
      `"num_labels" is ${count}, which is not supported; supported: 1 (a reward model)`,
    )
  })
})

describe('toConfigJson', () => {
  it.each<[...Parameters<typeof tinyConfig>, object]>([
    ['qwen3', {}, { use_sliding_window: false, sliding_window: null, max_window_layers: 2 }],
    ['qwen2', {}, { use_sliding_window: false, sliding_window: null, max_window_layers: 2 }],
    [
      'llama',
      {},
      { mlp_bias: false, rope_theta: 1e4, rope_parameters: { rope_type: 'default', rope_theta: 1e4 } },
    ],
  ])('a %s has the fields that other readers require', (type, changes, expected) => {
    expect(toConfigJson(tinyConfig(type, changes))).toMatchObject(expected)
  })

  it.each<Parameters<typeof tinyConfig>>([
    ['qwen3', { attention_bias: true, eos_token_id: null }],
    ['qwen2', { tie_word_embeddings: false, bos_token_id: 3 }],
    ['llama', { rope_parameters: { rope_theta: 5e5, rope_type: 'llama3', ...llama3 }, eos_token_id: [1, 2] }],
  ])('survives a round trip: %s', (type, changes) => {
    const config = tinyConfig(type, changes)
    const json = toConfigJson(config)
    expect(parseConfig(json, 'config.json')).toEqual(config)
    // Each of the two spellings of RoPE is enough.
    expect(parseConfig({ ...json, rope_parameters: undefined }, 'config.json')).toEqual(config)
    expect(parseConfig({ ...json, rope_theta: undefined, rope_scaling: undefined }, 'config.json')).toEqual(
      config,
    )
  })
})
