import { describe, expect, test } from 'vitest'
import { Random } from '../../common/random.ts'
import { causalMasks } from '../../models/attention.ts'
import { decode, logits, parameterInputs, rotaryInputs, rotaryTables } from '../../models/decoder.ts'
import { initParameters, parameterShapes } from '../../models/parameters.ts'
import { Graph } from '../../onnx/graph.ts'
import { Session, type Tensor } from '../../onnx/session.ts'
import { tinyConfig } from '../../testing/models.ts'
import { cachedDecoder } from './program.ts'
import { declareWeight, packQ4, type WeightType, withProducts } from './weights.ts'

type Config = ReturnType<typeof tinyConfig>
const llama3 = {
  rope_type: 'llama3',
  factor: 4,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 16,
}
const configs = {
  llama: tinyConfig('llama', { head_dim: 8, tie_word_embeddings: false }),
  'llama with biases and its scaling of RoPE': tinyConfig('llama', {
    head_dim: 8,
    attention_bias: true,
    rope_scaling: llama3,
  }),
  'mistral with a window': tinyConfig('mistral', { head_dim: 8, sliding_window: 3 }),
  qwen2: tinyConfig('qwen2', { head_dim: 24 }),
  'qwen2 with a window in one layer': tinyConfig('qwen2', {
    head_dim: 8,
    use_sliding_window: true,
    sliding_window: 4,
    max_window_layers: 1,
    rope_scaling: { rope_type: 'linear', factor: 3 },
  }),
  qwen3: tinyConfig('qwen3', { head_dim: 8 }),
  gemma3_text: tinyConfig('gemma3_text', { head_dim: 8, query_pre_attn_scalar: 16 }),
  'gemma3_text, untied, with biases': tinyConfig('gemma3_text', {
    head_dim: 8,
    attention_bias: true,
    tie_word_embeddings: false,
    num_key_value_heads: 4,
  }),
}
const int64 = (numbers: readonly number[], dims: readonly number[]): Tensor => ({
  data: BigInt64Array.from(numbers, BigInt),
  dims,
})

/** Weights for which no bias is 0 and no norm the identity. */
function weightsOf(config: Config): Map<string, Float32Array> {
  const random = new Random('exported')
  const scaled = (name: string, w: Float32Array) =>
    w.map((x) => (/norm|bias/.test(name) ? x + 0.3 * random.normal() : 0.4 * x))
  return new Map([...initParameters(config, 1)].map(([name, w]) => [name, scaled(name, w)]))
}

/** The exported program of a model. */
function exported(config: Config, type: WeightType = 'f32'): Session {
  const parameters = weightsOf(config)
  const tables = rotaryTables(config, config.maxPositions)
  const weights = new Map()
  const graph = cachedDecoder(config, (graph, name, shape) => {
    const data = tables.get(name) ?? parameters.get(name)!
    const value = tables.has(name)
      ? graph.parameter(name, data, shape)
      : declareWeight(graph, name, data, shape, type)
    if (parameters.has(name) && shape.length === 2) weights.set(value, data)
    return value
  })
  withProducts(graph, weights, type)
  return new Session(graph, { threads: 1 })
}

/** Logits of all positions by the program that trains: [T, vocabSize]. */
function expected(config: Config, ids: readonly number[]): Float32Array {
  const graph = new Graph()
  const inputs = parameterInputs(graph, config)
  const rotations = rotaryInputs(graph, config)
  const [tokens, positions] = ['ids', 'positions'].map((name) => graph.input(name, 'int64', [1, ids.length]))
  const masks = causalMasks(graph, config, ids.length)
  const { hidden } = decode(config, inputs, rotations, tokens!, positions!, { masks })
  graph.output('logits', logits(config, inputs, hidden))
  const session = new Session(graph, { threads: 1 })
  const parameters = weightsOf(config)
  const feeds: Record<string, Tensor> = {
    ids: int64(ids, [1, ids.length]),
    positions: int64([...ids.keys()], [1, ids.length]),
  }
  for (const [name, dims] of parameterShapes(config)) feeds[name] = { data: parameters.get(name)!, dims }
  for (const [name, data] of rotaryTables(config, config.maxPositions))
    feeds[name] = { data, dims: [config.maxPositions, config.headDim / 2] }
  return session.run(feeds).logits!.data as Float32Array
}

/** One call of the exported program; `past` is the result of the call before. */
function step(
  session: Session,
  config: Config,
  rows: readonly (readonly number[])[],
  masks: readonly (readonly number[])[],
  past: Record<string, Tensor> | null,
): Record<string, Tensor> {
  const [batch, length, total] = [rows.length, rows[0]!.length, masks[0]!.length]
  const positions = masks.flatMap((mask) => {
    let seen = 0
    return mask.map((m) => (m ? seen++ : 0)).slice(total - length)
  })
  const feeds: Record<string, Tensor> = {
    input_ids: int64(rows.flat(), [batch, length]),
    attention_mask: int64(masks.flat(), [batch, total]),
    position_ids: int64(positions, [batch, length]),
  }
  const empty = { data: new Float32Array(0), dims: [batch, config.numKvHeads, 0, config.headDim] }
  for (let layer = 0; layer < config.numLayers; layer++)
    for (const what of ['key', 'value'])
      feeds[`past_key_values.${layer}.${what}`] = past?.[`present.${layer}.${what}`] ?? empty
  return session.run(feeds)
}

const ids = [3, 17, 5, 42, 9, 11, 8, 30, 2, 25]
const ones = (n: number): number[] => new Array(n).fill(1)

function expectClose(found: ArrayLike<number>, right: ArrayLike<number>, tolerance = 2e-5): void {
  expect(found.length).toBe(right.length)
  for (let i = 0; i < right.length; i++)
    expect(Math.abs(found[i]! - right[i]!), `value ${i}`).toBeLessThan(tolerance)
}

describe.each(Object.entries(configs))('%s', (_, config) => {
  const right = expected(config, ids)
  const vocab = config.vocabSize
  const session = exported(config)

  test('a prompt, then one token at a time', () => {
    let result = step(session, config, [ids.slice(0, 6)], [ones(6)], null)
    expectClose(result.logits!.data as Float32Array, right.subarray(0, 6 * vocab))
    expect(result['present.1.key']!.dims).toEqual([1, config.numKvHeads, 6, config.headDim])
    for (let i = 6; i < ids.length; i++) {
      result = step(session, config, [[ids[i]!]], [ones(i + 1)], result)
      expectClose(result.logits!.data as Float32Array, right.subarray(i * vocab, (i + 1) * vocab))
    }
  })

  test.each([
    ['left', [...[7, 7, 7], ...ids.slice(0, 5)], [0, 0, 0, ...ones(5)], 3],
    ['right', [...ids.slice(0, 5), ...[7, 7, 7]], [...ones(5), 0, 0, 0], 0],
  ])('padding on the %s', (_, padded, mask, from) => {
    const rows = [padded, ids.slice(0, 8)]
    const { logits } = step(session, config, rows, [mask, ones(8)], null)
    const data = logits!.data as Float32Array
    expectClose(data.subarray(from * vocab, (from + 5) * vocab), right.subarray(0, 5 * vocab))
    expectClose(data.subarray(8 * vocab), right.subarray(0, 8 * vocab))
  })

  test('stored as float16, and in 4 bits', () => {
    const error = (type: WeightType) => {
      const result = step(exported(config, type), config, [ids], [ones(ids.length)], null)
      const found = result.logits!.data as Float32Array
      return Math.hypot(...right.map((x, i) => x - found[i]!)) / Math.hypot(...right)
    }
    expect(error('f16')).toBeLessThan(0.002)
    expect(error('q4')).toBeLessThan(0.3)
  })
})

test('packQ4', () => {
  const row = Float32Array.from({ length: 40 }, (_, i) => (i < 32 ? (i - 16) / 2 : 0.25))
  const { levels, scales, blocks } = packQ4(row, 1, 40)
  expect(blocks).toBe(2)
  expect([...scales]).toEqual([1, -0.03125])
  // −8, −7.5 → levels 0 and 1 (halves up); the second block is −8 times its scale, then zeros
  expect([...levels.subarray(0, 2)]).toEqual([0x10, 0x21])
  expect([...levels.subarray(16)]).toEqual([...new Array(4).fill(0), ...new Array(12).fill(0x88)])
})
