import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { mutate } from '../../../../tools/mutate.ts'
import { UserError } from '../../../common/errors.ts'
import { Random } from '../../../common/random.ts'
import { ggufBytes, type TinyGguf, tinyGguf, useSentencePiece } from '../../../testing/gguf.ts'
import { SafetensorsFile, writeSafetensors } from '../../checkpoint/safetensors.ts'
import { openGgufModel } from './convert.ts'

const directory = mkdtempSync(join(tmpdir(), 'gguf-damaged-'))
afterAll(() => rmSync(directory, { recursive: true }))
const path = join(directory, 'x.gguf')

async function open(bytes: Buffer): Promise<void> {
  writeFileSync(path, bytes)
  ;(await openGgufModel(path)).close()
}

const whole = ggufBytes(tinyGguf())
/** A copy with a number written over a place. */
const with32 = (at: number, value: number): Buffer => {
  const bytes = Buffer.from(whole)
  bytes.writeUInt32LE(value, at)
  return bytes
}
const with64 = (at: number, value: bigint): Buffer => {
  const bytes = Buffer.from(whole)
  bytes.writeBigUInt64LE(value, at)
  return bytes
}
/** Where the value of a key begins, after its type. */
const valueAt = (key: string): number => whole.indexOf(key) + key.length + 4
/** Where the fields of a tensor begin: the number of dimensions, the dimensions, the type and the offset. */
const fieldsAt = (tensor: string): number => whole.indexOf(tensor) + tensor.length

describe('a header', () => {
  test('without damage', () => expect(open(whole)).resolves.toBeUndefined())
  test.each<[string, Buffer, RegExp]>([
    ['empty', Buffer.alloc(0), /is not a GGUF file: it has 0 bytes, and 24 are the least/],
    ['another format', Buffer.from('{"a": 1}'.repeat(10)), /is neither a model folder nor a GGUF file$/],
    [
      'a web page',
      Buffer.from('<!DOCTYPE html><html><head></head></html>'),
      /is neither a model folder nor a GGUF file: it is a web page/,
    ],
    [
      'a pointer',
      Buffer.from('version https://git-lfs.github.com/spec/v1\noid'),
      /it is a pointer of Git LFS/,
    ],
    ['an old format', Buffer.from(`tjgg${'\0'.repeat(40)}`), /of the time before GGUF/],
    ['version 1', with32(4, 1), /is a GGUF file of version 1; versions 2 and 3 can be read/],
    ['big-endian', with32(4, 0x03000000), /is a big-endian GGUF file; only little-endian ones can be read/],
    ['too many tensors', with64(8, 2n ** 40n), /byte 8 says that 1099511627776 tensors follow/],
    [
      'too much metadata',
      with64(16, 2n ** 64n - 1n),
      /byte 16 says that 18446744073709551615 entries of metadata/,
    ],
    [
      'a long key',
      with64(24, 10n ** 9n),
      /the key of entry 0 of the metadata at byte 24 should have 1000000000 bytes/,
    ],
    [
      'a long array',
      with64(valueAt('tokenizer.ggml.tokens') + 4, 10n ** 12n),
      /1000000000000 elements of "tokenizer.ggml.tokens" follow/,
    ],
    [
      'an unknown type',
      with32(valueAt('general.architecture') - 4, 99),
      /the value of "general.architecture" has the unknown type 99/,
    ],
    [
      'dimensions',
      with32(fieldsAt('token_embd.weight'), 5),
      /tensor "token_embd.weight" has 5 dimensions; 4 are possible/,
    ],
    ['cut in the header', whole.subarray(0, 3000), /the file ends at byte 3000|it ends at byte 3000/],
    [
      'an offset beyond the end',
      with64(fieldsAt('output_norm.weight') + 16, 2n ** 40n),
      /tensor output_norm.weight should end at byte 10\d+, but the file ends at byte \d+/,
    ],
    ['an offset between', with64(fieldsAt('output_norm.weight') + 16, 8n), /is no multiple of 32/],
    ['overlap', with64(fieldsAt('output_norm.weight') + 16, 0n), /begins at byte \d+, inside tensor/],
    [
      'an unknown quantisation',
      with32(fieldsAt('output_norm.weight') + 12, 77),
      /tensor output_norm.weight has the type number 77, which is unknown; types that can be read: F32, F16/,
    ],
    [
      'one that is not read',
      with32(fieldsAt('output_norm.weight') + 12, 16),
      /has the type IQ2_XXS; types that can be read/,
    ],
    [
      'rows that are no blocks',
      with32(fieldsAt('output_norm.weight') + 12, 8),
      /has rows of 16 values, which are no whole blocks of Q8_0 \(32 values\)/,
    ],
    [
      'cut in the tensors',
      whole.subarray(0, whole.length - 100),
      /should end at byte \d+, but the file ends at byte \d+; it is not complete/,
    ],
  ])('%s', async (_, bytes, message) => {
    const error = await open(bytes).catch((error: unknown) => error as Error)
    expect(error).toBeInstanceOf(UserError)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).toContain(path)
  })
})

describe('a model', () => {
  let model: TinyGguf
  beforeEach(() => {
    model = tinyGguf()
  })
  test.each<[string, () => unknown, RegExp]>([
    [
      'another architecture',
      () => model.metadata.set('general.architecture', { string: 'mamba' }),
      /"general.architecture" is "mamba", which is not supported; supported: llama, qwen2, qwen3, gemma3/,
    ],
    [
      'an adapter',
      () => model.metadata.set('general.type', { string: 'adapter' }),
      /"general.type" is "adapter": the file does not hold a language model/,
    ],
    [
      'no tokenizer',
      () => model.metadata.delete('tokenizer.ggml.model'),
      /has no tokenizer: "tokenizer.ggml.model" is missing/,
    ],
    ['no tokens', () => model.metadata.delete('tokenizer.ggml.tokens'), /has no tokenizer/],
    [
      'another tokenizer',
      () => model.metadata.set('tokenizer.ggml.model', { string: 'bert' }),
      /"bert", which is not supported; supported: gpt2 \(byte-level BPE\), llama/,
    ],
    [
      'another pre-tokenizer',
      () => model.metadata.set('tokenizer.ggml.pre', { string: 'x' }),
      /"tokenizer.ggml.pre" is "x", which is unknown; known: default, gpt-2, .*llama-bpe.*qwen2/,
    ],
    [
      'no merges',
      () => model.metadata.delete('tokenizer.ggml.merges'),
      /has no "tokenizer.ggml.merges" in its metadata/,
    ],
    [
      'a type of value',
      () => model.metadata.set('llama.block_count', { string: '2' }),
      /"llama.block_count" is "2"; a positive whole number is expected/,
    ],
    [
      'layers without tensors',
      () => model.metadata.set('llama.block_count', { uint32: 4_000_000_000 }),
      /"llama.block_count" is 4000000000, but the file has only 20 tensors/,
    ],
    [
      'no width',
      () => model.metadata.delete('llama.embedding_length'),
      /has no "llama.embedding_length" in its metadata/,
    ],
    [
      'partial rotation',
      () => model.metadata.set('llama.rope.dimension_count', { uint32: 2 }),
      /"llama.rope.dimension_count" is 2, but a head has 4 values/,
    ],
    [
      'yarn',
      () => model.metadata.set('llama.rope.scaling.type', { string: 'yarn' }),
      /"llama.rope.scaling.type" is "yarn", which is not supported; supported: none, linear/,
    ],
    [
      'experts',
      () => model.metadata.set('llama.expert_count', { uint32: 8 }),
      /mixtures of experts are not supported/,
    ],
    [
      'another shape',
      () => model.metadata.set('llama.feed_forward_length', { uint32: 32 }),
      /tensor blk.0.ffn_gate.weight has the shape \[24,16\]; its metadata requires \[32,16\]/,
    ],
    [
      'a missing tensor',
      () => model.tensors.delete('blk.1.ffn_up.weight'),
      /tensors are missing: blk.1.ffn_up.weight/,
    ],
    [
      'another tensor',
      () => model.tensors.set('blk.0.attn_sinks', { shape: [4], values: new Float32Array(4) }),
      /unexpected tensors, which a llama with this metadata does not have: blk.0.attn_sinks/,
    ],
    [
      'other factors of RoPE',
      () => model.tensors.set('rope_freqs.weight', { shape: [2], values: Float32Array.of(3, 7) }),
      /rope_freqs.weight scales RoPE's frequencies in another way than Llama 3/,
    ],
    [
      'factors of another size',
      () => model.tensors.set('rope_freqs.weight', { shape: [3], values: new Float32Array(3) }),
      /rope_freqs.weight has the shape \[3\]; \[2\] is expected/,
    ],
    [
      'a special token outside',
      () => model.metadata.set('tokenizer.ggml.eos_token_id', { uint32: 261 }),
      /"tokenizer.ggml.eos_token_id" is 261; the tokenizer has 261 tokens/,
    ],
    [
      'types of too few tokens',
      () => model.metadata.set('tokenizer.ggml.token_type', { int32s: [1] }),
      /"tokenizer.ggml.token_type" has 1 entries for 261 tokens/,
    ],
    [
      'a token twice',
      () => model.metadata.set('tokenizer.ggml.tokens', { strings: ['a', 'b', 'a'] }),
      /the tokens 0 and 2 are both "a"/,
    ],
    [
      'a part of a model',
      () => model.metadata.set('split.count', { uint32: 3 }),
      /"split.count" is 3: the file is a part of a model/,
    ],
  ])('%s', async (_, damage, message) => {
    damage()
    const error = await open(ggufBytes(model)).catch((error: unknown) => error as Error)
    expect(error).toBeInstanceOf(UserError)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).toContain(path)
  })
})

// tools/mutated-headers.ts opens many more.
test.each<[string, Buffer, (path: string) => unknown]>([
  ['GGUF, bytes', whole, async (path) => (await openGgufModel(path)).close()],
  [
    'GGUF, pieces',
    (() => {
      const model = tinyGguf('llama', { vocab_size: 268 })
      useSentencePiece(model)
      return ggufBytes(model)
    })(),
    async (path) => (await openGgufModel(path)).close(),
  ],
  [
    'safetensors',
    (() => {
      const tensors = new Map(
        ['a', 'b', 'c'].map((name) => [name, { shape: [2, 3], data: new Float32Array(6) }]),
      )
      writeSafetensors(path, tensors, { dtype: 'F32', metadata: { format: 'pt' } })
      return readFileSync(path)
    })(),
    (path) => new SafetensorsFile(path).close(),
  ],
])('300 damaged copies: %s', async (_, bytes, open) => {
  const random = new Random('damaged')
  for (let i = 0; i < 300; i++) {
    writeFileSync(path, mutate(bytes, bytes.length, random))
    const error = await (async () => open(path))().catch((error: unknown) => error)
    if (error === undefined) continue
    expect(error).toBeInstanceOf(UserError)
    expect((error as Error).message).not.toMatch(/[\r\n]/)
    expect((error as Error).message.length).toBeLessThan(2000)
  }
})
