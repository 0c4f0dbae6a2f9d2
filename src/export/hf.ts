import { join } from 'node:path'
import { writeFolderAtomically, writeText } from '../common/files.ts'
import { loadModel, saveModel } from '../models/checkpoint/directory.ts'
import { addEosTokenIds } from '../models/checkpoint/generation-config.ts'
import { saveTokenizerOf } from '../models/checkpoint/setting-files.ts'
import { toConfigJson } from '../models/config.ts'
import { writeJson } from '../models/json-file.ts'
import { countParameters } from '../models/parameters.ts'
import { modelCard } from './model-card.ts'
import type { Plan, Source } from './source.ts'

/** Plans a folder for the Hugging Face hub: the plain model, with adapters merged, its tokenizer and a model card. */
export function planHf(source: Source, type: 'f32' | 'bf16'): Plan {
  const dtype = type === 'f32' ? 'F32' : 'BF16'
  return {
    bytes: countParameters(source.config) * (type === 'f32' ? 4 : 2),
    write: (path, { progress, signal }) =>
      writeFolderAtomically(path, async (temporary) => {
        progress('reading the weights')
        const model = loadModel(source.folder)
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
