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
      activation: 'silu',
      normOffset: 0,
      outputNorms: false,
      scaledEmbeddings: false,
      vocabSize: 50,
      hiddenSize: 16,
      intermediateSize: 24,
      numLayers: 2,
      numHeads: 4,
      numKvHeads: 2,
      headDim: 4,
      rmsNormEps: 1e-6,
      queryPreAttnScalar: 4,
      ropeTheta: 10000,
      ropeScaling: null,
      localRope: null,
      windows: [null, null],
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

  it.each<[string, ...Parameters<typeof tinyConfig>, object]>([
    ['Mistral, by its defaults', 'mistral', {}, { windows: [4096, 4096], bosTokenId: 1 }],
    [
      'Llama, which has no such fields',
      'llama',
      { sliding_window: 8, query_pre_attn_scalar: 99 },
      { windows: [null, null], queryPreAttnScalar: 4 },
    ],
    ['Mistral, later versions', 'mistral', { sliding_window: null }, { windows: [null, null] }],
    [
      'Mistral has no biases, whatever attention_bias says',
      'mistral',
      { attention_bias: true },
      { qkvBias: false },
    ],
    [
      'Qwen2, the upper layers',
      'qwen2',
      { use_sliding_window: true, sliding_window: 8, max_window_layers: 1 },
      { windows: [null, 8] },
    ],
    [
      'Qwen3, by layer_types',
      'qwen3',
      { use_sliding_window: true, layer_types: ['sliding_attention', 'full_attention'] },
      { windows: [4096, null] },
    ],
    ['Qwen2, whose classes have 32 heads', 'qwen2', { use_sliding_window: true }, { windows: [null, null] }],
  ])('windows of %s', (_, type, changes, expected) => {
    expect(tinyConfig(type, changes)).toMatchObject(expected)
  })

  it.each<[...Parameters<typeof tinyConfig>, object]>([
    ['qwen2', { num_attention_heads: 32, num_key_value_heads: undefined }, { numKvHeads: 32 }],
    ['mistral', { num_attention_heads: 16, num_key_value_heads: undefined }, { numKvHeads: 8 }],
    ['llama', { eos_token_id: undefined }, { bosTokenId: 1, eosTokenIds: [2] }],
    ['qwen3', { eos_token_id: undefined }, { bosTokenId: null, eosTokenIds: [] }],
  ])('the defaults of the class of %s: %j', (type, changes, expected) => {
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
    [{ layer_types: ['full_attention'] }, '"layer_types" has 1 entries for 2 layers'],
    [{ rope_scaling: { type: 'linear' } }, '"rope_scaling.factor" is missing; linear scaling needs it'],
    [
      { rope_parameters: { full_attention: {}, sliding_attention: {} } },
      '"rope_parameters" is {"full_attention":{},"sliding_attention":{}}, which is not supported',
    ],
  ])('refuses %j', (changes, message) => {
    const parse = () => parseConfig(tinyConfigJson('llama', changes), 'config.json')
    expect(parse).toThrow(UserError)
    expect(parse).toThrow(message)
  })

  it.each<[...Parameters<typeof tinyConfig>, string]>([
    ['mistral', { layer_types: ['full_attention', 'full_attention'] }, '"layer_types" is "full_attention"'],
    ['mistral', { use_sliding_window: true }, '"use_sliding_window" is true'],
    [
      'qwen3',
      { layer_types: ['full_attention', 'sliding_attention'] },
      '"layer_types" has sliding_attention, but there is no "sliding_window"',
    ],
    [
      'qwen3',
      { layer_types: ['full_attention', 'chunked_attention'] },
      '"layer_types" is "chunked_attention"',
    ],
    ['gemma3_text', { sliding_window: null }, '"layer_types" has sliding_attention, but there is no'],
    ['gemma3_text', { hidden_activation: 'gelu' }, '"hidden_activation" is "gelu"'],
    ['gemma3_text', { attn_logit_softcapping: 50 }, '"attn_logit_softcapping" is 50'],
    ['gemma3_text', { final_logit_softcapping: 30 }, '"final_logit_softcapping" is 30'],
    ['gemma3_text', { use_bidirectional_attention: true }, '"use_bidirectional_attention" is true'],
    [
      'gemma3_text',
      { rope_parameters: { rope_theta: 1e6, rope_type: 'default' } },
      'supported: an object for full_attention and for sliding_attention',
    ],
    [
      'gemma3_text',
      { rope_parameters: { full_attention: {}, sliding_attention: { rope_type: 'yarn' } } },
      '"rope_parameters.sliding_attention.rope_type" is "yarn"',
    ],
  ])('refuses a %s with %j', (type, changes, message) => {
    expect(() => tinyConfig(type, changes)).toThrow(message)
  })
})

describe('gemma3', () => {
  const six = [512, 512, 512, 512, 512, null]
  // config.json of gemma-3-1b-it, by Transformers 4, but for the sizes
  const older = {
    attn_logit_softcapping: null,
    final_logit_softcapping: null,
    hidden_act: undefined,
    hidden_activation: 'gelu_pytorch_tanh',
    layer_types: undefined,
    num_hidden_layers: 8,
    query_pre_attn_scalar: 256,
    rope_local_base_freq: 10000,
    rope_scaling: null,
    rope_theta: 1000000,
    sliding_window: 512,
    sliding_window_pattern: 6,
    tie_word_embeddings: undefined,
  }
  const windows = [...six, 512, 512]
  it('reads what Transformers 4 writes', () => {
    expect(tinyConfig('gemma3_text', older)).toMatchObject({
      modelType: 'gemma3_text',
      activation: 'gelu_tanh',
      normOffset: 1,
      outputNorms: true,
      scaledEmbeddings: true,
      qkNorm: true,
      tieEmbeddings: true,
      queryPreAttnScalar: 256,
      ropeTheta: 1e6,
      ropeScaling: null,
      localRope: { theta: 1e4, scaling: null },
      windows,
    })
  })

  it('reads what Transformers 5 writes', () => {
    const config = tinyConfig('gemma3_text', {
      ...older,
      rope_local_base_freq: undefined,
      rope_scaling: undefined,
      rope_theta: undefined,
      sliding_window_pattern: undefined,
      layer_types: windows.map((w) => (w === null ? 'full_attention' : 'sliding_attention')),
      rope_parameters: {
        full_attention: { factor: 8, rope_theta: 1e6, rope_type: 'linear' },
        sliding_attention: { rope_theta: 5e3, rope_type: 'default' },
      },
    })
    expect(config).toMatchObject({
      ropeTheta: 1e6,
      ropeScaling: { type: 'linear', factor: 8 },
      localRope: { theta: 5e3, scaling: null },
      windows,
    })
  })

  it('reads the language model of a model with vision, whose sizes are those of the class unless they are given', () => {
    // config.json of gemma-3-4b-it
    const vision = {
      architectures: ['Gemma3ForConditionalGeneration'],
      boi_token_index: 255999,
      eoi_token_index: 256000,
      eos_token_id: [1, 106],
      image_token_index: 262144,
      initializer_range: 0.02,
      mm_tokens_per_image: 256,
      model_type: 'gemma3',
      text_config: {
        hidden_size: 2560,
        intermediate_size: 10240,
        model_type: 'gemma3_text',
        num_hidden_layers: 34,
        rope_scaling: { factor: 8.0, rope_type: 'linear' },
        sliding_window: 1024,
      },
      torch_dtype: 'bfloat16',
      vision_config: { hidden_size: 1152, model_type: 'siglip_vision_model' },
    }
    const config = parseConfig(vision, 'config.json')
    expect(config).toMatchObject({
      modelType: 'gemma3_text',
      head: 'tokens',
      vocabSize: 262208,
      hiddenSize: 2560,
      numLayers: 34,
      numHeads: 8,
      numKvHeads: 4,
      headDim: 256,
      queryPreAttnScalar: 256,
      maxPositions: 131072,
      bosTokenId: 2,
      eosTokenIds: [1, 106],
      padTokenId: 0,
      ropeScaling: { type: 'linear', factor: 8 },
      localRope: { theta: 1e4, scaling: null },
    })
    expect(config.windows.filter((w) => w === null)).toHaveLength(5)
    // it is saved as a language model
    expect(toConfigJson(config)).toMatchObject({
      architectures: ['Gemma3ForCausalLM'],
      model_type: 'gemma3_text',
    })
    const quantised = { ...vision, quantization_config: { quant_method: 'awq' } }
    expect(() => parseConfig(quantised, 'config.json')).toThrow('"quantization_config" is "awq"')
  })

  it.each([
    [[5, 5, null, 5], 3],
    [[null, 5, null], undefined],
    [[5, 5], undefined],
  ] as const)('writes the windows %j with the pattern %j', (given, pattern) => {
    const config = { ...tinyConfig('gemma3_text'), numLayers: given.length, windows: [...given] }
    const json = toConfigJson(config)
    expect(json.sliding_window_pattern).toBe(pattern)
    expect(parseConfig(json, 'config.json')).toEqual(config)
    if (pattern !== undefined)
      expect(parseConfig({ ...json, layer_types: undefined }, 'config.json')).toEqual(config)
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
    ['llama', { rope_scaling: { type: 'linear', factor: 2 } }],
    ['mistral', { sliding_window: 7 }],
    ['mistral', { sliding_window: null }],
    ['qwen2', { use_sliding_window: true, sliding_window: 7, max_window_layers: 1 }],
    ['qwen3', { use_sliding_window: true, layer_types: ['sliding_attention', 'full_attention'] }],
    ['gemma3_text', { attention_bias: true }],
    ['gemma3_text', { rope_scaling: { rope_type: 'linear', factor: 8 }, rope_local_base_freq: 500 }],
    ['gemma3_text', { architectures: ['Gemma3TextForSequenceClassification'], num_labels: 1 }],
  ])('survives a round trip: %s', (type, changes) => {
    const config = tinyConfig(type, changes)
    const json = toConfigJson(config)
    expect(parseConfig(json, 'config.json')).toEqual(config)
    // Each of the two spellings of RoPE is enough.
    expect(parseConfig({ ...json, rope_parameters: undefined }, 'config.json')).toEqual(config)
    expect(
      parseConfig(
        { ...json, rope_theta: undefined, rope_scaling: undefined, rope_local_base_freq: undefined },
        'config.json',
      ),
    ).toEqual(config)
  })
})
