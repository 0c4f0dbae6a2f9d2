import type { Objective } from '../../../algorithms/objectives.ts'
import { saveModel } from '../../../models/checkpoint/directory.ts'
import type { ModelConfig } from '../../../models/config.ts'
import { forwardFlopsPerToken, parameterShapes } from '../../../models/parameters.ts'
import type { Tokenizer } from '../../../models/tokenizer/tokenizer.ts'
import type { Graph } from '../../../onnx/graph.ts'
import { Session, type Tensor } from '../../../onnx/session.ts'
import type { AdamSettings, EngineSpec, SampledSequence, Trainable } from '../../contract.ts'
import { ContinuousSampler } from '../continuous/sampler.ts'
import type { SampleRequest } from './drawing.ts'
import { type Parameters, parameterFeeds, rotaryFeeds } from './feeds.ts'
import { load, loadWeights } from './load.ts'
import { type Microbatch, microbatches, scatter } from './microbatch.ts'
import { Optimizer } from './optimizer.ts'
import { readOptimizer, writeOptimizer } from './optimizer-file.ts'
import { scoreProgram, trainProgram } from './programs.ts'
import { LocalSampler } from './sampler.ts'
import type { Sequence, SequencesResult } from './sequences.ts'
import { trainableShapes } from './trainable.ts'

/** The model that one thread opens, and the number of threads of its sessions. */
export type LocalSpec = Pick<EngineSpec, 'model' | 'rewardHead'> & { readonly threads: number }

/**
 * Limits of a microbatch: padded positions, and elements of its [positions, vocabulary] matrices. Large enough for fast
 * matrix products, small enough that a layer's output is still in the processor's cache when the next layer reads it.
 */
const MICROBATCH_TOKENS = 1280
const MICROBATCH_LOGITS = 2 ** 26

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
  readonly #microbatchTokens: number
  readonly #rotary: Record<string, Tensor>
  readonly #sessions = new Map<string, Session>()
  #sampler: LocalSampler | null = null
  #current: { readonly version: number; readonly parameters: Parameters }
  readonly #held = new Map<number, Parameters>()
  #optimizer: Optimizer | null = null
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
    this.#current = { version: 0, parameters }
    this.#rotary = rotaryFeeds(config, config.maxPositions)
    this.#microbatchTokens = Math.max(
      1,
      Math.min(MICROBATCH_TOKENS, Math.floor(MICROBATCH_LOGITS / config.vocabSize)),
    )
  }

  /**
   * Allocates gradients and moments. The replicas publish their gradients in `exchange`, this one in vector `replica`.
   */
  openTrainer(trainable: Trainable, exchange: readonly SharedArrayBuffer[] = [], replica = 0): void {
    const shapes = trainableShapes(this.config, trainable)
    this.#optimizer = new Optimizer(shapes, this.#current.parameters, exchange, replica)
  }

  /** Adds the objective's gradients to the accumulated gradient, and publishes the result. */
  forwardBackward(sequences: readonly Sequence[], objective: Objective): SequencesResult {
    const optimizer = this.#optimizer!
    const weights = parameterFeeds(parameterShapes(this.config), this.#current.parameters)
    const gradient = parameterFeeds(optimizer.shapes, optimizer.gradient)
    const result = { logprobs: blank(sequences), entropies: blank(sequences), clipped: blank(sequences) }
    let loss = 0
    let flops = 0
    for (const mb of this.#split(sequences)) {
      const M = [mb.rows.length]
      const prefixed = mb.prefix !== null
      const session = this.#session(`train ${prefixed} ${JSON.stringify(objective)}`, () =>
        trainProgram(this.config, objective, optimizer.shapes.keys(), { prefixed }),
      )
      this.#beforeRun()
      const out = session.run(
        {
          ...weights,
          ...named('sum', gradient),
          ...this.#batchFeeds(mb),
          weight: { data: mb.weight, dims: M },
          sequence: { data: mb.sequence, dims: M },
          ...Object.fromEntries(
            (['old', 'reference', 'advantage', 'marked'] as const)
              .filter((name) => session.inputs.has(name))
              .map((name) => [name, { data: mb[name], dims: M }]),
          ),
        },
        named('grad', gradient),
      )
      loss += Number(out.loss!.data[0])
      const collect = (name: string, into: Float32Array[]) =>
        scatter(mb, out[name]!.data as Float32Array, into)
      collect('logprob', result.logprobs)
      collect('clipped', result.clipped)
      if (out.entropy) collect('entropy', result.entropies)
      flops += 3 * this.#forwardFlops(mb)
    }
    optimizer.publish()
    return { ...result, loss, flops }
  }

  /** log π(target) at each position with a weight (the reward, for a reward model); NaN elsewhere. */
  logprobs(sequences: readonly Sequence[], version: number, temperature = 1): Float32Array[] {
    const logprobs = blank(sequences)
    const weights = parameterFeeds(parameterShapes(this.config), this.#parameters(version))
    for (const mb of this.#split(sequences)) {
      const prefixed = mb.prefix !== null
      const session = this.#session(`score ${prefixed} ${temperature}`, () =>
        scoreProgram(this.config, { prefixed, temperature }),
      )
      this.#beforeRun()
      const out = session.run({ ...weights, ...this.#batchFeeds(mb) })
      scatter(mb, out.logprob!.data as Float32Array, logprobs)
    }
    return logprobs
  }

  /** Samples with a version of the weights: one array of sequences per request. */
  sample(requests: readonly SampleRequest[], version: number): SampledSequence[][] {
    this.#sampler ??= new LocalSampler(this.config, this.tokenizer, this.#threads, this.#beforeRun)
    return this.#sampler.sample(requests, this.#parameters(version), version)
  }

  /** A sampler that requests join and leave, with a version of the weights, of which it keeps a copy. */
  continuous(version: number, share: number): ContinuousSampler {
    const options = { threads: this.#threads, share, beforeRun: this.#beforeRun }
    return new ContinuousSampler(this.config, this.#parameters(version), this.tokenizer, options)
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
    const { version, parameters } = this.#current
    const copy = keep ? new Map([...parameters].map(([name, values]) => [name, values.slice()])) : null
    this.#prepared = () => {
      optimizer.step(gradNorm, adam)
      if (copy) this.#held.set(version, copy)
      this.#current = { version: next, parameters }
    }
    return { gradNorm }
  }

  /** Prepares to load what `save(…, { optimizer: true })` wrote. `next` and `keep` are as in `prepareStep`. */
  prepareLoad(directory: string, { next, keep }: { next: number; keep: boolean }): { steps: number } {
    const optimizer = this.#optimizer!
    const parameters = loadWeights(directory, this.config)
    const state = readOptimizer(directory, optimizer.shapes)
    this.#prepared = () => {
      if (keep) this.#held.set(this.#current.version, this.#current.parameters)
      this.#current = { version: next, parameters }
      optimizer.restore(parameters, state)
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
    this.#held.set(
      version,
      directory === null ? load(this.#spec!).parameters : loadWeights(directory, this.config),
    )
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
    const tokenizerFrom = this.#tokenizerFrom
    saveModel(directory, {
      config: this.config,
      parameters: this.#parameters(version),
      dtype,
      ...(tokenizerFrom === null ? {} : { tokenizerFrom }),
    })
    if (optimizer) writeOptimizer(directory, this.#optimizer!.shapes, this.#optimizer!.state)
  }

  #parameters(version: number): Parameters {
    const parameters = version === this.#current.version ? this.#current.parameters : this.#held.get(version)
    if (!parameters) throw new Error('the sampler or scorer of these weights was closed')
    return parameters
  }

  #session(key: string, program: () => Graph): Session {
    let session = this.#sessions.get(key)
    if (!session) {
      session = new Session(program(), { threads: this.#threads })
      this.#sessions.set(key, session)
    }
    return session
  }

  #split(sequences: readonly Sequence[]): Microbatch[] {
    return microbatches(sequences, this.config, this.#microbatchTokens)
  }

  #batchFeeds(mb: Microbatch): Record<string, Tensor> {
    const dims = [mb.batch, mb.length]
    const { prefix } = mb
    const prefixDims = prefix && [prefix.count, prefix.length]
    return {
      ...this.#rotary,
      ids: { data: mb.ids, dims },
      positions: { data: mb.positions, dims },
      ...(prefix && {
        'prefix.ids': { data: prefix.ids, dims: prefixDims! },
        'prefix.positions': { data: prefix.positions, dims: prefixDims! },
        'prefix.owner': { data: prefix.owner, dims: [mb.batch, prefix.count] },
        'prefix.mask': { data: prefix.mask, dims: [mb.batch, prefix.length] },
      }),
      rows: { data: mb.rows, dims: [mb.rows.length] },
      targets: { data: mb.targets, dims: [mb.rows.length] },
    }
  }

  #forwardFlops(mb: Microbatch): number {
    const prefix = mb.prefix?.length ?? 0
    const rows = mb.batch * mb.length * forwardFlopsPerToken(this.config, prefix + mb.length)
    return rows + (mb.prefix ? mb.prefix.count * prefix * forwardFlopsPerToken(this.config, prefix) : 0)
  }
}

/** The same tensors, named `PREFIX.NAME`. */
const named = (prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}.${name}`, tensor]))

const blank = (sequences: readonly Sequence[]): Float32Array[] =>
  sequences.map(({ tokens }) => new Float32Array(tokens.length).fill(Number.NaN))
