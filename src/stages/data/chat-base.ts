import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFolderAtomically } from '../../common/files.ts'
import { chatTemplate } from '../../models/chat-template.ts'
import { Renderer } from '../../renderer/renderer.ts'

/**
 * The base model that R1 starts from, prompted in a chat template without R1-Zero's instructions. Resolves to the folder
 * `model` if that model has its own chat template, otherwise to `directory`, a copy of the model with a chat template.
 */
export async function chatBase(model: string, directory: string): Promise<string> {
  if (Renderer.load(model).template === 'chat') return model
  await writeFolderAtomically(directory, async (temporary) => {
    for (const name of readdirSync(model)) copyFileSync(join(model, name), join(temporary, name))
    const file = join(temporary, 'tokenizer_config.json')
    const config = JSON.parse(readFileSync(file, 'utf8')) as object
    writeFileSync(file, `${JSON.stringify({ ...config, chat_template: chatTemplate() }, null, 2)}\n`)
  })
  return directory
}
