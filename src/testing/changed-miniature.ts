import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../common/files/package.ts'

export type Json = Record<string, unknown>

/** ChatML, as Qwen's templates write it. */
const CHATML =
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}'
const ADDED = ['<s>', '<|im_start|>', '<|im_end|>', '<end>']

export interface FolderChanges {
  /** By default ChatML; null: none. */
  readonly template?: string | null
  /** Fields that replace those of tokenizer.json, tokenizer_config.json and config.json. */
  readonly tokenizer?: Json
  readonly tokenizerConfig?: Json
  readonly config?: Json
  /** generation_config.json; by default the miniature's. */
  readonly generation?: Json
}

/**
 * Writes the files of the miniature base without its weights into a folder, with the special tokens <s>, <|im_start|>,
 * <|im_end|> and <end> and with these changes. `id` finds a special token.
 */
export function changedMiniature(
  folder: string,
  { template = CHATML, tokenizer = {}, tokenizerConfig = {}, config = {}, generation }: FolderChanges = {},
): { folder: string; id: (token: string) => number } {
  const miniature = join(packageRoot(), 'models', 'miniature-base')
  const read = (name: string): Json => JSON.parse(readFileSync(join(miniature, name), 'utf8'))
  const write = (name: string, json: Json) => writeFileSync(join(folder, name), JSON.stringify(json))
  const json = read('tokenizer.json') as Json & {
    added_tokens: { id: number; content: string }[]
    model: { vocab: Record<string, number> }
  }
  const last = Math.max(...Object.values(json.model.vocab))
  const added = ADDED.map((content, i) => ({
    ...json.added_tokens[0]!,
    special: true,
    content,
    id: last + 1 + i,
  }))
  write('tokenizer.json', { ...json, ...tokenizer, added_tokens: [...json.added_tokens, ...added] })
  write('tokenizer_config.json', {
    ...read('tokenizer_config.json'),
    chat_template: template,
    bos_token: '<s>',
    ...tokenizerConfig,
  })
  write('config.json', { ...read('config.json'), vocab_size: last + 1 + ADDED.length, ...config })
  if (generation) write('generation_config.json', generation)
  else copyFileSync(join(miniature, 'generation_config.json'), join(folder, 'generation_config.json'))
  const id = (token: string): number =>
    [...json.added_tokens, ...added].find(({ content }) => content === token)!.id
  return { folder, id }
}
