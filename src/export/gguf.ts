import { setImmediate as breathe } from 'node:timers/promises'
import { writeFileInPieces } from '../common/files/files.ts'
import { counted } from '../common/progress.ts'
import { ROPE_FACTORS } from '../models/gguf/names.ts'
import { interleaveHeads, storedTensor } from '../models/gguf/tensor-names.ts'
import { ggufHeader, type PlannedTensor, padding, tensorBytes } from '../models/gguf/write/header.ts'
import { architectureMetadata, generalMetadata } from '../models/gguf/write/metadata.ts'
import { QUANT_NAMES, type Quant, typeOf } from '../models/gguf/write/mixture.ts'
import { quantise } from '../models/gguf/write/quantise.ts'
import { ropeFactors } from '../models/gguf/write/rope-factors.ts'
import { vocabularyMetadata } from '../models/gguf/write/vocabulary.ts'
import { type Model, parameterShapes } from '../models/parameters.ts'
import { type Plan, readWeights, type Source, type Watch } from './source.ts'

/** A tensor of the file, and how its values are made. */
interface Tensor extends PlannedTensor {
  values(parameters: Model['parameters']): Float32Array
}

/** Plans a GGUF file. @throws UserError for a model or tokenizer that llama.cpp does not have. */
export function planGguf(source: Source, quant: Quant): Plan {
  const { folder, config, renderer, template, facts } = source
  const metadata = new Map([
    ...generalMetadata(config, { name: facts.name, quant, license: facts.license }),
    ...architectureMetadata(config),
    ...vocabularyMetadata(folder, { vocabSize: config.vocabSize, stopTokens: renderer.stopTokens }),
  ])
  if (template !== null) metadata.set('tokenizer.chat_template', { string: template })
  const tensors: Tensor[] = []
  const factors = ropeFactors(config)
  if (factors)
    tensors.push({ name: ROPE_FACTORS, shape: [factors.length], type: 'F32', values: () => factors })
  for (const [parameter, shape] of parameterShapes(config)) {
    const stored = storedTensor(parameter, config)
    if (!stored) throw new Error(`planGguf: GGUF has no name for ${parameter}`)
    const { name, interleavedHeads: heads, offset } = stored
    const values = (parameters: Model['parameters']): Float32Array => {
      const plain = parameters.get(parameter)!
      const ordered = heads === null ? plain : interleaveHeads(plain, shape[0]!, heads)
      return offset === 0 ? ordered : ordered.map((value) => value + offset)
    }
    tensors.push({ name, shape, type: typeOf(quant, name, shape, config), values })
  }
  const header = ggufHeader(metadata, tensors)
  return {
    bytes: header.length + tensorBytes(tensors),
    write: (path, watch) => writeGguf(() => weightsFor(source, quant), header, tensors, path, watch),
  }
}

/** The weights of a model. @throws UserError for values that a file of this kind cannot hold. */
function weightsFor(source: Source, quant: Quant): Model['parameters'] {
  const { config } = source
  const { parameters } = readWeights(source, {
    chosen: quant,
    choices: QUANT_NAMES,
    typeOf: (quant, parameter, shape) => typeOf(quant, storedTensor(parameter, config)!.name, shape, config),
  })
  return parameters
}

/** Values quantised at a time, so that an interruption is noticed soon. */
const CHUNK = 1 << 18

/** Writes the file, atomically. @throws UserError if the weights are damaged or the disk fails; the reason of the signal. */
async function writeGguf(
  read: () => Model['parameters'],
  header: Uint8Array,
  tensors: readonly Tensor[],
  path: string,
  { progress, signal }: Watch,
): Promise<void> {
  progress('reading the weights')
  const parameters = read()
  await writeFileInPieces(path, async (append) => {
    await append(header)
    const done = counted(progress, 'writing tensors', tensors.length)
    for (const { type, values: make } of tensors) {
      const values = make(parameters)
      let written = 0
      for (let at = 0; at < values.length; at += CHUNK) {
        const bytes = quantise(values.subarray(at, at + CHUNK), type)
        await append(bytes)
        written += bytes.length
        await breathe()
        signal.throwIfAborted()
      }
      await append(padding(written))
      done()
    }
  })
}
