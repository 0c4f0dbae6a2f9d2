import './telemetry.ts'
import { createRequire } from 'node:module'
import type * as Ort from 'onnxruntime-common'
import { EMPTY_SEQUENCE, encode } from './encode.ts'
import { ARRAYS, type Graph, type Value } from './graph.ts'
import { showShape } from './shape.ts'

/** The contents of a tensor and its shape in one run. */
export interface Tensor {
  readonly data: Float32Array | BigInt64Array | Int32Array | Uint8Array
  readonly dims: readonly number[]
}

interface NativeSession {
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void
  run(
    feeds: object,
    fetches: object,
    options: object,
  ): Record<string, { data: Tensor['data']; dims: number[] }>
  dispose(): void
}
const load = createRequire(import.meta.url)
const { Tensor: OrtTensor } = load('onnxruntime-common') as typeof Ort
/** The package's native binding: unlike its public API, it runs synchronously. */
const native = load('onnxruntime-node/dist/binding') as {
  initOrt(): void
  binding: { InferenceSession: new () => NativeSession }
}

/** Checked feeds of a program. */
export class BoundFeeds {
  constructor(readonly tensors: object) {}
}

/**
 * A program ready to run. `run` and `runInto` are synchronous and block their thread, so use them in a worker thread.
 * Inputs are read in place. `run` returns copies of the outputs; large ones (gradients) are better written to the caller's
 * arrays by `runInto`.
 */
export class Session {
  readonly #session: NativeSession
  /** Declared inputs by name. */
  readonly inputs: ReadonlyMap<string, Value>
  /** Declared outputs by name. */
  readonly outputs: ReadonlyMap<string, Value>

  constructor(graph: Graph, { threads }: { threads: number }) {
    native.initOrt()
    const bytes = encode(graph, { emptySequence: true })
    this.inputs = new Map(graph.inputs.map((v) => [v.name, v]))
    this.outputs = graph.outputs
    this.#session = new native.binding.InferenceSession()
    this.#session.loadModel(bytes.buffer, bytes.byteOffset, bytes.byteLength, {
      executionProviders: ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // A memory pattern would reserve one more block per shape, on top of what the first run left in the arena.
      enableMemPattern: false,
      logSeverityLevel: 3,
      // Masked probabilities are denormal numbers, with which some processors are many times slower.
      extra: { session: { set_denormal_as_zero: '1' } },
      externalData: graph.initializers
        .filter(({ external }) => external)
        .map(({ value, data }) => ({ path: value.name, data: bytesOf(data) })),
    })
  }

  /**
   * Checks feeds once for any number of runs; the contents of the arrays may change between runs.
   *
   * @throws Error if a feed is missing, unknown, or does not match its declared dtype and shape.
   */
  bind(feeds: Readonly<Record<string, Tensor>>): BoundFeeds {
    const symbols = new Map<string, number>()
    const bound: Record<string, unknown> = {}
    for (const [name, declared] of this.inputs) {
      const feed = feeds[name]
      if (!feed) throw new Error(`run: input ${declared} is missing`)
      check(declared, feed, symbols)
      bound[name] = new OrtTensor(declared.dtype, feed.data as never, feed.dims as number[])
    }
    for (const name of Object.keys(feeds))
      if (!this.inputs.has(name)) throw new Error(`run: the program has no input ${name}`)
    return new BoundFeeds(bound)
  }

  /** Runs the program and returns its outputs. @throws Error like `bind`. */
  run(feeds: BoundFeeds | Readonly<Record<string, Tensor>>): Record<string, Tensor> {
    const fetches = Object.fromEntries([...this.outputs.keys()].map((name) => [name, null]))
    return this.#session.run(this.#bound(feeds), fetches, {})
  }

  /**
   * Runs the program and writes every output to an array of the caller. Such an array may also be an input if the operator
   * that computes the output is elementwise and the only one that reads this input.
   *
   * @throws Error like `bind`, or if an output has no array or the array does not match.
   */
  runInto(
    feeds: BoundFeeds | Readonly<Record<string, Tensor>>,
    into: Readonly<Record<string, Tensor>>,
  ): void {
    const fetches: Record<string, unknown> = { [EMPTY_SEQUENCE]: null }
    for (const [name, declared] of this.outputs) {
      const place = into[name]
      if (!place) throw new Error(`run: there is no array for output ${declared}`)
      fetches[name] = new OrtTensor(declared.dtype, place.data as never, place.dims as number[])
    }
    try {
      this.#session.run(this.#bound(feeds), fetches, {})
    } catch (error) {
      // After the run, the binding copies each output into a new array, also those that it has written to the caller's.
      // It goes through the outputs in their order, and refuses the first one, which is a sequence.
      if (!String(error).includes('Non tensor type')) throw error
    }
  }

  #bound(feeds: BoundFeeds | Readonly<Record<string, Tensor>>): object {
    return (feeds instanceof BoundFeeds ? feeds : this.bind(feeds)).tensors
  }

  dispose(): void {
    this.#session.dispose()
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

function check(declared: Value, { data, dims }: Tensor, symbols: Map<string, number>): void {
  const fail = (why: string) => new Error(`run: ${declared} was given ${showShape(dims)}: ${why}`)
  if (!(data instanceof ARRAYS[declared.dtype])) throw fail(`its data is a ${data.constructor.name}`)
  if (dims.length !== declared.shape.length) throw fail('the ranks differ')
  let size = 1
  for (const [i, d] of declared.shape.entries()) {
    const n = dims[i]!
    size *= n
    const expected = typeof d === 'number' ? d : (symbols.get(d) ?? n)
    if (n !== expected) throw fail(`axis ${i} (${d}) must be ${expected}`)
    if (typeof d === 'string') symbols.set(d, n)
  }
  if (size !== data.length) throw fail(`${data.length} elements do not fill it`)
}
