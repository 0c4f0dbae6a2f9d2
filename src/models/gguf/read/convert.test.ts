import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ggufBytes, type TinyGguf, tinyGguf, useSentencePiece } from '../../../testing/gguf.ts'
import { loadModel } from '../../checkpoint/directory.ts'
import { namedEosTokenIds } from '../../checkpoint/generation-config.ts'
import { SafetensorsFile } from '../../checkpoint/safetensors.ts'
import { Tokenizer } from '../../tokenizer/tokenizer.ts'
import { ropeFactors } from '../write/rope-factors.ts'
import { openGgufModel } from './convert.ts'

const root = mkdtempSync(join(tmpdir(), 'gguf-convert-'))
afterAll(() => rmSync(root, { recursive: true }))
let count = 0

async function convert(...files: Buffer[]): Promise<string> {
  const directory = join(root, String(count++))
  mkdirSync(directory)
  const paths = files.map((_, i) =>
    join(root, files.length === 1 ? `${count}.gguf` : `${count}-0000${i + 1}-of-0000${files.length}.gguf`),
  )
  for (const [i, path] of paths.entries()) writeFileSync(path, files[i]!)
  const model = await openGgufModel(paths.at(-1)!)
  const written: number[] = []
  await model.write(directory, (bytes) => written.push(bytes))
  model.close()
  expect(written.at(-1)).toBe(model.size)
  return directory
}

const dtypes = (directory: string): Set<string> => {
  const file = new SafetensorsFile(join(directory, 'model.safetensors'))
  file.close()
  return new Set([...file.tensors.values()].map(({ dtype }) => dtype))
}

test.each([
  ['llama', {}],
  ['llama', { tie_word_embeddings: false, attention_bias: true }],
  ['llama', { rope_scaling: { rope_type: 'linear', factor: 4 } }],
  ['qwen2', {}],
  ['qwen3', { head_dim: 8, rope_theta: 1e6 }],
] as const)('%s %j: configuration and weights as they were', async (type, changes) => {
  const model = tinyGguf(type, changes)
  const scaling = model.config.ropeScaling
  if (scaling?.type === 'linear')
    model.metadata.set(`${type}.rope.scaling.factor`, { float32: scaling.factor })
  const loaded = loadModel(await convert(ggufBytes(model)))
  expect(loaded.config).toEqual({
    ...model.config,
    bosTokenId: null,
    padTokenId: null,
    eosTokenIds: [258, 259],
  })
  expect(loaded.parameters).toEqual(model.parameters)
})

test('gemma3: windows, two rotations, and norms that multiply by 1 + w', async () => {
  const model = tinyGguf('gemma3_text', {
    num_hidden_layers: 3,
    sliding_window: 8,
    sliding_window_pattern: 3,
    layer_types: undefined,
  })
  model.metadata.set('gemma3.attention.sliding_window', { uint32: 8 })
  model.metadata.set('gemma3.attention.sliding_window_pattern', { bools: [true, true, false] })
  const { config, parameters } = loadModel(await convert(ggufBytes(model)))
  expect(config.windows).toEqual([8, 8, null])
  expect(config.localRope).toEqual({ theta: 10_000, scaling: null })
  expect(config.queryPreAttnScalar).toBe(config.headDim)
  for (const [name, values] of parameters) expect([name, values]).toEqual([name, model.parameters.get(name)])
})

test.each([
  [{ factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 }, 64],
  [{ factor: 32, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 }, 64],
  [{ factor: 4, low_freq_factor: 1, high_freq_factor: 8, original_max_position_embeddings: 2048 }, 64],
])("Llama 3's scaling %j is found from its factors", async (scaling, headDim) => {
  const changes = {
    head_dim: headDim,
    rope_theta: 500_000,
    rope_scaling: { rope_type: 'llama3', ...scaling },
  }
  const model = tinyGguf('llama', changes)
  model.tensors.set('rope_freqs.weight', { shape: [headDim / 2], values: ropeFactors(model.config)! })
  expect(loadModel(await convert(ggufBytes(model))).config.ropeScaling).toEqual(model.config.ropeScaling)
})

test('weights have the smallest type that holds them exactly', async () => {
  const model = tinyGguf()
  expect(dtypes(await convert(ggufBytes(model)))).toEqual(new Set(['F32', 'BF16'])) // norms are 1
  const half = (values: Float32Array): Float32Array => {
    const bits = new Uint32Array(values.buffer.slice(0))
    return new Float32Array(bits.map((b) => b & 0xffff0000).buffer)
  }
  for (const [name, { shape, values }] of model.tensors)
    model.tensors.set(name, { shape, values: half(values) })
  const directory = await convert(ggufBytes(model))
  expect(dtypes(directory)).toEqual(new Set(['BF16']))
  expect(JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8')).torch_dtype).toBe('bfloat16')
})

test('a model in several files', async () => {
  const model = tinyGguf()
  const names = [...model.tensors.keys()]
  const part = (no: number, metadata: TinyGguf['metadata']): Buffer =>
    ggufBytes({
      metadata: new Map([...metadata, ['split.count', { uint32: 2 }], ['split.no', { uint32: no }]]),
      tensors: new Map(names.filter((_, i) => i % 2 === no).map((name) => [name, model.tensors.get(name)!])),
    })
  const loaded = loadModel(await convert(part(0, model.metadata), part(1, new Map())))
  expect(loaded.parameters).toEqual(model.parameters)
  const alone = join(root, 'alone-00001-of-00002.gguf')
  writeFileSync(alone, part(0, model.metadata))
  await expect(openGgufModel(alone)).rejects.toThrow(
    'alone-00001-of-00002.gguf is one of 2 parts, of which 1 are missing: alone-00002-of-00002.gguf',
  )
})

test('a byte-level tokenizer: merges, control tokens, and no beginning of text', async () => {
  const model = tinyGguf()
  model.metadata.set('tokenizer.ggml.bos_token_id', { uint32: 0xffffffff })
  model.metadata.set('tokenizer.chat_template', { string: '{{ messages }}' })
  const directory = await convert(ggufBytes(model))
  const tokenizer = Tokenizer.load(directory)
  const h = tokenizer.tokenId('h')!
  expect([...tokenizer.encode('hello<|im_end|>h<tool>')]).toEqual([
    256,
    257,
    tokenizer.tokenId('o')!,
    259,
    h,
    260,
  ])
  expect(tokenizer.decode(tokenizer.encode('hällo 你好\n'))).toBe('hällo 你好\n')
  expect([...tokenizer.prefix]).toEqual([])
  expect([tokenizer.isSpecial(259), tokenizer.isSpecial(260), tokenizer.isAdded(260)]).toEqual([
    true,
    false,
    true,
  ])
  expect(tokenizer.eosId).toBe(258)
  expect(namedEosTokenIds(directory)).toEqual([258, 259, 258, 259])
  const config = JSON.parse(readFileSync(join(directory, 'tokenizer_config.json'), 'utf8'))
  expect(config).toMatchObject({
    chat_template: '{{ messages }}',
    bos_token: null,
    eos_token: '<|endoftext|>',
  })
})

test('several chat templates keep their names', async () => {
  const model = tinyGguf()
  model.metadata.set('tokenizer.chat_template', { string: 'a' })
  model.metadata.set('tokenizer.chat_template.tool_use', { string: 'b' })
  const directory = await convert(ggufBytes(model))
  expect(JSON.parse(readFileSync(join(directory, 'tokenizer_config.json'), 'utf8')).chat_template).toEqual([
    { name: 'default', template: 'a' },
    { name: 'tool_use', template: 'b' },
  ])
})

test.each([
  // The highest score first: "▁he", then "ll"; a space before the text and after every control token.
  [true, 'hell', ['<s>', '▁he', 'll']],
  [true, '', ['<s>']],
  [true, 'hell</s>h', ['<s>', '▁he', 'll', '</s>', '▁h']],
  [true, 'x é', ['<s>', '▁', '<0x78>', '▁', '<0xC3>', '<0xA9>']],
  [false, 'hell  h', ['<s>', 'h', 'e', 'll', '▁', '▁h']],
  [false, '\ufeffh', ['<s>', '<0xEF>', '<0xBB>', '<0xBF>', 'h']],
])('pieces with scores, a space before the text: %s, %j', async (prefix, text, expected) => {
  const model = tinyGguf('llama', { vocab_size: 268 })
  useSentencePiece(model)
  model.metadata.set('tokenizer.ggml.add_space_prefix', { bool: prefix })
  const tokenizer = Tokenizer.load(await convert(ggufBytes(model)))
  const tokens = [...tokenizer.prefix, ...tokenizer.encode(text)]
  expect(tokens).toEqual(expected.map((token) => tokenizer.tokenId(token)))
  // The library that reads metadata loses a byte order mark.
  expect(tokenizer.tokenId('\ufeffh')).toBe(267)
})

test('pieces to text: the space before the text is left out, and bytes are joined', async () => {
  const model = tinyGguf('llama', { vocab_size: 268 })
  useSentencePiece(model)
  const tokenizer = Tokenizer.load(await convert(ggufBytes(model)))
  for (const text of ['hell', ' hell', 'x é 你好 😀', 'h\n\n  h'])
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
  expect(tokenizer.decode([tokenizer.tokenId('<0xC3>')!, tokenizer.tokenId('h')!])).toBe('\ufffdh')
})
