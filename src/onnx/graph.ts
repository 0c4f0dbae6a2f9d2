import { coefficientOf, type Dim, type DType, type Shape, showShape, symbolsOf, termsOf } from './shape.ts'

/** Every operator a program may contain. `gradient.ts` has a rule for each; the compiler checks that none is missing. */
export type Operator =
  | 'Add'
  | 'Sub'
  | 'Mul'
  | 'Div'
  | 'Min'
  | 'Max'
  | 'Neg'
  | 'Exp'
  | 'Sqrt'
  | 'Reciprocal'
  | 'Sigmoid'
  | 'Swish'
  | 'Gelu'
  | 'Where'
  | 'Less'
  | 'Greater'
  | 'GreaterOrEqual'
  | 'And'
  | 'Cast'
  | 'StopGradient'
  | 'MatMul'
  | 'Transpose'
  | 'Reshape'
  | 'Expand'
  | 'Concat'
  | 'Slice'
  | 'Pad'
  | 'Gather'
  | 'GatherElements'
  | 'ScatterElements'
  | 'ScatterND'
  | 'ReduceSum'
  | 'ReduceMean'
  | 'ReduceMax'
  | 'Softmax'
  | 'LogSoftmax'
  | 'Attention'
  | 'RmsNorm'
  | 'Rotary'
  | 'Shape'
  | 'Range'
  | 'Squeeze'
  | 'CachedAttention'

export type Attribute = number | string | readonly number[] | { readonly float: number }

export interface Node {
  readonly op: Operator
  readonly inputs: readonly Value[]
  readonly output: Value
  /** A second output that only the gradient uses, with its index among the ONNX operator's outputs; computed only if read. */
  readonly saved?: { readonly value: Value; readonly at: number }
  /** Outputs after the first, in the order of the ONNX operator. */
  readonly more?: readonly Value[]
  /** The ONNX operator that implements it: its type, domain and attributes. */
  readonly onnx: { type: string; domain: string; attributes: Readonly<Record<string, Attribute>> }
  /** Gather: no index occurs twice. */
  readonly distinct?: boolean
  /** Gather: for each row of the first operand, a row of the output that its whole gradient comes from. */
  readonly inverse?: Value
  /** Slice and Pad: where the shorter tensor lies in the longer one. */
  readonly window?: Window
}

/** A range along an axis, with the sizes of what lies before and after it. */
export interface Window {
  readonly axis: number
  readonly before: Dim
  readonly size: Dim
  readonly after: Dim
}

/** A tensor in a program: its dtype and shape are known, its contents are computed when the program runs. */
export class Value {
  constructor(
    readonly graph: Graph,
    readonly name: string,
    readonly dtype: DType,
    readonly shape: Shape,
    readonly node: Node | null,
  ) {}
  toString(): string {
    return `${this.name}: ${this.dtype}${showShape(this.shape)}`
  }
}

/** The contents of a tensor, one array type per `DType`. */
export type TypedData = Float32Array | BigInt64Array | Int32Array | Uint8Array | Uint16Array
/** A constant of a program and its contents. */
export interface Initializer {
  readonly value: Value
  readonly data: TypedData
  /** The contents are handed to the runtime beside the encoded program, which has a size limit of 2 GB. */
  readonly external: boolean
}

/** The array that holds the elements of each type. */
export const ARRAYS = {
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
  float16: Uint16Array,
  uint8: Uint8Array,
}

/** A tensor program under construction: inputs, constants, and operators in the order they run. */
export class Graph {
  readonly inputs: Value[] = []
  readonly initializers: Initializer[] = []
  readonly nodes: Node[] = []
  readonly outputs = new Map<string, Value>()
  #names = new Set<string>()
  #constants = new Map<string, Value>()
  /** The tensor and axis from which a symbolic dimension can be read at run time. */
  #symbols = new Map<string, { value: Value; axis: number }>()
  #dims = new Map<string, Value>()
  #shapes = new Map<string, Value>()

  /** Declares an input. @throws Error if the name is already taken. */
  input(name: string, dtype: DType, shape: Shape): Value {
    if (this.#names.has(name)) throw new Error(`input ${name} is declared twice`)
    const value = this.#remember(new Value(this, this.#unique(name), dtype, shape, null))
    this.inputs.push(value)
    return value
  }

  /** A constant with these contents, row-major; small equal constants are shared. @throws Error if data and shape disagree. */
  constant(data: readonly number[] | Float32Array, dtype: DType, shape: readonly number[]): Value {
    const size = shape.reduce((a, b) => a * b, 1)
    if (size !== data.length)
      throw new Error(`constant: ${data.length} numbers do not fill shape ${showShape(shape)}`)
    const key =
      size <= 16
        ? `${dtype}${showShape(shape)}${Array.from(data, (x) => (Object.is(x, -0) ? '-0' : x))}`
        : null
    const known = key === null ? undefined : this.#constants.get(key)
    if (known) return known
    const typed =
      dtype === 'int64' ? BigInt64Array.from(data as number[], BigInt) : ARRAYS[dtype].from(data as number[])
    const value = new Value(this, this.#unique('const'), dtype, shape, null)
    this.initializers.push({ value, data: typed as TypedData, external: false })
    if (key !== null) this.#constants.set(key, value)
    return value
  }

  /**
   * Fixed weights: the runtime arranges those of a matrix product for speed when the program is opened. `data` is not
   * copied, and must not change before then. @throws Error if the name is already taken, or data and shape disagree.
   */
  parameter(
    name: string,
    data: Float32Array | Uint16Array | Uint8Array,
    shape: readonly number[],
    dtype: 'float32' | 'float16' | 'uint8' = 'float32',
  ): Value {
    if (this.#names.has(name)) throw new Error(`parameter ${name} is declared twice`)
    if (shape.reduce((a, b) => a * b, 1) !== data.length)
      throw new Error(`parameter ${name}: ${data.length} numbers do not fill shape ${showShape(shape)}`)
    const value = new Value(this, this.#unique(name), dtype, shape, null)
    this.initializers.push({ value, data, external: true })
    return value
  }

  /** A constant of rank 0. */
  scalar(x: number, dtype: DType = 'float32'): Value {
    return this.constant([x], dtype, [])
  }

  /** Names a value as an output of the program. */
  output(name: string, value: Value): void {
    if (value.graph !== this) throw new Error(`output ${name} belongs to another program`)
    this.outputs.set(name, value)
  }

  /** Appends an operator. `onnx.type` defaults to the operator's own name. */
  emit(
    op: Operator,
    inputs: readonly Value[],
    dtype: DType,
    shape: Shape,
    attributes: Record<string, Attribute> = {},
    onnx: {
      type?: string
      domain?: string
      window?: Window
      distinct?: boolean
      inverse?: Value | undefined
      more?: readonly { name: string; dtype: DType; shape: Shape }[]
      saved?: { shape: Shape; at: number }
    } = {},
  ): Value {
    for (const v of inputs)
      if (v.graph !== this) throw new Error(`${op}: operand ${v} belongs to another program`)
    const node = {
      op,
      inputs,
      onnx: { type: onnx.type ?? op, domain: onnx.domain ?? '', attributes },
      ...(onnx.window ? { window: onnx.window } : {}),
      ...(onnx.distinct ? { distinct: true } : {}),
      ...(onnx.inverse ? { inverse: onnx.inverse } : {}),
    } as { -readonly [K in keyof Node]: Node[K] }
    const result = (of: Shape, name: string = op, type = dtype) =>
      new Value(this, this.#unique(name), type, of, node)
    node.output = result(shape)
    if (onnx.more) node.more = onnx.more.map((other) => result(other.shape, other.name, other.dtype))
    if (onnx.saved) node.saved = { value: result(onnx.saved.shape), at: onnx.saved.at }
    this.nodes.push(node)
    return this.#remember(node.output)
  }

  /** `shape` as an int64 vector at run time. */
  shapeTensor(shape: Shape): Value {
    if (shape.every((d) => typeof d === 'number')) return this.constant(shape, 'int64', [shape.length])
    if (shape.length === 1) return this.dim(shape[0]!)
    const key = shape.join()
    const known = this.#shapes.get(key)
    if (known) return known
    const parts = shape.map((d) => this.dim(d))
    const value = this.emit('Concat', parts, 'int64', [parts.length], { axis: 0 })
    this.#shapes.set(key, value)
    return value
  }

  /** A dimension as int64 [1] at run time. @throws Error if it contains a symbol that no tensor of the program has. */
  dim(dim: Dim): Value {
    if (typeof dim === 'number') return this.constant([dim], 'int64', [1])
    const known = this.#dims.get(dim)
    if (known) return known
    const source = this.#symbols.get(dim)
    let value: Value
    if (source)
      value = this.emit('Shape', [source.value], 'int64', [1], { start: source.axis, end: source.axis + 1 })
    else if (termsOf(dim).length > 1)
      value = termsOf(dim)
        .map((term) => this.dim(term))
        .reduce((a, b) => this.emit('Add', [a, b], 'int64', [1]))
    else {
      const symbols = symbolsOf(dim)
      if (symbols.length === 1 && symbols[0] === dim)
        throw new Error(`dimension ${dim} belongs to no tensor of this program`)
      value = this.constant([coefficientOf(dim)], 'int64', [1])
      for (const s of symbols) value = this.emit('Mul', [value, this.dim(s)], 'int64', [1])
    }
    this.#dims.set(dim, value)
    return value
  }

  #unique(base: string): string {
    let name = base
    for (let i = this.#names.size; this.#names.has(name); i++) name = `${base}_${i}`
    this.#names.add(name)
    return name
  }

  #remember(value: Value): Value {
    for (const [axis, d] of value.shape.entries())
      if (typeof d === 'string' && !this.#symbols.has(d)) this.#symbols.set(d, { value, axis })
    return value
  }
}
