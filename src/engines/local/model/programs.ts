import { buildObjective, hasKlCov, type Objective, temperatureOf } from '../../../algorithms/objectives.ts'
import { causalMasks, masksOf, prefixedMasks } from '../../../models/attention.ts'
import type { ModelConfig } from '../../../models/config.ts'
import { decode, logits, parameterInputs, rewards, rotaryInputs } from '../../../models/decoder.ts'
import type { Rows } from '../../../models/product.ts'
import { gradients } from '../../../onnx/gradient.ts'
import { Graph, type Value } from '../../../onnx/graph.ts'
import * as ops from '../../../onnx/ops.ts'
import { type Dim, product, sum } from '../../../onnx/shape.ts'
import { maskName } from './sampling/cache.ts'

/** The inputs of a microbatch. */
export interface Layout {
  /** Rows continue prompts, each of which is computed once. */
  readonly prefixed: boolean
  /** Tokens are given without padding. */
  readonly packed: boolean
  /** In so many parts the positions with a loss are given: only one part's logits are in memory at a time. */
  readonly chunks: number
  /** Only the residual stream between layers is kept for the backward pass, which computes the rest again. */
  readonly recompute: boolean
}

/** Name of an input of part `chunk`. */
export const chunkName = (name: string, chunk: number): string => `${name}.${chunk}`

interface Scoring extends Layout {
  /** π = softmax(logits / temperature). */
  readonly temperature: number
}

/**
 * The forward pass of a microbatch: log π(target) at the positions with a loss, and the whole distributions (for a reward
 * model, only the rewards).
 */
function scored(graph: Graph, config: ModelConfig, { prefixed, packed, chunks, temperature }: Scoring) {
  const parameters = parameterInputs(graph, config)
  const rotary = rotaryInputs(graph, config)
  const grid = (name: string, shape: Dim[]) => graph.input(name, 'int64', shape)
  const packing = (prefix: string, shape: Dim[], tokens: Dim) =>
    packed ? { grid: grid(`${prefix}grid`, shape), cells: grid(`${prefix}cells`, [tokens]) } : undefined
  const ids = grid('ids', packed ? ['L'] : ['N', 'T'])
  const positions = grid('positions', ['N', 'T'])

  const withPrefix = () => {
    const prefixIds = grid('prefix.ids', packed ? ['K'] : ['Q', 'P'])
    const prefixPositions = grid('prefix.positions', ['Q', 'P'])
    const owner = graph.input('prefix.owner', 'float32', ['N', 'Q'])
    const mask = graph.input('prefix.mask', 'float32', ['N', 'P'])
    const prompts = decode(config, parameters, rotary, prefixIds, prefixPositions, {
      masks: causalMasks(graph, config, 'P'),
      packing: packing('prefix.', ['Q', 'P'], 'K'),
    })
    // selects each row's prompt, as a product with a one-hot matrix
    const perRow = (x: Value): Value => {
      const [heads, length, width] = x.shape.slice(1) as [Dim, Dim, Dim]
      const flat = ops.matmul(owner, ops.reshape(x, ['Q', product([heads, length, width])]))
      return ops.reshape(flat, ['N', heads, length, width])
    }
    const prefix = { keys: prompts.keys.map(perRow), values: prompts.values.map(perRow) }
    const kept = [...prompts.residuals, ...prompts.keys, ...prompts.values]
    return { kept, block: { prefix, masks: prefixedMasks(config, mask, positions) } }
  }
  const { kept, block } = prefixed
    ? withPrefix()
    : { kept: [], block: { masks: causalMasks(graph, config, 'T') } }
  const { hidden, residuals } = decode(config, parameters, rotary, ids, positions, {
    ...block,
    packing: packing('', ['N', 'T'], 'L'),
  })
  // Only positions with a loss reach the vocabulary.
  const parts = Array.from({ length: chunks }, (_, chunk) => {
    const perLoss = (name: string) => grid(chunkName(name, chunk), [`M${chunk}`])
    const [rows, targets] = [perLoss('rows'), perLoss('targets')]
    const last = ops.gather(hidden, rows, { distinct: true })
    if (config.head === 'score') return { logprob: rewards(parameters, last), entropy: null }
    const scale = temperature === 1 ? null : 1 / temperature
    const logprobs = ops.logSoftmax(logits(config, parameters, last, scale))
    return {
      logprob: ops.pickElements(logprobs, targets),
      // H = −Σ p log p
      entropy: ops.neg(ops.reduceSum(ops.mul(ops.exp(logprobs), logprobs), [1])),
    }
  })
  const joined = (values: readonly Value[]) => (chunks === 1 ? values[0]! : ops.concat(values, 0))
  const logprob = joined(parts.map(({ logprob }) => logprob))
  graph.output('logprob', logprob)
  const entropies = parts.flatMap(({ entropy }) => entropy ?? [])
  return {
    parameters,
    logprob,
    entropy: entropies.length > 0 ? joined(entropies) : null,
    /** Values from which the others can be computed again. */
    kept: [...kept, ...residuals],
  }
}

/** Forward pass alone: the output `logprob` [M]. */
export function scoreProgram(config: ModelConfig, scoring: Scoring): Graph {
  const graph = new Graph()
  scored(graph, config, scoring)
  return graph
}

/**
 * Forward and backward in one program: log-probs, entropies, the objective's loss, and for every trainable parameter its
 * gradient, `grad.NAME`.
 */
export function trainProgram(
  config: ModelConfig,
  objective: Objective,
  trainable: Iterable<string>,
  layout: Layout,
): Graph {
  const graph = new Graph()
  const { parameters, logprob, entropy, kept } = scored(graph, config, {
    ...layout,
    temperature: temperatureOf(objective),
  })
  if (entropy) graph.output('entropy', entropy)
  const perToken = (name: string): Value => graph.input(name, 'float32', logprob.shape)
  const { loss, clipped } = buildObjective(objective, {
    logprob,
    weight: perToken('weight'),
    old: perToken('old'),
    reference: perToken('reference'),
    advantage: perToken('advantage'),
    ...(hasKlCov(objective) && { marked: perToken('marked') }),
    sequence: graph.input('sequence', 'int64', logprob.shape),
    sequences: 'N',
  })
  graph.output('loss', loss)
  graph.output('clipped', clipped)
  const names = [...trainable]
  const trained = names.map((name) => parameters.get(name)!)
  for (const [i, gradient] of gradients(loss, trained, layout.recompute ? kept : null).entries())
    graph.output(`grad.${names[i]}`, gradient)
  return graph
}

/**
 * Prompts in one pass: keys and values of every layer, and next-token probabilities at the row `last` of each, with
 * logits multiplied by `scale` [B, 1], which is 1 / temperature. `prompts` says how large B is. With `shared`, all prompts
 * continue the same tokens `shared.ids` [1, C], whose keys and values are computed once.
 */
export function prefillProgram(config: ModelConfig, prompts: Rows, { shared = false } = {}): Graph {
  const graph = new Graph()
  const parameters = parameterInputs(graph, config)
  const rotary = rotaryInputs(graph, config)
  const grid = (name: string) => graph.input(name, 'int64', ['B', 'T'])
  const [ids, positions] = [grid('ids'), grid('positions')]
  const last = graph.input('last', 'int64', ['B'])
  const afterShared = () => {
    const [sharedIds, sharedPositions] = [
      graph.input('shared.ids', 'int64', [1, 'C']),
      graph.input('shared.positions', 'int64', [1, 'C']),
    ]
    const { keys, values } = decode(config, parameters, rotary, sharedIds, sharedPositions, {
      masks: causalMasks(graph, config, 'C'),
    })
    for (const [i, k] of keys.entries()) graph.output(`sharedKey.${i}`, k)
    for (const [i, v] of values.entries()) graph.output(`sharedValue.${i}`, v)
    const perPrompt = (x: Value): Value => ops.expand(x, ['B', ...x.shape.slice(1)])
    const prefix = { keys: keys.map(perPrompt), values: values.map(perPrompt) }
    const seen = ops.expand(graph.scalar(0), ['B', 'C'])
    return { prefix, masks: prefixedMasks(config, seen, positions) }
  }
  const block = shared ? afterShared() : { masks: causalMasks(graph, config, 'T') }
  const decoded = decode(config, parameters, rotary, ids, positions, block)
  const scale = graph.input('scale', 'float32', ['B', 1])
  const hidden = ops.gather(decoded.hidden, last)
  graph.output('probs', ops.softmax(logits(config, parameters, hidden, scale, prompts)))
  for (const [i, k] of decoded.keys.entries()) graph.output(`promptKey.${i}`, k)
  for (const [i, v] of decoded.values.entries()) graph.output(`promptValue.${i}`, v)
  return graph
}

/**
 * One more token for each sequence, given the cache. Outputs next-token probabilities, with `scale` as in the prefill,
 * and, as `newest`, the token's keys and values: keys of layer 0, its values, keys of layer 1, …
 * [2·layers·B, kvHeads, 1, headDim]. Sequences are in U tiles of W that share a prompt; `rows` says how large U·W is.
 */
export function decodeProgram(config: ModelConfig, rows: Rows): Graph {
  const graph = new Graph()
  const parameters = parameterInputs(graph, config)
  const rotary = rotaryInputs(graph, config)
  const sequences = product(['U', 'W'])
  const ids = graph.input('ids', 'int64', [sequences, 1])
  const positions = graph.input('positions', 'int64', [sequences, 1])
  const masks = masksOf(config, (window) =>
    graph.input(maskName(window), 'float32', ['U', 1, 'W', 1, sum(sum('P', 'S'), 1)]),
  )
  const { numKvHeads, headDim } = config
  const layers = Array.from({ length: config.numLayers }, (_, i) => i)
  const cache = (name: string, shape: Dim[]) =>
    layers.map((i) => graph.input(`${name}.${i}`, 'float32', shape))
  const promptShape: Dim[] = ['U', numKvHeads, 'P', headDim]
  const ownShape: Dim[] = ['U', numKvHeads, 'W', 'S', headDim]
  const decoded = decode(config, parameters, rotary, ids, positions, {
    prompt: { keys: cache('promptKey', promptShape), values: cache('promptValue', promptShape) },
    own: { keys: cache('ownKey', ownShape), values: cache('ownValue', ownShape) },
    masks,
  })
  const scale = graph.input('scale', 'float32', [sequences, 1])
  graph.output('probs', ops.softmax(logits(config, parameters, decoded.hidden, scale, rows)))
  graph.output(
    'newest',
    ops.concat(
      layers.flatMap((i) => [decoded.keys[i]!, decoded.values[i]!]),
      0,
    ),
  )
  return graph
}
