import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { UserError } from '../../common/errors.ts'
import { onDisk } from '../../common/files/disk.ts'
import { makeFolder, writeFileAtomically } from '../../common/files/files.ts'
import { readJsonObject, writeJson } from '../json-file.ts'
import { generationFolder, plainFolder, tokenizerFolder } from './peft/find-base.ts'

/* The files of a model folder besides its weights, and how they are copied. */

export const GENERATION = 'generation_config.json'
/** Holds chat templates besides the default one, such as `tool_use`. */
const MORE_TEMPLATES = 'additional_chat_templates'
const TOKENIZER_FILES = [
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'chat_template.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
]

/**
 * The names and paths of the files of a model folder besides its weights: those of the configuration, the tokenizer and the
 * chat templates. A PEFT folder may have them from its base model.
 */
export function settingFiles(folder: string): [name: string, path: string][] {
  const tokenizer = tokenizerFolder(folder)
  const files: [string, string][] = [
    ['config.json', plainFolder(folder)],
    [GENERATION, generationFolder(folder)],
    ...tokenizerFiles(tokenizer).map((name): [string, string] => [name, tokenizer]),
  ]
  return files
    .map(([name, at]): [string, string] => [name, join(at, name)])
    .filter(([, path]) => existsSync(path))
}

/** As `saveTokenizerOf`, into a folder that exists. */
export function copyTokenizer(source: string, to: string): void {
  const from = tokenizerFolder(source)
  if (!existsSync(join(from, 'tokenizer.json'))) throw new UserError(`${from} has no tokenizer.json`)
  const names = tokenizerFiles(from)
  makeFolders(to, names)
  for (const name of names) copyIfThere(name, from, to)
  embedTemplate(to)
}

/**
 * Puts the chat template of a file of its own into tokenizer_config.json as well, unless that has one: some readers look
 * only there.
 */
function embedTemplate(directory: string): void {
  const file = join(directory, 'tokenizer_config.json')
  const template = separateTemplate(directory)
  if (template === undefined || !existsSync(file)) return
  const config = readJsonObject(file)
  if (config.chat_template == null) writeJson(file, { ...config, chat_template: template })
}

/** The chat template that is in a file of its own, if there is one. */
function separateTemplate(directory: string): unknown {
  const [text, json] = ['chat_template.jinja', 'chat_template.json'].map((name) => join(directory, name))
  if (existsSync(text!)) return onDisk('read', text!, () => readFileSync(text!, 'utf8'))
  return existsSync(json!) ? readJsonObject(json!).chat_template : undefined
}

/**
 * Copies the tokenizer and the chat templates of a model folder, or of a PEFT folder or its base, into another folder.
 *
 * @throws UserError if a file is missing or damaged, or the disk fails.
 */
export function saveTokenizerOf(from: string, to: string): void {
  onDisk('create', to, () => makeFolder(to))
  copyTokenizer(from, to)
}

/** The names of the files that a tokenizer may have, with those in the folder of its further chat templates. */
function tokenizerFiles(folder: string): string[] {
  const more = join(folder, MORE_TEMPLATES)
  const names = existsSync(more) ? onDisk('read', more, () => readdirSync(more)) : []
  return [...TOKENIZER_FILES, ...names.map((name) => join(MORE_TEMPLATES, name))]
}

/** Makes the folders that files with these names need. */
export function makeFolders(folder: string, names: readonly string[]): void {
  for (const inner of new Set(names.map(dirname)))
    onDisk('create', folder, () => makeFolder(join(folder, inner)))
}

/** Copies a file of a folder, if it is there. */
export function copyIfThere(name: string, from: string, to: string): boolean {
  const source = join(from, name)
  if (!existsSync(source)) return false
  if (resolve(source) !== resolve(to, name)) {
    const content = onDisk('read', source, () => readFileSync(source))
    writeFileAtomically(join(to, name), (append) => append(content))
  }
  return true
}
