import './telemetry.ts'
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type * as Ort from 'onnxruntime-common'
import { encode } from './encode.ts'
import type { Graph, Value } from './graph.ts'
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
 * A program ready to run. `run` is synchronous and blocks its thread, so use it in a worker thread. Inputs are read in
 * place. Outputs are fresh copies; large ones (gradients) are better written to the caller's arrays, see `run`.
 */
export class Session {
  readonly #session: NativeSession
  /** Declared inputs by name. */
  readonly inputs: ReadonlyMap<string, Value>
  /** Declared outputs by name. */
  readonly #outputs: ReadonlyMap<string, Value>

  constructor(graph: Graph, { threads }: { threads: number }) {
    native.initOrt()
    const bytes = encode(graph)
    this.inputs = new Map(graph.inputs.map((v) => [v.name, v]))
    this.#outputs = graph.outputs
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

  /**
   * Runs the program. Outputs named in `into` are written there and not returned. Such an array may also be an input if
   * the operator that computes the output is elementwise and the only one that reads this input.
   *
   * @throws Error like `bind`.
   */
  run(
    feeds: BoundFeeds | Readonly<Record<string, Tensor>>,
    into: Readonly<Record<string, Tensor>> = {},
  ): Record<string, Tensor> {
    const { tensors } = feeds instanceof BoundFeeds ? feeds : this.bind(feeds)
    const fetches: Record<string, unknown> = {}
    let copied = 0
    for (const [name, declared] of this.#outputs) {
      const place = into[name]
      fetches[name] = place
        ? new OrtTensor(declared.dtype, place.data as never, place.dims as number[])
        : null
      copied += place?.data.byteLength ?? 0
    }
    const results = this.#session.run(tensors, fetches, {})
    // The runtime returns copies of these outputs anyway.
    for (const name of Object.keys(into)) delete results[name]
    if (copied > GARBAGE_BYTES) collectGarbage()
    return results
  }

  dispose(): void {
    this.#session.dispose()
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** Copies larger than this are collected at once: the garbage collector would let them pile up. */
const GARBAGE_BYTES = 2 ** 28
setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const constructors = {
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
  float16: Uint16Array,
  uint8: Uint8Array,
}

function check(declared: Value, { data, dims }: Tensor, symbols: Map<string, number>): void {
  const fail = (why: string) => new Error(`run: ${declared} was given ${showShape(dims)}: ${why}`)
  if (!(data instanceof constructors[declared.dtype])) throw fail(`its data is a ${data.constructor.name}`)
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
