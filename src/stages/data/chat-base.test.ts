import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadModel, saveModel } from '../../models/checkpoint/directory.ts'
import { Renderer } from '../../renderer/renderer.ts'
import { chatBase } from './chat-base.ts'

const MINIATURE = fileURLToPath(new URL('../../../models/miniature-r1-student', import.meta.url))
let root: string
let model: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'chat-base-'))
  model = join(root, 'model')
  cpSync(MINIATURE, model, { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Moves the files of the model to another folder and links to them, as the hub's tools do. */
function link(): void {
  mkdirSync(join(root, 'blobs'))
  for (const name of readdirSync(model)) {
    renameSync(join(model, name), join(root, 'blobs', name))
    symlinkSync(`../blobs/${name}`, join(model, name))
  }
}

test('copies the model and what belongs to it, and gives it a chat template', async () => {
  mkdirSync(join(model, 'onnx'))
  writeFileSync(join(model, 'onnx', 'model.onnx'), '')
  writeFileSync(join(model, 'pytorch_model.bin'), '')
  const folder = await chatBase(model, join(root, 'run', 'base'))
  expect(readdirSync(folder).sort()).toEqual([
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'tokenizer.json',
    'tokenizer.model',
    'tokenizer_config.json',
  ])
  expect(loadModel(folder)).toEqual(loadModel(model))
  const { template, endOfText } = Renderer.load(folder)
  expect([template, endOfText]).toEqual(['chat', Renderer.load(model).endOfText])
})

test.each([
  ['all shards and their index', () => {}, true],
  [
    'one file alone, if both are there',
    () => cpSync(join(MINIATURE, 'model.safetensors'), join(model, 'model.safetensors')),
    false,
  ],
])('copies %s', async (_, change, shards) => {
  saveModel(model, { ...loadModel(model), maxShardBytes: 200_000 })
  change()
  const folder = await chatBase(model, join(root, 'base'))
  const weights = readdirSync(folder).filter((name) => /safetensors/.test(name))
  const index = 'model.safetensors.index.json'
  expect(weights).toEqual(
    shards ? readdirSync(model).filter((name) => /safetensors/.test(name)) : ['model.safetensors'],
  )
  expect(weights.includes(index)).toBe(shards)
  expect(loadModel(folder)).toEqual(loadModel(MINIATURE))
})

test('copies the content of links and of files that may not be written to', async () => {
  for (const name of readdirSync(model)) chmodSync(join(model, name), 0o444)
  link()
  const folder = await chatBase(model, join(root, 'base'))
  rmSync(join(root, 'blobs'), { recursive: true })
  for (const name of readdirSync(folder)) {
    expect(lstatSync(join(folder, name)).isSymbolicLink()).toBe(false)
    expect(realpathSync(join(folder, name)).startsWith(realpathSync(folder))).toBe(true)
    expect(lstatSync(join(folder, name)).mode & 0o200).toBe(0o200)
  }
  expect(loadModel(folder)).toEqual(loadModel(MINIATURE))
})

test('is made once', async () => {
  const folder = await chatBase(model, join(root, 'base'))
  writeFileSync(join(folder, 'mark'), '')
  expect(await chatBase(model, folder)).toBe(folder)
  expect(readdirSync(folder)).toContain('mark')
})

test('a model with its own chat template is used as it is', async () => {
  const file = join(model, 'tokenizer_config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify({ ...config, chat_template: '{{ messages[0].content }}' }))
  expect(await chatBase(model, join(root, 'base'))).toBe(model)
})

test('an incomplete model leaves nothing behind', async () => {
  rmSync(join(model, 'model.safetensors'))
  await expect(chatBase(model, join(root, 'base'))).rejects.toThrow('has no weights')
  expect(readdirSync(root)).toEqual(['model'])
})
