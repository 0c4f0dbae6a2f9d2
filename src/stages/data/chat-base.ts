import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chatTemplate } from '../../models/chat-template.ts'
import { Tokenizer } from '../../models/tokenizer.ts'
import { writeAtomically } from '../../runs/checkpoint.ts'
import { templateOf } from '../sample/rollouts.ts'

/**
 * The base model as R1 begins with it: asked in a chat template, without the words that tell R1-Zero what to do. A model
 * that has a chat template of its own is left as it is; of another, `directory` becomes a copy with one.
 */
export async function chatBase(model: string, directory: string): Promise<string> {
  if (templateOf(Tokenizer.load(model)) === 'chat') return model
  await writeAtomically(directory, async (temporary) => {
    for (const name of readdirSync(model)) copyFileSync(join(model, name), join(temporary, name))
    const file = join(temporary, 'tokenizer_config.json')
    const config = JSON.parse(readFileSync(file, 'utf8')) as object
    writeFileSync(file, `${JSON.stringify({ ...config, chat_template: chatTemplate() }, null, 2)}\n`)
  })
  return directory
}
