import type { PolicyDatum } from '../../engines/contract.ts'
import type { ModelConfig } from '../../models/config.ts'
import type { Datum, ForwardBackwardOutput, ModelInput, Tensor } from '../../tinker/protocol/index.ts'
import { RequestError } from '../problem.ts'
import type { Input, Loss } from './losses.ts'

/**
 * The datums of a request as the engine trains on them. Every position has a weight other than 0, so that its log-prob is known,
 * also where its loss is 0 because its advantage is; only a position that a request weighs by 0, or that GSPO does not count,
 * has none.
 *
 * @throws RequestError that names the datum and what is wrong with it.
 */
export function readDatums(datums: readonly Datum[], loss: Loss, config: ModelConfig): PolicyDatum[] {
  if (datums.length === 0) throw fault('data', 'is empty: give at least one datum')
  return datums.map((datum, i) => readDatum(datum, `data[${i}]`, loss, config))
}

function readDatum(
  { model_input, loss_fn_inputs }: Datum,
  where: string,
  loss: Loss,
  config: ModelConfig,
): PolicyDatum {
  const tokens = tokensOf(model_input, `${where}.model_input`, config)
  const allowed = ['target_tokens', ...loss.needs, ...loss.may]
  const unknown = Object.keys(loss_fn_inputs).find((name) => !allowed.includes(name))
  if (unknown !== undefined)
    throw fault(
      `${where}.loss_fn_inputs`,
      `has ${unknown}, which this loss does not read; it reads ${allowed.join(', ')}`,
    )
  const read = (name: string): ArrayLike<number> | null => {
    const tensor = loss_fn_inputs[name]
    return tensor ? valuesOf(tensor, `${where}.loss_fn_inputs.${name}`, tokens.length) : null
  }
  for (const name of ['target_tokens', ...loss.needs])
    if (!loss_fn_inputs[name]) throw fault(`${where}.loss_fn_inputs`, `lacks ${name}`)
  const targets = Int32Array.from(read('target_tokens')!)
  checkIds(read('target_tokens')!, `${where}.loss_fn_inputs.target_tokens`, config)
  const floats = (name: Input, otherwise: number): Float32Array => {
    const values = read(name)
    return values ? Float32Array.from(values) : new Float32Array(tokens.length).fill(otherwise)
  }
  const given = floats('weights', 1)
  if (loss.needs.length === 0)
    return {
      tokens,
      targets,
      weights: new Float32Array(tokens.length).fill(1),
      logprobs: new Float32Array(tokens.length),
      advantages: given,
    }
  if (given.some((weight) => weight < 0))
    throw fault(`${where}.loss_fn_inputs.weights`, 'must not be negative')
  const advantages = floats('advantages', 0)
  const logprobs = floats('logprobs', 0)
  const weights = loss.sequenceRatio ? given.map((weight, t) => (advantages[t] === 0 ? 0 : weight)) : given
  // ρ of a position without advantage, such as one of the prompt, must not overflow: ∞ · 0 is no number
  const old =
    loss.config.beta === undefined ? logprobs.map((q, t) => (advantages[t] === 0 ? 0 : q)) : logprobs
  return { tokens, targets, weights, logprobs: old, advantages, reference: logprobs }
}

/** The tokens of an input. @throws RequestError if there are none, too many, or some outside the vocabulary. */
export function tokensOf({ chunks }: ModelInput, where: string, config: ModelConfig): Int32Array {
  const length = chunks.reduce((sum, { tokens }) => sum + tokens.length, 0)
  if (length === 0) throw fault(where, 'has no tokens')
  if (length > config.maxPositions)
    throw fault(where, `has ${length} tokens; the model takes at most ${config.maxPositions}`)
  const all = new Int32Array(length)
  let at = 0
  for (const { tokens } of chunks) {
    checkIds(tokens, where, config)
    all.set(tokens, at)
    at += tokens.length
  }
  return all
}

function checkIds(ids: ArrayLike<number>, where: string, { vocabSize }: ModelConfig): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i]!
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize)
      throw fault(
        where,
        `has ${id} at position ${i}, which is no token of the vocabulary, 0 to ${vocabSize - 1}`,
      )
  }
}

function valuesOf({ data, shape }: Tensor, where: string, length: number): ArrayLike<number> {
  if (shape.length !== 1)
    throw fault(where, `has the shape [${shape}]; one value for each token is expected: [${length}]`)
  if (data.length !== length) throw fault(where, `has ${data.length} values for ${length} tokens`)
  for (let i = 0; i < length; i++)
    if (!Number.isFinite(data[i]))
      throw fault(where, `has ${data[i]} at position ${i}; a finite number is expected`)
  return data
}

const fault = (field: string, what: string): RequestError =>
  new RequestError('invalid', `${field} ${what}`, { field })

/** What a client is told of a batch: per datum the log-probs of its targets and their terms of the loss, and the loss. */
export function outputOf(
  datums: readonly PolicyDatum[],
  logprobs: readonly Float32Array[],
  loss: Loss,
  config: Readonly<Record<string, number>>,
): ForwardBackwardOutput {
  let sum = 0
  const outputs = datums.map(({ weights, logprobs: old, reference, advantages }, i) => {
    const lps = logprobs[i]!
    const logRatio = (t: number): number => lps[t]! - old[t]!
    const counted = [...weights.keys()].filter((t) => weights[t] !== 0)
    const ofSequence = Math.exp(
      counted.reduce((total, t) => total + logRatio(t), 0) / Math.max(1, counted.length),
    )
    const terms = lps.map((lp, t) =>
      weights[t] === 0
        ? 0
        : weights[t]! *
          loss.term(
            {
              lp,
              q: (reference ?? old)[t]!,
              A: advantages[t]!,
              ratio: loss.sequenceRatio ? ofSequence : Math.exp(logRatio(t)),
            },
            config,
          ),
    )
    for (const term of terms) sum += term
    return { logprobs: floatTensor(lps), elementwise_loss: floatTensor(terms) }
  })
  return { loss_fn_output_type: 'ArrayRecord', loss_fn_outputs: outputs, metrics: { 'loss:sum': sum } }
}

const floatTensor = (data: Float32Array): Tensor => ({ dtype: 'float32', data, shape: [data.length] })
