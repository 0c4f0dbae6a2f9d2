import { buildObjective, type Objective } from '../../algorithms/objectives.ts'
import type { ModelConfig } from '../../models/config.ts'
import { causalMask, decode, parameterInputs, rotaryInputs, tokenLogProbs } from '../../models/decoder.ts'
import { gradients } from '../../onnx/gradient.ts'
import { Graph, type Value } from '../../onnx/graph.ts'
import * as ops from '../../onnx/ops.ts'

/** A batch of whole sequences as inputs, and log π(target) and the entropy at the positions with a loss. */
function scored(graph: Graph, config: ModelConfig) {
  const parameters = parameterInputs(graph, config)
  const rotary = rotaryInputs(graph, config)
  const batch = (name: string) => graph.input(name, 'int64', ['B', 'T'])
  const [ids, positions, segments] = [batch('ids'), batch('positions'), batch('segments')]
  const rows = graph.input('rows', 'int64', ['M'])
  const targets = graph.input('targets', 'int64', ['M'])
  const { hidden } = decode(config, parameters, rotary, ids, positions, { mask: causalMask(segments) })
  // Only positions with a loss reach the vocabulary.
  const logprobs = tokenLogProbs(config, parameters, ops.gather(hidden, rows))
  const logprob = ops.pickElements(logprobs, targets)
  graph.output('logprob', logprob)
  // H = −Σ p log p
  graph.output('entropy', ops.neg(ops.reduceSum(ops.mul(ops.exp(logprobs), logprobs), [1])))
  return { parameters, logprob }
}

export function scoreProgram(config: ModelConfig): Graph {
  const graph = new Graph()
  scored(graph, config)
  return graph
}

/** Forward and backward in one program: log-probs, the objective's loss, and `grad.NAME` for every parameter. */
export function trainProgram(config: ModelConfig, objective: Objective): Graph {
  const graph = new Graph()
  const { parameters, logprob } = scored(graph, config)
  const perToken = (name: string): Value => graph.input(name, 'float32', ['M'])
  const { loss, clipped } = buildObjective(objective, {
    logprob,
    weight: perToken('weight'),
    old: perToken('old'),
    reference: perToken('reference'),
    advantage: perToken('advantage'),
    sequence: graph.input('sequence', 'int64', ['M']),
    sequences: 'B',
  })
  graph.output('loss', loss)
  graph.output('clipped', clipped)
  const names = [...parameters.keys()]
  for (const [i, gradient] of gradients(loss, [...parameters.values()]).entries())
    graph.output(`grad.${names[i]}`, gradient)
  return graph
}

/** The prompt in one pass: keys and values of every layer, and next-token log-probs after the row `last` of each sequence. */
export function prefillProgram(config: ModelConfig): Graph {
  const graph = new Graph()
  const parameters = parameterInputs(graph, config)
  const rotary = rotaryInputs(graph, config)
  const batch = (name: string) => graph.input(name, 'int64', ['B', 'T'])
  const [ids, positions, segments] = [batch('ids'), batch('positions'), batch('segments')]
  const last = graph.input('last', 'int64', ['B'])
  const { hidden, keys, values } = decode(config, parameters, rotary, ids, positions, {
    mask: causalMask(segments),
  })
  graph.output('logprobs', tokenLogProbs(config, parameters, ops.gather(hidden, last)))
  for (const [i, k] of keys.entries()) graph.output(`key.${i}`, k)
  for (const [i, v] of values.entries()) graph.output(`value.${i}`, v)
  return graph
}

/** One more token for each sequence, given the cache; outputs its next-token log-probs and the token's own keys and values. */
export function decodeProgram(config: ModelConfig): Graph {
  const graph = new Graph()
  const parameters = parameterInputs(graph, config)
  const rotary = rotaryInputs(graph, config)
  const ids = graph.input('ids', 'int64', ['B', 1])
  const positions = graph.input('positions', 'int64', ['B', 1])
  const mask = graph.input('mask', 'float32', ['B', 1, 1, 'P'])
  const layers = Array.from({ length: config.numLayers }, (_, i) => i)
  const cache = (name: string) =>
    layers.map((i) => graph.input(`${name}.${i}`, 'float32', ['B', config.numKvHeads, 'P', config.headDim]))
  const past = { keys: cache('pastKey'), values: cache('pastValue'), mask }
  const { hidden, keys, values } = decode(config, parameters, rotary, ids, positions, { past })
  graph.output('logprobs', tokenLogProbs(config, parameters, hidden))
  for (const [i, k] of keys.entries()) graph.output(`key.${i}`, k)
  for (const [i, v] of values.entries()) graph.output(`value.${i}`, v)
  return graph
}
