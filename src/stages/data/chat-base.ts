import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { writeFolderAtomically } from '../../common/files/files.ts'
import type { TinkerSettings } from '../../engines/contract.ts'
import { type EngineName, withEngine } from '../../engines/open.ts'
import { copyModel } from '../../models/checkpoint/directory.ts'
import { readJsonObject, writeJson } from '../../models/json-file.ts'
import { chatTemplate } from '../../renderer/own-template.ts'
import { Renderer } from '../../renderer/renderer.ts'

/**
 * The base model that R1 starts from, prompted in a chat template without R1-Zero's instructions. Resolves to the folder
 * `model` if that model has its own chat template, otherwise to `directory`, a copy of the model with a chat template. A
 * resumed run finds its copy there.
 *
 * @param options The engine that trains the copy.
 * @throws UserError if the model cannot be read, or the disk fails.
 */
export async function chatBase(
  model: string,
  directory: string,
  {
    engine = 'local',
    tinker,
  }: { readonly engine?: EngineName; readonly tinker?: TinkerSettings | null } = {},
): Promise<string> {
  if (Renderer.load(model).template === 'chat') return model
  if (existsSync(directory)) return directory
  await writeFolderAtomically(directory, async (temporary) => {
    // a server knows the copy by what its engine writes beside it
    if (engine === 'local') await copyModel(model, temporary)
    else await withEngine({ engine, tinker, model }, ({ base, save }) => save(base, temporary))
    const file = join(temporary, 'tokenizer_config.json')
    writeJson(file, { ...readJsonObject(file), chat_template: chatTemplate() })
  })
  return directory
}
