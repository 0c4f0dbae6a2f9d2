import { join } from 'node:path'
import { writeFolderAtomically, writeText } from '../common/files/files.ts'
import { saveModel } from '../models/checkpoint/directory.ts'
import { addEosTokenIds } from '../models/checkpoint/generation-config.ts'
import { DTYPE_BYTES } from '../models/checkpoint/safetensors.ts'
import { saveTokenizerOf } from '../models/checkpoint/setting-files.ts'
import { toConfigJson } from '../models/config.ts'
import { writeJson } from '../models/json-file.ts'
import { countParameters } from '../models/parameters.ts'
import { modelCard } from './model-card.ts'
import { type Plan, readWeights, type Source } from './source.ts'

/** What `--quant` may be, and the types. */
const TYPES = { f32: 'F32', bf16: 'BF16' } as const
type HfQuant = keyof typeof TYPES
export const HF_QUANTS = Object.keys(TYPES) as HfQuant[]

/** Plans a folder for the Hugging Face hub: the plain model, with adapters merged, its tokenizer and a model card. */
export function planHf(source: Source, quant: HfQuant): Plan {
  const dtype = TYPES[quant]
  return {
    bytes: countParameters(source.config) * DTYPE_BYTES[dtype],
    write: (path, { progress, signal }) =>
      writeFolderAtomically(path, async (temporary) => {
        progress('reading the weights')
        const model = readWeights(source, { chosen: quant, choices: HF_QUANTS, typeOf: (one) => TYPES[one] })
        signal.throwIfAborted()
        progress('writing the weights')
        saveModel(temporary, { ...model, dtype, tokenizerFrom: source.folder })
        signal.throwIfAborted()
        finish(source, temporary)
      }),
  }
}

/** Writes everything of a model folder but its weights; `more` is added to config.json. */
export function writeSettings(source: Source, folder: string, more: Record<string, unknown>): void {
  saveTokenizerOf(source.folder, folder)
  writeJson(join(folder, 'config.json'), { ...toConfigJson(source.config), ...more })
  const { bos_token_id, eos_token_id, pad_token_id } = toConfigJson(source.config)
  writeJson(join(folder, 'generation_config.json'), { bos_token_id, eos_token_id, pad_token_id })
  finish(source, folder)
}

/** The model card, and the tokens that end a response, in generation_config.json. */
function finish({ config, renderer, facts }: Source, folder: string): void {
  if (config.head === 'tokens') addEosTokenIds(folder, renderer.stopTokens)
  writeText(join(folder, 'README.md'), modelCard(facts, config))
}
