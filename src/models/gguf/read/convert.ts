import { join } from 'node:path'
import { UserError } from '../../../common/errors.ts'
import { abridged, oneLine } from '../../../common/words.ts'
import { float32ToBfloat16, float32ToFloat16 } from '../../checkpoint/half.ts'
import { type StreamedTensor, writeStreamed } from '../../checkpoint/streamed.ts'
import { type ModelConfig, toConfigJson } from '../../config.ts'
import { writeJson } from '../../json-file.ts'
import { parameterShapes } from '../../parameters.ts'
import { Tokenizer } from '../../tokenizer/tokenizer.ts'
import { ROPE_FACTORS } from '../names.ts'
import { type StoredTensor, separateHeads, storedTensor } from '../tensor-names.ts'
import { GgufFile, type GgufTensor } from './gguf-file.ts'
import { hfConfig } from './hf-config.ts'
import { type TokenizerFiles, tokenizerFiles } from './tokenizer-files.ts'
import { readVocabulary } from './vocabulary.ts'

/** Values processed at a time. */
const CHUNK = 1 << 22

/** A model in a GGUF file that has been read and checked, but for the values of its tensors. */
export interface GgufModel {
  readonly config: ModelConfig
  /** Bytes of its tensors as a Hugging Face folder. */
  readonly size: number
  /**
   * Writes the model as a Hugging Face folder. Every tensor has the smallest of the types bfloat16, float16 and float32 that
   * holds its values exactly.
   *
   * @param directory an empty folder.
   * @param onBytes called with the number of bytes of tensors that are written.
   * @throws UserError if the disk fails, or the tokenizer cannot be used.
   */
  write(directory: string, onBytes: (bytes: number) => void): Promise<void>
  close(): void
}

/**
 * Opens a GGUF file, or all parts of one that was split.
 *
 * @throws UserError that says what is wrong with the file, or what is not supported.
 */
export async function openGgufModel(path: string): Promise<GgufModel> {
  const file = await GgufFile.open(path)
  try {
    const vocabulary = readVocabulary(file.metadata)
    const config = hfConfig(file, vocabulary)
    if (vocabulary.tokens.length > config.vocabSize)
      throw new UserError(
        `${path} has ${vocabulary.tokens.length} tokens, but token_embd.weight has rows for ${config.vocabSize}`,
      )
    const planned = plan(file, config)
    const files = tokenizerFiles(vocabulary, config.maxPositions)
    const tensors = new Map([...planned].map(([name, one]) => [name, streamed(file, one, config.headDim)]))
    const size = [...tensors.values()].reduce((sum, tensor) => sum + tensor.size, 0)
    return {
      config,
      size,
      async write(directory, onBytes) {
        writeSettings(directory, config, tensors, files)
        checkTokenizer(path, directory)
        await writeStreamed(directory, 'model', tensors, onBytes)
      },
      close: () => file.close(),
    }
  } catch (error) {
    file.close()
    throw error
  }
}

interface Planned {
  readonly tensor: GgufTensor
  readonly stored: StoredTensor
}

/** The tensor for each parameter of the model. @throws UserError for missing, misshapen and further tensors. */
function plan(file: GgufFile, config: ModelConfig): Map<string, Planned> {
  const { path, tensors } = file
  const planned = new Map<string, Planned>()
  const known = new Set([ROPE_FACTORS])
  const missing: string[] = []
  for (const [parameter, shape] of parameterShapes(config)) {
    const stored = storedTensor(parameter, config)!
    known.add(stored.name)
    const tensor = tensors.get(stored.name)
    if (!tensor) {
      missing.push(stored.name)
      continue
    }
    if (tensor.shape.join() !== shape.join())
      throw new UserError(
        `${path}: tensor ${stored.name} has the shape [${tensor.shape}]; its metadata requires [${shape}]`,
      )
    planned.set(parameter, { tensor, stored })
  }
  if (missing.length > 0) throw new UserError(`${path}: tensors are missing: ${abridged(missing)}`)
  const further = [...tensors.keys()].filter((name) => !known.has(name))
  if (further.length > 0)
    throw new UserError(
      `${path}: unexpected tensors, which a ${config.modelType} with this metadata does not have: ${abridged(further)}`,
    )
  return planned
}

function streamed(file: GgufFile, planned: Planned, headDim: number): StreamedTensor {
  const { shape, type } = planned.tensor
  const count = shape.reduce((product, size) => product * size, 1)
  // Float16 and bfloat16 are kept as they are, if nothing is added to them.
  const isHalf = (type.name === 'F16' || type.name === 'BF16') && planned.stored.offset === 0
  const dtype = isHalf ? (type.name as 'F16' | 'BF16') : isBfloat16(file, planned, headDim) ? 'BF16' : 'F32'
  return {
    dtype,
    shape,
    size: count * (dtype === 'F32' ? 4 : 2),
    *pieces() {
      for (const values of chunks(file, planned, headDim)) yield encode(values, dtype)
    },
  }
}

/** The values of a parameter in Hugging Face's order, a number of rows at a time. */
function* chunks(
  file: GgufFile,
  { tensor, stored }: Planned,
  headDim: number,
): Generator<Float32Array<ArrayBuffer>> {
  const [rows, width] =
    tensor.shape.length === 2 ? (tensor.shape as [number, number]) : [1, tensor.shape[0] ?? 1]
  // Only whole heads can be put in order.
  const unit = stored.interleavedHeads !== null && rows > 1 ? headDim : 1
  const step = unit * Math.max(1, Math.floor(CHUNK / (width * unit)))
  for (let row = 0; row < rows; row += step) {
    const count = Math.min(step, rows - row)
    let values = file.readRows(tensor, row, count)
    if (stored.interleavedHeads !== null) {
      const inHeads = rows > 1 ? count : width
      values = separateHeads(values, inHeads, inHeads / headDim)
    }
    if (stored.offset !== 0) for (let i = 0; i < values.length; i++) values[i]! -= stored.offset
    yield values
  }
}

/** Whether all values are the same as bfloat16. The first one that is not ends the search. */
function isBfloat16(file: GgufFile, planned: Planned, headDim: number): boolean {
  for (const values of chunks(file, planned, headDim)) {
    const bits = new Uint32Array(values.buffer)
    for (let i = 0; i < bits.length; i++) if ((bits[i]! & 0xffff) !== 0) return false
  }
  return true
}

function encode(values: Float32Array<ArrayBuffer>, dtype: StreamedTensor['dtype']): Uint8Array {
  if (dtype === 'F32') return new Uint8Array(values.buffer)
  const half = new Uint16Array(values.length)
  if (dtype === 'BF16') float32ToBfloat16(values, half)
  else float32ToFloat16(values, half)
  return new Uint8Array(half.buffer)
}

const TORCH_DTYPES = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const

function writeSettings(
  directory: string,
  config: ModelConfig,
  tensors: ReadonlyMap<string, StreamedTensor>,
  files: TokenizerFiles,
): void {
  const dtypes = [...new Set([...tensors.values()].map(({ dtype }) => dtype))]
  const torch_dtype = TORCH_DTYPES[dtypes.length === 1 ? dtypes[0]! : 'F32']
  writeJson(join(directory, 'config.json'), { ...toConfigJson(config), torch_dtype })
  for (const [name, content] of Object.entries(files)) writeJson(join(directory, name), content)
}

/** @throws UserError if the tokenizer that was written cannot be read. */
function checkTokenizer(path: string, directory: string): void {
  try {
    Tokenizer.load(directory)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const reason = oneLine(error.message.replaceAll(`${directory}/`, ''), 300)
    throw new UserError(`${path} has a tokenizer that cannot be used: ${reason}`)
  }
}
