import { ProtobufWriter } from '../common/protobuf.ts'
import type { Attribute, Graph, Node, TypedData, Value } from './graph.ts'
import type { DType } from './shape.ts'

/** `TensorProto.DataType` of onnx.proto3. */
export const elementType: Record<DType, number> = {
  float32: 1,
  uint8: 2,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
}
const asBytes = (d: TypedData): Uint8Array => new Uint8Array(d.buffer, d.byteOffset, d.byteLength)

/** The contents of a tensor are in another file, or in memory under its name. */
const EXTERNAL = 1

const OPSET = 23
const IR_VERSION = 10

/** Where the contents of an external constant are: fields of `external_data` in onnx.proto3. */
export type Place = Readonly<Record<string, string>>

/** Name of an output that `encode` adds to a program where it is asked to, before the others: an empty sequence. */
export const EMPTY_SEQUENCE = 'empty_sequence'

interface EncodeOptions {
  /** Where the contents of an external constant are; by default in memory under its name. */
  readonly placeOf?: (value: Value) => Place
  /** Add the output `EMPTY_SEQUENCE`? */
  readonly emptySequence?: boolean
}

/** The program as the bytes of an ONNX ModelProto (field numbers from onnx.proto3), without its external contents. */
export function encode(
  graph: Graph,
  { placeOf = ({ name }) => ({ location: name }), emptySequence = false }: EncodeOptions = {},
): Uint8Array {
  const outputs = [...graph.outputs]
  const { nodes, values } = live(graph)
  return new ProtobufWriter()
    .int(1, IR_VERSION)
    .text(2, 'ruminate')
    .message(7, (g) => {
      for (const n of nodes)
        g.message(1, (w) => {
          for (const v of n.inputs) w.text(1, v.name)
          w.text(2, n.output.name)
          for (const v of n.more ?? []) w.text(2, v.name)
          if (n.saved && values.has(n.saved.value)) {
            for (let i = 1; i < n.saved.at; i++) w.text(2, '')
            w.text(2, n.saved.value.name)
          }
          w.text(3, n.output.name).text(4, n.onnx.type)
          for (const [name, value] of Object.entries(n.onnx.attributes))
            w.message(5, (a) => attribute(a, name, value))
          w.text(7, n.onnx.domain)
        })
      for (const [name, v] of outputs)
        if (v.name !== name) g.message(1, (w) => w.text(1, v.name).text(2, name).text(4, 'Identity'))
      if (emptySequence) g.message(1, (w) => w.text(2, EMPTY_SEQUENCE).text(4, 'SequenceEmpty'))
      g.text(2, 'program')
      for (const { value, data, external } of graph.initializers.filter(({ value }) => values.has(value)))
        g.message(5, (w) => {
          for (const d of value.shape) w.int(1, d as number)
          w.int(2, elementType[value.dtype]).text(8, value.name)
          if (!external) w.bytes(9, asBytes(data))
          else {
            for (const [key, text] of Object.entries(placeOf(value)))
              w.message(13, (entry) => entry.text(1, key).text(2, text))
            w.int(14, EXTERNAL)
          }
        })
      for (const v of graph.inputs) g.message(11, (w) => valueInfo(w, v.name, v))
      if (emptySequence) g.message(12, (w) => sequenceInfo(w, EMPTY_SEQUENCE))
      for (const [name, v] of outputs) g.message(12, (w) => valueInfo(w, name, v))
    })
    .message(8, (w) => w.text(1, '').int(2, OPSET))
    .message(8, (w) => w.text(1, 'com.microsoft').int(2, 1))
    .finish()
}

/** The nodes and values that the outputs depend on. */
function live(graph: Graph): { nodes: Node[]; values: Set<Value> } {
  const values = new Set<Value>(graph.outputs.values())
  const isLive = ({ output, saved, more = [] }: Node) =>
    values.has(output) || (saved && values.has(saved.value)) || more.some((value) => values.has(value))
  for (const n of [...graph.nodes].reverse()) if (isLive(n)) for (const v of n.inputs) values.add(v)
  return { nodes: graph.nodes.filter(isLive), values }
}

function attribute(w: ProtobufWriter, name: string, value: Attribute): void {
  w.text(1, name)
  if (typeof value === 'number') w.int(3, value).int(20, 2)
  else if (typeof value === 'string') w.text(4, value).int(20, 3)
  else if ('float' in value) w.float(2, value.float).int(20, 1)
  else {
    for (const v of value) w.int(8, v)
    w.int(20, 7)
  }
}

function valueInfo(w: ProtobufWriter, name: string, { dtype, shape }: Value): void {
  w.text(1, name).message(2, (type) =>
    type.message(1, (tensor) =>
      tensor.int(1, elementType[dtype]).message(2, (s) => {
        for (const d of shape) s.message(1, (dim) => (typeof d === 'number' ? dim.int(1, d) : dim.text(2, d)))
      }),
    ),
  )
}

/** A sequence of float32 tensors. */
function sequenceInfo(w: ProtobufWriter, name: string): void {
  w.text(1, name).message(2, (type) =>
    type.message(4, (sequence) =>
      sequence.message(1, (element) => element.message(1, (tensor) => tensor.int(1, elementType.float32))),
    ),
  )
}
