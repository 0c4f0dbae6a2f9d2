import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Objective } from '../../algorithms/objectives.ts'
import { UserError } from '../../common/errors.ts'
import type { ModelConfig } from '../../models/config.ts'
import { loadModel, saveModel } from '../../models/directory.ts'
import { forwardFlopsPerToken, parameterShapes } from '../../models/parameters.ts'
import { SafetensorsFile, writeSafetensors } from '../../models/safetensors.ts'
import type { Tokenizer } from '../../models/tokenizer.ts'
import type { Graph } from '../../onnx/graph.ts'
import { Session, type Tensor } from '../../onnx/session.ts'
import type {
  AdamSettings,
  Datum,
  ForwardBackwardResult,
  ForwardResult,
  SampledSequence,
} from '../contract.ts'
import { adamW, type Slot } from './adam.ts'
import { adoptSum, publish } from './exchange.ts'
import { type Microbatch, microbatches, scatter } from './microbatch.ts'
import { scoreProgram, trainProgram } from './programs.ts'
import { LocalSampler, rotaryFeeds, type SampleRequest, weightFeeds } from './sampler.ts'

export interface EngineModel {
  readonly config: ModelConfig
  readonly parameters: Map<string, Float32Array>
  readonly tokenizer: Tokenizer | null
  /** Folder whose tokenizer files go along with every save; null when there are none. */
  readonly source: string | null
  readonly threads: number
}

/**
 * Padded positions of a microbatch, and elements of its [positions, vocabulary] matrices: not more than makes products
 * fast, so that what a layer leaves is still in the cache when the next one reads it.
 */
const MICROBATCH_TOKENS = 1280
const MICROBATCH_LOGITS = 2 ** 26
const OPTIMIZER_FILE = 'optimizer.safetensors'

/**
 * Trainer and sampler over one set of weights, synchronous: every call blocks its thread until it is done. Programs
 * read the weights as inputs and only the optimizer writes them, between runs; so an update needs no new session,
 * and no program can overwrite a weight that it still has to read.
 */
export class LocalEngine {
  readonly config: ModelConfig
  readonly #model: EngineModel
  readonly #slots = new Map<string, Slot>()
  readonly #rotary: Record<string, Tensor>
  readonly #sessions = new Map<string, Session>()
  #sampler: LocalSampler | null = null
  /** Weights of the reference policy; null while they equal the policy's. */
  #reference: Map<string, Float32Array> | null = null
  #steps = 0
  readonly #microbatchTokens: number

  constructor(model: EngineModel) {
    this.#model = model
    this.config = model.config
    for (const [name, shape] of parameterShapes(model.config)) {
      const weights = model.parameters.get(name)!
      const zeros = () => new Float32Array(weights.length)
      this.#slots.set(name, { weights, gradient: zeros(), m: zeros(), v: zeros(), decays: shape.length > 1 })
    }
    this.#rotary = rotaryFeeds(model.config, model.config.maxPositions)
    this.#microbatchTokens = Math.max(
      1,
      Math.min(MICROBATCH_TOKENS, Math.floor(MICROBATCH_LOGITS / model.config.vocabSize)),
    )
  }

  /** With `shared`, the accumulated gradient is published there. */
  forwardBackward(
    datums: readonly Datum[],
    objective: Objective,
    shared?: SharedArrayBuffer,
  ): ForwardBackwardResult {
    const weights = weightFeeds(this.config, this.#model.parameters)
    const gradients = weightFeeds(
      this.config,
      new Map([...this.#slots].map(([name, { gradient }]) => [name, gradient])),
    )
    const result = { logprobs: blank(datums), entropies: blank(datums), clipped: blank(datums) }
    let loss = 0
    let flops = 0
    for (const mb of this.#split(datums)) {
      const M = [mb.rows.length]
      const prefixed = mb.prefix !== null
      const session = this.#session(`train ${prefixed} ${JSON.stringify(objective)}`, () =>
        trainProgram(this.config, objective, { prefixed }),
      )
      const out = session.run(
        {
          ...weights,
          ...named('sum', gradients),
          ...this.#batchFeeds(mb),
          weight: { data: mb.weight, dims: M },
          sequence: { data: mb.sequence, dims: M },
          ...Object.fromEntries(
            (['old', 'reference', 'advantage'] as const)
              .filter((name) => session.inputs.has(name))
              .map((name) => [name, { data: mb[name], dims: M }]),
          ),
        },
        named('grad', gradients),
      )
      loss += Number(out.loss!.data[0])
      const collect = (name: string, into: Float32Array[]) =>
        scatter(mb, out[name]!.data as Float32Array, into)
      collect('logprob', result.logprobs)
      collect('clipped', result.clipped)
      if (out.entropy) collect('entropy', result.entropies)
      flops += 3 * this.#forwardFlops(mb)
    }
    if (shared) publish(this.#gradients(), shared)
    return { ...result, loss, flops }
  }

  forward(datums: readonly Datum[], weights: 'policy' | 'reference'): ForwardResult {
    const parameters = weights === 'reference' && this.#reference ? this.#reference : this.#model.parameters
    return this.#forward(datums, parameters)
  }

  #forward(datums: readonly Datum[], parameters: ReadonlyMap<string, Float32Array>): ForwardResult {
    const logprobs = blank(datums)
    const feeds = weightFeeds(this.config, parameters)
    for (const mb of this.#split(datums)) {
      const prefixed = mb.prefix !== null
      const session = this.#session(`score ${prefixed}`, () => scoreProgram(this.config, { prefixed }))
      const out = session.run({ ...feeds, ...this.#batchFeeds(mb) })
      scatter(mb, out.logprob!.data as Float32Array, logprobs)
    }
    return { logprobs }
  }

  /** One step on the accumulated gradient or, with `shared`, on the sum of what the replicas have published there. */
  optimStep(settings: AdamSettings, shared: readonly SharedArrayBuffer[] = []): { gradNorm: number } {
    const slots = [...this.#slots.values()]
    adoptSum(this.#gradients(), shared)
    const gradNorm = adamW(slots, this.#steps + 1, settings)
    this.#steps++
    for (const { gradient } of slots) gradient.fill(0)
    return { gradNorm }
  }

  #gradients(): Float32Array[] {
    return [...this.#slots.values()].map(({ gradient }) => gradient)
  }

  refreshReference(): void {
    this.#reference = new Map([...this.#model.parameters].map(([name, w]) => [name, w.slice()]))
  }

  sample(requests: readonly SampleRequest[]): SampledSequence[][] {
    this.#sampler ??= new LocalSampler(
      this.config,
      this.#model.parameters,
      this.#model.tokenizer,
      this.#model.threads,
    )
    return this.#sampler.sample(requests)
  }

  /** log π(tokens[t] | tokens[0..t)), NaN at t = 0. */
  logprobs(tokens: Int32Array): Float32Array {
    const result = new Float32Array(tokens.length).fill(Number.NaN)
    if (tokens.length < 2) return result
    const datum = {
      tokens: tokens.slice(0, -1),
      targets: tokens.slice(1),
      weights: new Float32Array(tokens.length - 1).fill(1),
    }
    result.set(this.forward([datum], 'policy').logprobs[0]!, 1)
    return result
  }

  save(
    directory: string,
    { optimizer = false, dtype = 'F32' }: { optimizer?: boolean; dtype?: 'F32' | 'BF16' },
  ): void {
    mkdirSync(directory, { recursive: true })
    const { config, parameters, source } = this.#model
    saveModel(directory, { config, parameters, dtype, ...(source ? { tokenizerFrom: source } : {}) })
    if (!optimizer) return
    const shapes = parameterShapes(config)
    const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>()
    for (const [name, shape] of shapes) {
      const slot = this.#slots.get(name)!
      tensors.set(`m.${name}`, { shape, data: slot.m })
      tensors.set(`v.${name}`, { shape, data: slot.v })
      if (this.#reference) tensors.set(`reference.${name}`, { shape, data: this.#reference.get(name)! })
    }
    writeSafetensors(join(directory, OPTIMIZER_FILE), tensors, {
      dtype: 'F32',
      metadata: { steps: String(this.#steps) },
    })
  }

  /** Restores what `save(…, {optimizer: true})` wrote into the same architecture. */
  load(directory: string): void {
    const model = loadModel(directory).parameters
    const file = join(directory, OPTIMIZER_FILE)
    const state = new SafetensorsFile(file)
    const fill = (into: Float32Array, from: Float32Array | undefined, name: string) => {
      if (from?.length !== into.length)
        throw new UserError(`${file}: ${name} is of another size; this checkpoint is of another model`)
      into.set(from)
    }
    try {
      const steps = Number(state.metadata.steps)
      if (!Number.isInteger(steps))
        throw new UserError(`${file} does not say after how many steps it was written`)
      const reference = new Map<string, Float32Array>()
      for (const [name, slot] of this.#slots) {
        fill(slot.weights, model.get(name), name)
        fill(slot.m, state.read(`m.${name}`), `m.${name}`)
        fill(slot.v, state.read(`v.${name}`), `v.${name}`)
        slot.gradient.fill(0)
        if (state.tensors.has(`reference.${name}`)) reference.set(name, state.read(`reference.${name}`))
      }
      this.#reference = reference.size > 0 ? reference : null
      this.#steps = steps
      this.#sampler?.forget()
    } finally {
      state.close()
    }
  }

  #session(key: string, program: () => Graph): Session {
    let session = this.#sessions.get(key)
    if (!session) {
      session = new Session(program(), { threads: this.#model.threads })
      this.#sessions.set(key, session)
    }
    return session
  }

  #split(datums: readonly Datum[]): Microbatch[] {
    for (const [i, d] of datums.entries()) {
      if (d.tokens.length > this.config.maxPositions)
        throw new Error(
          `datum ${i} has ${d.tokens.length} tokens; the model has ${this.config.maxPositions} positions`,
        )
      if (d.targets.length !== d.tokens.length || d.weights.length !== d.tokens.length)
        throw new Error(`datum ${i}: tokens, targets and weights differ in length`)
    }
    return microbatches(datums, this.config, this.#microbatchTokens)
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
    const before = mb.prefix?.length ?? 0
    const own = mb.batch * mb.length * forwardFlopsPerToken(this.config, before + mb.length)
    return own + (mb.prefix ? mb.prefix.count * before * forwardFlopsPerToken(this.config, before) : 0)
  }
}

/** The same tensors as `PREFIX.NAME`. */
const named = (prefix: string, tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [`${prefix}.${name}`, tensor]))

const blank = (datums: readonly Datum[]): Float32Array[] =>
  datums.map((d) => new Float32Array(d.tokens.length).fill(Number.NaN))
