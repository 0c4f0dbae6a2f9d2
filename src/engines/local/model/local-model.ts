import type { Objective } from '../../../algorithms/objectives.ts'
import { UserError } from '../../../common/errors.ts'
import { saveModel } from '../../../models/checkpoint/directory.ts'
import { isPeftFolder } from '../../../models/checkpoint/peft/adapter-config.ts'
import { baseHash, readAdapters, statedBaseHash } from '../../../models/checkpoint/peft/adapters.ts'
import type { AdapterBase } from '../../../models/checkpoint/peft/save-adapters.ts'
import type { ModelConfig } from '../../../models/config.ts'
import { outputName } from '../../../models/decoder.ts'
import { initAdapters } from '../../../models/lora.ts'
import { forwardFlopsPerToken, parameterShapes } from '../../../models/parameters.ts'
import type { Tokenizer } from '../../../models/tokenizer/tokenizer.ts'
import type { Graph } from '../../../onnx/graph.ts'
import { Session, type Tensor } from '../../../onnx/session.ts'
import type { AdamSettings, EngineSpec, SampledSequence, Trainable } from '../../contract.ts'
import { ContinuousSampler } from '../continuous/sampler.ts'
import {
  type Microbatch,
  microbatches,
  type Split,
  scatter,
  splitFor,
  type Tokens,
} from './batches/microbatch.ts'
import type { Sequence, SequencesResult } from './batches/sequences.ts'
import { parameterFeeds, rotaryFeeds } from './feeds.ts'
import { type LoadedWeights, load, loadWeights } from './load.ts'
import { Optimizer } from './optimizer/optimizer.ts'
import { readOptimizer, writeOptimizer } from './optimizer/optimizer-file.ts'
import { chunkName, type Layout, scoreProgram, trainProgram } from './programs.ts'
import type { SampleRequest } from './sampling/drawing.ts'
import { LocalSampler } from './sampling/sampler.ts'
import { trainableShapes, trainedConfig } from './trainable.ts'

/** The model that one thread opens, the number of threads of its sessions, and how batches are split, for tests. */
export type LocalSpec = Pick<EngineSpec, 'model' | 'rewardHead'> & {
  readonly threads: number
  readonly split?: Split
}

/**
 * One model in one thread. Every call is synchronous and blocks the thread. Programs read the weights as inputs and only
 * `commit` changes them, between runs, so an update needs no new session and no program can overwrite a weight that it
 * still has to read.
 *
 * The caller numbers the versions of the weights. The current one is trained; copies of earlier ones and of checkpoints
 * are held until they are dropped. A change has two phases, so that all replicas make it or none does: whatever can fail
 * happens in `prepareStep` and `prepareLoad`, and `commit` changes the weights.
 */
export class LocalModel {
  readonly config: ModelConfig
  readonly tokenizer: Tokenizer | null
  readonly #spec: LocalSpec | null
  readonly #tokenizerFrom: string | null
  readonly #threads: number
  readonly #beforeRun: () => void
  readonly #split: Split
  readonly #rotary: Record<string, Tensor>
  readonly #sessions = new Map<string, Session>()
  readonly #samplers = new Map<string, LocalSampler>()
  #current: { readonly version: number; readonly weights: LoadedWeights }
  /** Versions besides the current one. What a trainer does not change is in memory once, for all of them. */
  readonly #held = new Map<number, LoadedWeights>()
  #optimizer: Optimizer | null = null
  /** The weights that adapters are trained on, which nothing changes; null if no adapters are trained. */
  #frozen: { readonly weights: LoadedWeights; readonly base: AdapterBase } | null = null
  #prepared: (() => void) | null = null

  /**
   * The weights of the spec become version 0. `beforeRun` is called before each run of a program; an error it throws
   * ends the call.
   */
  constructor(spec: LocalSpec, beforeRun: () => void = () => {}) {
    this.#beforeRun = beforeRun
    const { config, parameters, tokenizer, tokenizerFrom } = load(spec)
    this.config = config
    this.tokenizer = tokenizer
    this.#spec = typeof spec.model === 'string' ? spec : null
    this.#tokenizerFrom = tokenizerFrom
    this.#threads = spec.threads
    this.#current = { version: 0, weights: { config, parameters } }
    this.#rotary = rotaryFeeds(config, config.maxPositions)
    this.#split = spec.split ?? splitFor(config)
  }

  /**
   * Allocates gradients and moments. The replicas publish their gradients in `exchange`, this one in vector `replica`. New
   * adapters on the base weights become version `next`, and version 0 is held.
   */
  openTrainer(
    trainable: Trainable,
    exchange: readonly SharedArrayBuffer[] = [],
    replica = 0,
    next = 1,
  ): void {
    if (trainable !== 'all') {
      const { version, weights } = this.#current
      this.#held.set(version, weights)
      const model = this.#spec?.model
      this.#frozen = {
        weights,
        base: {
          folder: trainable.lora.base ?? (typeof model === 'string' ? model : null),
          hash: baseHash(weights),
        },
      }
      const config = trainedConfig(this.config, trainable)
      const added = initAdapters(config, trainable.lora.seed)
      const trained = trainableShapes(this.config, trainable)
      const base = [...weights.parameters].map(
        ([name, values]) => [name, trained.has(name) ? values.slice() : values] as const,
      )
      this.#current = { version: next, weights: { config, parameters: new Map([...base, ...added]) } }
    }
    const shapes = trainableShapes(this.config, trainable)
    this.#optimizer = new Optimizer(
      shapes,
      this.#current.weights.parameters,
      exchange,
      replica,
      this.#threads,
    )
  }

  /** Adds the objective's gradients to the accumulated gradient, and publishes the result. */
  forwardBackward(sequences: readonly Sequence[], objective: Objective): SequencesResult {
    const optimizer = this.#optimizer!
    const { config, parameters } = this.#current.weights
    const weights = parameterFeeds(parameterShapes(config), parameters)
    const result = { logprobs: blank(sequences), entropies: blank(sequences), clipped: blank(sequences) }
    // A trained output layer would add up its gradients of the parts, which takes longer than it saves.
    const chunks = optimizer.shapes.has(outputName(config)) ? 1 : this.#split.chunks
    let loss = 0
    let flops = 0
    for (const mb of microbatches(sequences, this.config, this.#split)) {
      const M = [mb.rows.length]
      const perToken = () => ({ data: new Float32Array(mb.rows.length), dims: M })
      const out = { logprob: perToken(), entropy: perToken(), clipped: perToken() }
      const total = { data: new Float32Array(1), dims: [] }
      const layout = this.#layout(mb, chunks)
      const session = this.#session(`train ${JSON.stringify(layout)} ${JSON.stringify(objective)}`, () =>
        trainProgram(config, objective, optimizer.shapes.keys(), layout),
      )
      this.#beforeRun()
      session.runInto(
        {
          ...weights,
          ...this.#batchFeeds(mb, chunks),
          weight: { data: mb.weight, dims: M },
          sequence: { data: mb.sequence, dims: M },
          ...Object.fromEntries(
            (['old', 'reference', 'advantage', 'marked'] as const)
              .filter((name) => session.inputs.has(name))
              .map((name) => [name, { data: mb[name], dims: M }]),
          ),
        },
        { ...named('grad', parameterFeeds(optimizer.shapes, optimizer.next)), ...out, loss: total },
      )
      optimizer.add()
      loss += total.data[0]!
      scatter(mb, out.logprob.data, result.logprobs)
      scatter(mb, out.clipped.data, result.clipped)
      if (session.outputs.has('entropy')) scatter(mb, out.entropy.data, result.entropies)
      flops += trainingFlops(config, mb)
    }
    optimizer.publish()
    return { ...result, loss, flops }
  }

  /** log π(target) at each position with a weight (the reward, for a reward model); NaN elsewhere. */
  logprobs(sequences: readonly Sequence[], version: number, temperature = 1): Float32Array[] {
    const logprobs = blank(sequences)
    const { config, parameters } = this.#weights(version)
    const weights = parameterFeeds(parameterShapes(config), parameters)
    for (const mb of microbatches(sequences, this.config, this.#split)) {
      const scoring = { ...this.#layout(mb, this.#split.chunks), recompute: false, temperature }
      const session = this.#session(`score ${JSON.stringify(scoring)} ${adaptersKey(config)}`, () =>
        scoreProgram(config, scoring),
      )
      this.#beforeRun()
      const out = session.run({ ...weights, ...this.#batchFeeds(mb, this.#split.chunks) })
      scatter(mb, out.logprob!.data as Float32Array, logprobs)
    }
    return logprobs
  }

  /** Samples with a version of the weights: one array of sequences per request. */
  sample(requests: readonly SampleRequest[], version: number): SampledSequence[][] {
    const { config, parameters } = this.#weights(version)
    const key = adaptersKey(config)
    let sampler = this.#samplers.get(key)
    if (!sampler) {
      sampler = new LocalSampler(config, this.tokenizer, this.#threads, this.#beforeRun)
      this.#samplers.set(key, sampler)
    }
    return sampler.sample(requests, parameters, version)
  }

  /** A sampler that requests join and leave, with a version of the weights, of which it keeps a copy. */
  continuous(version: number, share: number): ContinuousSampler {
    const options = { threads: this.#threads, share, beforeRun: this.#beforeRun }
    const { config, parameters } = this.#weights(version)
    return new ContinuousSampler(config, parameters, this.tokenizer, options)
  }

  /**
   * Prepares an optimizer step on the sum of the replicas' gradients, if they have `published` any. The new weights
   * become version `next`; with `keep`, the old ones are held.
   *
   * @throws Error if the gradient is not finite.
   */
  prepareStep(
    adam: AdamSettings,
    { next, keep, published }: { next: number; keep: boolean; published: boolean },
  ): { gradNorm: number } {
    const optimizer = this.#optimizer!
    const gradNorm = optimizer.sum(published)
    const { version, weights } = this.#current
    const kept = ([name, values]: [string, Float32Array]) =>
      [name, optimizer.shapes.has(name) ? values.slice() : values] as const
    const copy = keep ? { ...weights, parameters: new Map([...weights.parameters].map(kept)) } : null
    this.#prepared = () => {
      optimizer.step(gradNorm, adam)
      if (copy) this.#held.set(version, copy)
      this.#current = { version: next, weights }
    }
    return { gradNorm }
  }

  /**
   * Prepares to load what `save(…, { optimizer: true })` wrote or, without the `optimizer`, the weights alone. `next` and `keep`
   * are as in `prepareStep`.
   */
  prepareLoad(
    directory: string,
    { next, keep, optimizer: withState = true }: { next: number; keep: boolean; optimizer?: boolean },
  ): { steps: number } {
    const optimizer = this.#optimizer!
    const weights = this.#load(directory)
    if (adaptersKey(weights.config) !== adaptersKey(this.#current.weights.config))
      throw new UserError(
        `${directory} has other adapters than the settings ask for: it belongs to another run`,
      )
    const state = withState
      ? readOptimizer(directory, optimizer.shapes)
      : { steps: 0, m: new Map(), v: new Map() }
    this.#prepared = () => {
      if (keep) this.#held.set(this.#current.version, this.#current.weights)
      this.#current = { version: next, weights }
      optimizer.restore(weights.parameters, state)
    }
    return { steps: state.steps }
  }

  /** Makes the prepared change. */
  commit(): void {
    this.#prepared!()
    this.#prepared = null
  }

  /** Drops the prepared change, if any, and the accumulated gradient. */
  abandon(): void {
    this.#prepared = null
    this.#optimizer?.clear()
  }

  /** Holds the weights in a folder as this version; null stands for the weights that the model was opened with. */
  hold(version: number, directory: string | null): void {
    this.#held.set(version, directory === null ? load(this.#spec!) : this.#load(directory))
  }

  /** Drops a version that is held. */
  drop(version: number): void {
    this.#held.delete(version)
  }

  /** Writes a Hugging Face folder with the weights of a version; with `optimizer`, also the optimizer's state. */
  save(
    directory: string,
    version: number,
    { optimizer = false, dtype = 'F32' }: { optimizer?: boolean; dtype?: 'F32' | 'BF16' } = {},
  ): void {
    const { config, parameters } = this.#weights(version)
    const tokenizerFrom = this.#tokenizerFrom
    saveModel(directory, {
      config,
      parameters,
      dtype,
      ...(tokenizerFrom === null ? {} : { tokenizerFrom }),
      ...(config.adapters ? { base: this.#frozen!.base } : {}),
    })
    if (optimizer) writeOptimizer(directory, this.#optimizer!.shapes, this.#optimizer!.state)
  }

  #weights(version: number): LoadedWeights {
    const weights = version === this.#current.version ? this.#current.weights : this.#held.get(version)
    if (!weights) throw new Error('the sampler or scorer of these weights was closed')
    return weights
  }

  /** Reads a folder. Adapters that were trained on this model's frozen weights are read alone, and not merged. */
  #load(directory: string): LoadedWeights {
    const own = isPeftFolder(directory) && statedBaseHash(directory) === this.#frozen?.base.hash
    return own
      ? readAdapters(directory, this.#frozen!.weights)
      : { config: this.config, parameters: loadWeights(directory, this.config) }
  }

  #session(key: string, program: () => Graph): Session {
    let session = this.#sessions.get(key)
    if (!session) {
      session = new Session(program(), { threads: this.#threads })
      this.#sessions.set(key, session)
    }
    return session
  }

  #layout({ tokens, prefix }: Microbatch, chunks: number): Layout {
    const { packed, maxTokens } = this.#split
    const count = tokens.ids.length + (prefix?.tokens.ids.length ?? 0)
    return { prefixed: prefix !== null, packed, chunks, recompute: packed && count > maxTokens + 1 }
  }

  #batchFeeds({ tokens, prefix, rows, targets }: Microbatch, chunks: number): Record<string, Tensor> {
    const parts = Array.from({ length: chunks }, (_, k) => {
      const [from, to] = [k, k + 1].map((i) => Math.floor((i * rows.length) / chunks))
      const part = (data: BigInt64Array) => ({ data: data.subarray(from, to), dims: [to! - from!] })
      return { [chunkName('rows', k)]: part(rows), [chunkName('targets', k)]: part(targets) }
    })
    return {
      ...this.#rotary,
      ...tokenFeeds(tokens, ''),
      ...(prefix && {
        ...tokenFeeds(prefix.tokens, 'prefix.'),
        'prefix.owner': { data: prefix.owner, dims: [tokens.batch, prefix.tokens.batch] },
        'prefix.mask': { data: prefix.mask, dims: [tokens.batch, prefix.tokens.length] },
      }),
      ...Object.assign({}, ...parts),
    }
  }
}

/** The tokens of a microbatch as inputs of a program, named `PREFIX…`. */
function tokenFeeds(
  { batch, length, ids, positions, packing }: Tokens,
  prefix: string,
): Record<string, Tensor> {
  const dims = [batch, length]
  return {
    [`${prefix}ids`]: { data: ids, dims: packing ? [ids.length] : dims },
    [`${prefix}positions`]: { data: positions, dims },
    ...(packing && {
      [`${prefix}grid`]: { data: packing.grid, dims },
      [`${prefix}cells`]: { data: packing.cells, dims: [ids.length] },
    }),
  }
}

/** A backward pass costs twice as much as a forward pass; without the gradients of frozen matrices, as much less as these. */
function trainingFlops(config: ModelConfig, { tokens, prefix }: Microbatch): number {
  const frozen = config.adapters ? forwardFlopsPerToken({ ...config, adapters: undefined }, 0) : 0
  const before = prefix?.tokens.length ?? 0
  const flops = ({ ids, length }: Tokens, context: number) =>
    ids.length * (3 * forwardFlopsPerToken(config, context + length) - frozen)
  return flops(tokens, before) + (prefix ? flops(prefix.tokens, 0) : 0)
}

/** Tells programs of models with other adapters apart. */
const adaptersKey = ({ adapters }: ModelConfig): string => JSON.stringify(adapters ?? null)

/** The same tensors, named `PREFIX.NAME`. */
const named = (prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}.${name}`, tensor]))

const blank = (sequences: readonly Sequence[]): Float32Array[] =>
  sequences.map(({ tokens }) => new Float32Array(tokens.length).fill(Number.NaN))
