import { join } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import {
  makeFolder,
  writeFileAtomically,
  writeFileInPieces,
  writeFolderAtomically,
} from '../../common/files/files.ts'
import { counted } from '../../common/progress.ts'
import type { ModelConfig } from '../../models/config.ts'
import { rotaryTables } from '../../models/decoder.ts'
import { type Model, parameterShapes } from '../../models/parameters.ts'
import { encode } from '../../onnx/encode.ts'
import type { Graph, TypedData, Value } from '../../onnx/graph.ts'
import { writeSettings } from '../hf.ts'
import { type Plan, readWeights, type Source, type Watch } from '../source.ts'
import { writeGenaiConfig } from './genai-config.ts'
import { cachedDecoder } from './program.ts'
import { declareWeight, WEIGHT_TYPES, type WeightType, withProducts } from './weights.ts'

/** The folder and the names of the model's files, by which Transformers.js looks for a `dtype`. */
const FOLDER = 'onnx'
const SUFFIX: Readonly<Record<WeightType, string>> = { f32: '', f16: '_fp16', q4: '_q4' }
/** What Transformers.js calls the kinds of weights. */
const DTYPE: Readonly<Record<WeightType, string>> = { f32: 'fp32', f16: 'fp16', q4: 'q4' }

/**
 * Plans an ONNX folder, which Transformers.js and onnxruntime-genai open: the program in `onnx/`, with its weights in a file
 * beside it, and the files of the model's folder.
 */
export function planOnnx(source: Source, type: WeightType): Plan {
  const { config } = source
  const file = `model${SUFFIX[type]}.onnx`
  return {
    bytes: sizeOf(config, type),
    write: (path, watch) =>
      writeFolderAtomically(path, async (temporary) => {
        await writeSettings(source, temporary, {
          'transformers.js_config': { dtype: DTYPE[type], use_external_data_format: { [file]: 1 } },
        })
        writeGenaiConfig(source, temporary, `${FOLDER}/${file}`)
        watch.progress('reading the weights')
        const graph = programOf(config, weightsFor(source, type), type)
        makeFolder(join(temporary, FOLDER))
        await writeProgram(graph, join(temporary, FOLDER), file, watch)
      }),
  }
}

const EMBEDDING = 'model.embed_tokens.weight'

/** The weights of a model. @throws UserError for values that a program of this kind cannot hold. */
function weightsFor(source: Source, type: WeightType): Model['parameters'] {
  const { parameters } = readWeights(source, {
    chosen: type,
    choices: WEIGHT_TYPES,
    // The scales of matrices in 4 bits are float32.
    typeOf: (type, name, shape) =>
      shape.length === 2 && (type === 'f16' || (type === 'q4' && name === EMBEDDING)) ? 'F16' : 'F32',
  })
  return parameters
}

function programOf(
  config: ModelConfig,
  parameters: ReadonlyMap<string, Float32Array>,
  type: WeightType,
): Graph {
  const tables = rotaryTables(config, config.maxPositions)
  const weights = new Map<Value, Float32Array>()
  const graph = cachedDecoder(config, (graph, name, shape) => {
    const table = tables.get(name)
    if (table) return graph.parameter(name, table, shape)
    const data = parameters.get(name)!
    const value = declareWeight(graph, name, data, shape, type)
    if (shape.length === 2) weights.set(value, data)
    return value
  })
  withProducts(graph, weights, type)
  return graph
}

/** Contents begin at a multiple of a page, so that they can be mapped into memory. */
const PAGE = 4096
const aligned = (size: number): number => Math.ceil(size / PAGE) * PAGE

/** Writes a program, and the contents of its parameters into a file beside it. */
async function writeProgram(graph: Graph, folder: string, name: string, watch: Watch): Promise<void> {
  const places = new Map<Value, { offset: number; data: TypedData }>()
  const dataFile = `${name}_data`
  let end = 0
  const program = encode(graph, {
    placeOf: (value) => {
      const { data } = graph.initializers.find((one) => one.value === value)!
      places.set(value, { offset: end, data })
      const place = { location: dataFile, offset: String(end), length: String(data.byteLength) }
      end = aligned(end + data.byteLength)
      return place
    },
  })
  writeFileAtomically(join(folder, name), (append) => append(program))
  await writeFileInPieces(join(folder, dataFile), async (append) => {
    const done = counted(watch.progress, 'writing tensors', places.size)
    for (const { data } of places.values()) {
      watch.signal.throwIfAborted()
      await append(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
      await append(new Uint8Array(aligned(data.byteLength) - data.byteLength))
      done()
      await breathe()
    }
  })
}

/** About how many bytes the folder takes: a matrix that is multiplied with in 4 bits has a scale for each 32 values. */
function sizeOf(config: ModelConfig, type: WeightType): number {
  let bytes = config.maxPositions * config.headDim * 4
  for (const [name, shape] of parameterShapes(config)) {
    const count = shape.reduce((a, b) => a * b, 1)
    const isEmbedding = name === EMBEDDING
    if (type === 'f32' || shape.length < 2) bytes += 4 * count
    else if (type === 'f16') bytes += 2 * count
    else bytes += (isEmbedding ? 2 * count : 0) + (isEmbedding && !config.tieEmbeddings ? 0 : 0.625 * count)
  }
  return Math.round(bytes)
}
