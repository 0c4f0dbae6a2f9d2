import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Tokenizer as Pipeline } from '@huggingface/tokenizers'
import { afterAll, describe, expect, it } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import { saveByteLevelTokenizer } from '../../testing/byte-level.ts'
import { differentToken } from './same.ts'
import { Tokenizer } from './tokenizer.ts'

const directory = mkdtempSync(join(tmpdir(), 'tokenizer-'))
afterAll(() => rmSync(directory, { recursive: true }))
// The letters of the byte-level alphabet; the last three merges make 苹.
const MERGES = 'h e|Ġ t|Ġt he|c k|c he|che ck|a p|ap p|l e|app le|è ĭ|èĭ ¹'
const merges = MERGES.split('|').map((pair) => pair.split(' ') as [string, string])
saveByteLevelTokenizer(directory, merges)
const tokenizer = Tokenizer.load(directory)

const TEXTS = [
  '',
  ' ',
  'a',
  "It's 3 apples, isn't IT'S",
  'Let me check.\n\n  63 + 9 = 72\t!\r\n',
  ' <think>\nWait, wrong.\n</think>\n<answer>71</answer><|endoftext|>',
  '让我检查一下：商店有 9 个苹果。',
  '👩‍👩‍👧 naïve café e\u0301 ﬁ\u00a0\u200b\ufeff𝔘 \0\x7f',
  '<think><think></think>< think>',
  '\ufffd\ufffd x',
]

describe('a byte-level tokenizer', () => {
  it.each(TEXTS)('decodes what it encodes: %j', (text) => {
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
  })

  it('decodes and streams what it encodes, for random text', () => {
    const alphabet = [...'ab 19.\n<>的苹é', '👍', '<think>', '</answer>', '  ', "'s", '\u0301', '\ufffd']
    for (let i = 0; i < 500; i++) {
      const random = new Random('text', i)
      const text = Array.from({ length: random.int(1, 30) }, () => random.pick(alphabet)).join('')
      const ids = tokenizer.encode(text)
      expect(tokenizer.decode(ids)).toBe(text)
      const stream = tokenizer.stream()
      expect([...ids].map((id) => stream.push(id)).join('') + stream.end()).toBe(text)
    }
  })

  it("decodes any ids as Hugging Face's library does", () => {
    const copy = mkdtempSync(join(tmpdir(), 'tokenizer-'))
    cpSync(directory, copy, { recursive: true })
    const read = (file: string) => JSON.parse(readFileSync(join(copy, file), 'utf8'))
    const json = read('tokenizer.json')
    // The space and the smile stand for no byte.
    json.model.vocab['a b🙂c'] = tokenizer.vocabSize
    writeFileSync(join(copy, 'tokenizer.json'), JSON.stringify(json))
    const [ours, library] = [Tokenizer.load(copy), new Pipeline(json, read('tokenizer_config.json'))]
    rmSync(copy, { recursive: true })
    const random = new Random('any')
    const lengths = [...Array.from({ length: 500 }, () => random.int(1, 40)), 9000]
    for (const length of lengths) {
      const ids = Array.from({ length }, () => random.int(0, tokenizer.vocabSize))
      expect(ours.decode(ids)).toBe(library.decode(ids, { clean_up_tokenization_spaces: false }))
    }
    expect(ours.decode([tokenizer.vocabSize])).toBe('a\0b\0c')
  })

  it('streams any ids to the same text as decoding them at once', () => {
    for (let i = 0; i < 300; i++) {
      const random = new Random('ids', i)
      const ids = Array.from({ length: random.int(1, 20) }, () => random.int(0, tokenizer.vocabSize - 1))
      for (const skipSpecial of [false, true]) {
        const stream = tokenizer.stream({ skipSpecial })
        const pieces = [...ids.map((id) => stream.push(id)), stream.end()]
        expect(pieces.join('')).toBe(tokenizer.decode(ids, { skipSpecial }))
      }
    }
  })

  it('streams only complete characters', () => {
    const stream = tokenizer.stream()
    const pieces = [...new TextEncoder().encode('é👍.')].map((byte) => stream.push(byte))
    expect(pieces).toEqual(['', 'é', '', '', '', '👍', '.'])
    stream.push(0xf0)
    expect(stream.end()).toBe('\ufffd')
    expect(stream.end()).toBe('')
  })

  it('has single tokens for tags and digits, and adds no tokens', () => {
    const ids = tokenizer.encode('<think>71</think><|endoftext|>')
    expect([...ids]).toEqual([
      tokenizer.tokenId('<think>'),
      tokenizer.tokenId('7'),
      tokenizer.tokenId('1'),
      tokenizer.tokenId('</think>'),
      tokenizer.eosId,
    ])
    expect([...tokenizer.prefix]).toEqual([])
    expect([tokenizer.eosId, tokenizer.padId, tokenizer.vocabSize]).toEqual([
      256 + merges.length,
      256 + merges.length + 1,
      256 + merges.length + 6,
    ])
    expect(tokenizer.tokenId('no such token')).toBeNull()
  })

  it('skips special tokens, but not tags, on request', () => {
    const ids = tokenizer.encode('<think>a</think><|pad|><|endoftext|>')
    expect(tokenizer.decode(ids, { skipSpecial: true })).toBe('<think>a</think>')
    expect(tokenizer.decode(Int32Array.of(97, tokenizer.vocabSize + 5, 98))).toBe('ab')
  })
})

describe('a tokenizer with other settings', () => {
  const edited = (name: string, change: (json: Record<string, unknown>) => void, beside: object = {}) => {
    const copy = mkdtempSync(join(directory, 'edited-'))
    for (const file of ['tokenizer.json', 'tokenizer_config.json']) {
      const json = JSON.parse(readFileSync(join(directory, file), 'utf8'))
      if (file === name) change(json)
      writeFileSync(join(copy, file), JSON.stringify(json))
    }
    for (const [file, json] of Object.entries(beside)) writeFileSync(join(copy, file), JSON.stringify(json))
    return Tokenizer.load(copy)
  }

  it.each([
    [true, '²x½Ⅷ12', ['²', 'x', '½', 'Ⅷ', '1', '2']],
    [false, '²x½Ⅷ12', ['²', 'x', '½Ⅷ12']],
  ])('Digits (individual: %s) splits at every number, as in Rust', (individual_digits, text, pieces) => {
    const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false }
    const digits = edited('tokenizer.json', (json) => {
      const { vocab, ...model } = json.model as { vocab: Record<string, number> }
      // A token of the bytes of "²x", which nothing but a split keeps apart.
      const [a, b, c] = ['Â', '²', 'x']
      const more = [a + b, a + b + c].map((token, i) => [token, 9000 + i])
      json.model = {
        ...model,
        vocab: { ...vocab, ...Object.fromEntries(more) },
        merges: [
          [a, b],
          [a + b, c],
        ],
      }
      json.pre_tokenizer = {
        type: 'Sequence',
        pretokenizers: [{ type: 'Digits', individual_digits }, byteLevel],
      }
    })
    const each = pieces.flatMap((piece) => [...digits.encode(piece)])
    expect([...digits.encode(text)]).toEqual(each)
  })

  const noEos = (json: Record<string, unknown>) => delete json.eos_token
  it.each([
    ['config.json', { 'config.json': { eos_token_id: tokenizer.padId } }],
    ['generation_config.json', { 'generation_config.json': { eos_token_id: [99999, tokenizer.padId] } }],
  ])('the end of text by its id in %s', (_, beside) => {
    expect(edited('tokenizer_config.json', noEos, beside).eosId).toBe(tokenizer.padId)
  })
  it('an id that the tokenizer does not have is no end of text', () => {
    const beside = { 'config.json': { eos_token_id: 99999 } }
    expect(() => edited('tokenizer_config.json', noEos, beside)).toThrow(/names no "eos_token", and neither/)
  })
})

describe('a damaged tokenizer', () => {
  const damaged = (file: string, change: (text: string) => string) => {
    const copy = mkdtempSync(join(tmpdir(), 'damaged-'))
    cpSync(directory, copy, { recursive: true })
    writeFileSync(join(copy, file), change(readFileSync(join(copy, file), 'utf8')))
    try {
      Tokenizer.load(copy)
    } catch (error) {
      expect(error).toBeInstanceOf(UserError)
      return (error as Error).message.replace(`${copy}/`, '')
    } finally {
      rmSync(copy, { recursive: true })
    }
    return 'no error'
  }
  const edit = (change: (json: Record<string, unknown>) => void) => (text: string) => {
    const json = JSON.parse(text)
    change(json)
    return JSON.stringify(json)
  }

  it.each<[string, string, (text: string) => string, RegExp]>([
    [
      'half a file',
      'tokenizer.json',
      (t) => t.slice(0, t.length / 2),
      /^tokenizer.json is damaged: not JSON/,
    ],
    ['no model', 'tokenizer.json', edit((j) => delete j.model), /^tokenizer.json is damaged: "model"/],
    [
      'unknown model',
      'tokenizer.json',
      edit((j) => {
        j.model = { type: 'Magic', vocab: {} }
      }),
      /^tokenizer.json is damaged: "model.type": .*BPE/,
    ],
    [
      'no end token',
      'tokenizer_config.json',
      edit((j) => delete j.eos_token),
      /^tokenizer_config.json names no "eos_token"/,
    ],
    [
      'unknown end token',
      'tokenizer_config.json',
      edit((j) => {
        j.eos_token = '<eot>'
      }),
      /^tokenizer.json has no token "<eot>", which is the eos_token/,
    ],
  ])('%s', (_, file, change, message) => {
    expect(damaged(file, change)).toMatch(message)
  })
})

describe('a folder that is not there', () => {
  const message = 'there is no model folder /nowhere: if it has been moved, move it back or make a link there'
  it('is named, with what to do', () => expect(() => Tokenizer.load('/nowhere')).toThrow(message))
  it('of which the tokens are compared, too', () =>
    expect(() => differentToken('/nowhere', '/nowhere')).toThrow(message))
})
