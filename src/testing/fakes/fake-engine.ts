import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  hasKlCov,
  needsReference,
  ratioKinds,
  surrogateNames,
  temperatureOf,
} from '../../algorithms/objectives.ts'
import { UserError } from '../../common/errors.ts'
import { onDisk } from '../../common/files/disk.ts'
import { makeFolder } from '../../common/files/files.ts'
import { Random } from '../../common/random.ts'
import {
  checkAdam,
  checkObjective,
  checkSampleOptions,
  checkTemperature,
  checkTrainable,
  requireOneOf,
} from '../../engines/checks.ts'
import type {
  Capabilities,
  Datum,
  Engine,
  SampledSequence,
  SampleOptions,
  Trainer,
  Weights,
} from '../../engines/contract.ts'
import { Renderer, type TextCodec } from '../../renderer/renderer.ts'
import type { Question, Task } from '../../tasks/task.ts'

/*
 * For tests: a tiny model that can learn and can be checked by hand. The policy is a bigram table of logits, trained by
 * gradient descent on Σ weight · −advantage · log π (policy gradient) or Σ weight · −log π (cross entropy).
 */

const WORDS = [' ', '<think>', '</think>', '<answer>', '</answer>', 'a', 'b', 'wait ', '\n', '<eos>']
const EOS = WORDS.length - 1
const V = WORDS.length

/** A vocabulary of ten words; every other character becomes token 0. */
const fakeCodec: TextCodec = {
  eosId: EOS,
  prefix: new Int32Array(),
  vocabSize: V,
  encode(text) {
    const ids: number[] = []
    for (let i = 0; i < text.length; ) {
      const id = WORDS.findIndex((word) => text.startsWith(word, i))
      ids.push(Math.max(id, 0))
      i += id < 0 ? 1 : WORDS[id]!.length
    }
    return Int32Array.from(ids)
  },
  decode: (ids) =>
    Array.from(ids)
      .map((id) => WORDS[id])
      .join(''),
  stream() {
    throw new Error('the fake tokenizer does not stream')
  },
}

/** Speaks to the fake engine's model in R1-Zero's template. */
export const fakeRenderer = new Renderer({
  folder: 'fake',
  tokenizer: fakeCodec,
  chat: null,
  template: 'r1-zero',
  stopTokens: [EOS],
  endOfTurn: null,
})

/** The question is always "Which letter?", and the right answer "a". */
export const fakeTask: Task = {
  name: 'letter',
  description: 'say a',
  language: 'en',
  training: ({ seed, step, count }) =>
    Array.from({ length: count }, (_, i) => question(`t${seed}.${step}.${i}`)),
  heldOut: ({ count }) => Array.from({ length: count }, (_, i) => question(`h${i}`)),
  check: (_, answer) => ({ correct: answer?.trim() === 'a', reason: 'must be a' }),
}

const question = (id: string): Question => ({
  id,
  prompt: 'Which letter?',
  gold: 'a',
  kind: `letter/${id.length % 2}`,
})

/** Weights of the fake engine: the logits. */
interface FakeWeights extends Weights {
  readonly logits: () => Float64Array
}

/**
 * An engine for the bigram table. Weights are saved as JSON. The sampler starts every response as if the prompt ended with
 * token 0. To change a method in a test, spread it: `{ ...fakeEngine(), scorer }`.
 *
 * @param can Capabilities to report instead of the defaults.
 */
export function fakeEngine({ can }: { can?: Partial<Capabilities> } = {}): Engine {
  const base = firstLogits()
  let closed = false
  let trained = false
  let cancelled: { readonly reason: unknown } | null = null
  const whileOpen = (open: () => boolean = () => true): void => {
    if (closed) throw new Error('the engine was closed')
    if (!open()) throw new Error('this was closed')
  }
  const notCancelled = (): void => {
    if (cancelled) throw cancelled.reason
  }
  const weights = (kind: Weights['kind'], name: string, logits: () => Float64Array): FakeWeights => ({
    kind,
    name,
    logits,
  })
  const noRewards = (): never => {
    throw new UserError('this is not a reward model')
  }

  return {
    can: {
      objectives: ['cross_entropy', 'policy'],
      surrogates: surrogateNames,
      ratios: ratioKinds,
      dualClip: true,
      klCov: false,
      klInLoss: true,
      temperature: true,
      samplingLogprobs: true,
      topLogprobs: true,
      sequenceSeeds: true,
      trainable: ['all'],
      rewardHead: false,
      bitExactResume: true,
      maxTokens: null,
      vocabulary: V,
      heldVersions: null,
      ...can,
    },
    base: weights('base', 'fake', () => base),
    saved: (directory) => weights('checkpoint', directory, () => readLogits(directory)),
    async save(of, directory) {
      whileOpen()
      writeLogits(directory, (of as FakeWeights).logits())
    },
    async sampler(of, { schedule = 'batch' } = {}) {
      whileOpen()
      requireOneOf('the schedule of a sampler', schedule, ['batch', 'continuous'])
      const logits = (of as FakeWeights).logits()
      let open = true
      return {
        async sample(prompt, options) {
          whileOpen(() => open)
          notCancelled()
          checkSampleOptions(options)
          if (prompt.length === 0) throw new Error('the prompt is empty')
          checkTokens(prompt)
          options.signal?.throwIfAborted()
          return Array.from({ length: options.n }, (_, index) => sampleOne(logits, options, index))
        },
        async close() {
          open = false
        },
      }
    },
    async scorer(of) {
      whileOpen()
      const logits = (of as FakeWeights).logits()
      let open = true
      return {
        async logprobs(datums, { temperature = 1 } = {}) {
          whileOpen(() => open)
          notCancelled()
          checkTemperature(temperature)
          return logprobsOf(logits, datums, temperature)
        },
        async close() {
          open = false
        },
      }
    },
    rewardScorer: async () => noRewards(),
    async trainer({ trainable = 'all' } = {}) {
      whileOpen()
      checkTrainable(trainable, this.can)
      if (trained) throw new Error('this engine already has a trainer')
      trained = true
      return fakeTrainer(base, whileOpen, notCancelled)
    },
    cancel(reason) {
      cancelled ??= { reason }
    },
    async close() {
      closed = true
    },
  }
}

function fakeTrainer(base: Float64Array, whileOpen: () => void, notCancelled: () => void): Trainer {
  let logits = base
  let gradient = new Float64Array(V * V)
  let steps = 0

  return {
    async forwardBackward(datums, objective) {
      whileOpen()
      try {
        notCancelled()
        checkObjective(objective)
        if (objective.kind === 'preference') throw new UserError('this is not a reward model')
        if (objective.kind === 'dpo') throw new UserError('this engine cannot train with dpo')
        if (hasKlCov(objective)) throw new UserError('this engine cannot penalise single tokens')
        if (needsReference(objective) && datums.some(({ reference }) => reference === undefined))
          throw new Error('a datum has no reference')
        const temperature = temperatureOf(objective)
        const logprobs = logprobsOf(logits, datums, temperature)
        let loss = 0
        for (const [i, d] of datums.entries()) {
          if (objective.kind === 'policy' && d.advantages?.length !== d.tokens.length)
            throw new Error(`datum ${i}: advantages are missing`)
          for (let t = 0; t < d.tokens.length; t++) {
            if (d.weights[t] === 0) continue
            const factor = d.weights[t]! * (objective.kind === 'cross_entropy' ? 1 : d.advantages![t]!)
            loss -= factor * logprobs[i]![t]!
            const row = logProbs(logits, d.tokens[t]!, temperature)
            // ∂ log π(target) / ∂ logit_v = (1[v = target] − π(v)) / T
            for (let v = 0; v < V; v++)
              gradient[d.tokens[t]! * V + v]! -=
                (factor * ((v === d.targets[t] ? 1 : 0) - Math.exp(row[v]!))) / temperature
          }
        }
        const entropies = datums.map((d) =>
          Float32Array.from(d.tokens, (token, t) =>
            d.weights[t] === 0
              ? Number.NaN
              : -logProbs(logits, token, temperature).reduce((sum, l) => sum + Math.exp(l) * l, 0),
          ),
        )
        const clipped = datums.map((d) => new Float32Array(d.tokens.length))
        return { loss, logprobs, entropies, clipped, flops: 1000 }
      } catch (error) {
        gradient = new Float64Array(V * V)
        throw error
      }
    },
    async compare() {
      throw new UserError('this is not a reward model')
    },
    async optimStep(adam) {
      whileOpen()
      const step = gradient
      gradient = new Float64Array(V * V)
      checkAdam(adam)
      const gradNorm = Math.hypot(...step)
      if (!Number.isFinite(gradNorm)) throw new Error(`the gradient norm is ${gradNorm}`)
      logits = logits.map((x, i) => x - adam.learningRate * step[i]!)
      steps++
      return { gradNorm }
    },
    async snapshot() {
      whileOpen()
      const now = logits
      return { kind: 'snapshot', name: `step ${steps}`, logits: () => now } as FakeWeights
    },
    async save(directory) {
      whileOpen()
      writeLogits(directory, logits)
    },
    async load(directory) {
      whileOpen()
      logits = readLogits(directory)
      gradient = new Float64Array(V * V)
    },
  }
}

/** A policy that thinks, and then mostly answers "b". */
function firstLogits(): Float64Array {
  const logits = new Float64Array(V * V)
  const chain = [0, 1, 7, 2, 3, 5, 4, EOS]
  for (let i = 1; i < chain.length; i++) logits[chain[i - 1]! * V + chain[i]!] = 3
  logits[3 * V + 6] = 4
  logits[6 * V + 4] = 3
  return logits
}

const FILE = 'model.safetensors'

function writeLogits(directory: string, logits: Float64Array): void {
  onDisk('create', directory, () => makeFolder(directory))
  writeFileSync(join(directory, FILE), JSON.stringify([...logits]))
}

const readLogits = (directory: string): Float64Array =>
  Float64Array.from(JSON.parse(readFileSync(join(directory, FILE), 'utf8')) as number[])

function logprobsOf(
  logits: Float64Array,
  datums: readonly Pick<Datum, 'tokens' | 'targets' | 'weights'>[],
  temperature: number,
): Float32Array[] {
  return datums.map(({ tokens, targets, weights }, i) => {
    checkTokens(tokens)
    if (targets.length !== tokens.length || weights.length !== tokens.length)
      throw new Error(`datum ${i}: tokens, targets and weights differ in length`)
    return Float32Array.from(tokens, (token, t) =>
      weights[t] === 0 ? Number.NaN : logProbs(logits, token, temperature)[targets[t]!]!,
    )
  })
}

function checkTokens(tokens: Int32Array): void {
  const unknown = tokens.find((token) => token < 0 || token >= V)
  if (unknown !== undefined) throw new Error(`token ${unknown} is not in the vocabulary`)
}

function sampleOne(logits: Float64Array, options: SampleOptions, index: number): SampledSequence {
  const random = new Random(options.seed, (options.first ?? 0) + index)
  const tokens: number[] = []
  const logprobs: number[] = []
  const samplingLogprobs: number[] = []
  let previous = 0
  while (tokens.length < options.maxTokens) {
    const row = logProbs(logits, previous, options.temperature || 1)
    const kept = keptTokens(row.map(Math.exp), options)
    const token = random.weighted(
      [...row.keys()],
      row.map((logprob, v) => (kept.includes(v) ? Math.exp(logprob) : 0)),
    )
    tokens.push(token)
    logprobs.push(row[token]!)
    const mass = kept.reduce((sum, v) => sum + Math.exp(row[v]!), 0)
    const sampling = kept.length < V ? row[token]! - Math.log(mass) : row[token]!
    samplingLogprobs.push(kept.length === 1 ? 0 : sampling)
    const top = [...row.keys()].sort((a, b) => row[b]! - row[a]! || a - b).slice(0, options.topLogprobs ?? 0)
    options.onToken?.(index, token, {
      logprob: row[token]!,
      top: top.map((v) => ({ token: v, logprob: row[v]! })),
    })
    options.signal?.throwIfAborted()
    previous = token
    if (options.stopTokens?.includes(token)) break
  }
  options.onEnd?.(index)
  const ended = options.stopTokens?.includes(previous)
  return {
    tokens: Int32Array.from(tokens),
    logprobs: Float32Array.from(logprobs),
    samplingLogprobs: Float32Array.from(samplingLogprobs),
    stopReason: ended ? 'stop' : 'length',
  }
}

/** The tokens that may be drawn, by sorting: see `Truncation`. Temperature 0 keeps the likeliest. */
function keptTokens(
  probs: readonly number[],
  { temperature, topK = 0, topP = 1, minP = 0 }: SampleOptions,
): number[] {
  const order = [...probs.keys()].sort((a, b) => probs[b]! - probs[a]! || a - b)
  const likeliest = order.slice(0, temperature === 0 ? 1 : topK || V)
  const limit = topP * likeliest.reduce((sum, v) => sum + probs[v]!, 0)
  let sum = 0
  return likeliest.filter((v) => {
    const kept = (topP === 1 || sum < limit) && probs[v]! >= minP * probs[order[0]!]!
    sum += probs[v]!
    return kept
  })
}

function logProbs(logits: Float64Array, token: number, temperature: number): number[] {
  const row = Array.from(logits.subarray(token * V, token * V + V), (x) => x / temperature)
  const max = Math.max(...row)
  const sum = row.reduce((total, x) => total + Math.exp(x - max), 0)
  return row.map((x) => x - max - Math.log(sum))
}
