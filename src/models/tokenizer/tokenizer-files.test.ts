import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Tokenizer as Pipeline } from '@huggingface/tokenizers'
import { afterAll, describe, expect, it } from 'vitest'
import { packageRoot } from '../../common/files/package.ts'
import { Random } from '../../common/random.ts'
import { Tokenizer } from './tokenizer.ts'
import { fixedTokens, SPECIAL_TOKENS, saveTokenizer, specialTokenList } from './tokenizer-files.ts'
import { trainBpe } from './train-bpe.ts'

const CORPUS = [
  'What is 18 + 3 * 3 + 57 ? First, 3 * 3 = 9. Next, 18 + 9 = 27. Wait, let me check. Yes, it is 27.',
  '商店有 18 个苹果。等等，让我检查一下。商店有 9 个苹果。',
  '<think>\nLet me check the apples.\n</think>\n<answer>71</answer>\nThe answer is 71.\n',
]
const directory = mkdtempSync(join(tmpdir(), 'tokenizer-'))
afterAll(() => rmSync(directory, { recursive: true }))
const model = trainBpe([...CORPUS, ...CORPUS], {
  size: 400 - fixedTokens(SPECIAL_TOKENS),
  specialTokens: specialTokenList(SPECIAL_TOKENS),
})
saveTokenizer(directory, { ...model, specialTokens: SPECIAL_TOKENS, chatTemplate: 'x', maxLength: 512 })
const tokenizer = Tokenizer.load(directory)
const read = (name: string) => JSON.parse(readFileSync(join(directory, name), 'utf8'))

const TEXTS = [
  '',
  ' ',
  '   ',
  'a',
  " It's 3 apples, isn't IT'S",
  'Let me check.\n\n  63 + 9 = 72\t!\r\n',
  ' <think>\nWait, wrong.\n</think>\n<answer>71</answer><|endoftext|>',
  '让我检查一下：商店有 9 个苹果。',
  'def f(x):\n    return x  # 苹果\n',
  '👩‍👩‍👧 naïve café e\u0301 ﬁ\u00a0\u200b\ufeff𝔘 \0\x7f',
  '\ufefftext',
  '<think><think></think>< think>',
  '<0x41> <unknown> \ufffd\ufffd x',
]
const LETTERS = [
  ...'abcehkLt 19.\n<>的苹é',
  '👍',
  '<think>',
  '</answer>',
  '<|pad|>',
  '  ',
  "'s",
  '\u0301',
  '\ufeff',
]
const randomText = (i: number, letters: readonly string[] = LETTERS) => {
  const random = new Random('text', i)
  return Array.from({ length: random.int(1, 40) }, () => random.pick(letters)).join('')
}

describe('a tokenizer that was saved', () => {
  it.each(TEXTS)('decodes what it encodes: %j', (text) => {
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
  })

  it('decodes and streams what it encodes, for random text', () => {
    for (let i = 0; i < 500; i++) {
      const text = randomText(i)
      const ids = tokenizer.encode(text)
      expect(tokenizer.decode(ids)).toBe(text)
      const stream = tokenizer.stream()
      expect([...ids].map((id) => stream.push(id)).join('') + stream.end()).toBe(text)
    }
  })

  it('streams any ids to the same text as decoding them at once', () => {
    for (let i = 0; i < 300; i++) {
      const random = new Random('ids', i)
      const ids = Array.from({ length: random.int(1, 20) }, () => random.int(0, tokenizer.vocabSize - 1))
      const stream = tokenizer.stream()
      expect([...ids.map((id) => stream.push(id)), stream.end()].join('')).toBe(tokenizer.decode(ids))
    }
  })

  it('decodes as the "▁" of SentencePiece a space, which is all that is lost', () => {
    expect(tokenizer.decode(tokenizer.encode('a▁b'))).toBe('a b')
  })

  it("has the ids of Hugging Face's library, which encodes a text as a whole", () => {
    const library = new Pipeline(read('tokenizer.json'), read('tokenizer_config.json'))
    const texts = [...TEXTS, ...Array.from({ length: 500 }, (_, i) => randomText(i))]
    for (const text of texts)
      expect([...tokenizer.encode(text)]).toEqual(library.encode(text, { add_special_tokens: false }).ids)
  })

  it('has the ids that readers of tokenizer.model find by its scores', () => {
    const pieces = readPieces(readFileSync(join(directory, 'tokenizer.model')))
    expect(pieces).toHaveLength(tokenizer.vocabSize)
    const letters = LETTERS.filter((letter) => letter !== '<|pad|>')
    const texts = Array.from({ length: 300 }, (_, i) => randomText(i, letters))
    for (const text of [...TEXTS.filter((t) => !t.includes('<|')), ...texts])
      expect([...tokenizer.encode(text)]).toEqual(encodeByScores(text, pieces))
  })

  it('has ids in the order: unknown, end, padding, tags, bytes, merged pieces, characters', () => {
    const expected = [...specialTokenList(SPECIAL_TOKENS), '<0x00>', '<0x01>']
    expect(expected.map((token) => tokenizer.tokenId(token))).toEqual(expected.map((_, id) => id))
    expect(tokenizer.tokenId('<0xFF>')).toBe(7 + 255)
    expect(tokenizer.tokenId(model.merged[0]!)).toBe(7 + 256)
    expect(tokenizer.tokenId(model.characters[0]!)).toBe(7 + 256 + model.merged.length)
    expect([tokenizer.eosId, tokenizer.padId]).toEqual([1, 2])
    expect([...tokenizer.prefix]).toEqual([])
    expect([...tokenizer.encode('<think>71')]).toEqual(['<think>', '7', '1'].map((t) => tokenizer.tokenId(t)))
  })

  it('names what other readers look for', () => {
    expect(read('tokenizer_config.json')).toMatchObject({
      add_prefix_space: false,
      add_bos_token: false,
      add_eos_token: false,
      bos_token: '<|endoftext|>',
      eos_token: '<|endoftext|>',
      pad_token: '<|pad|>',
      unk_token: '<unk>',
      chat_template: 'x',
      model_max_length: 512,
    })
  })
})

// tools/golden/embedded_tokenizers.py: the ids of the libraries sentencepiece and transformers, which are the same
describe.each(['miniature-base', 'miniature-r1-base'])('%s', (name) => {
  const { texts, ids }: { texts: string[]; ids: number[][] } = JSON.parse(
    readFileSync(join(import.meta.dirname, 'fixtures', `${name}.json`), 'utf8'),
  )
  const embedded = Tokenizer.load(join(packageRoot(), 'models', name))

  it("has the ids of SentencePiece's library and of Transformers", () => {
    expect(texts.length).toBeGreaterThan(100)
    expect(texts.map((text) => [...embedded.encode(text)])).toEqual(ids)
  })
})

interface Piece {
  readonly text: string
  readonly score: number
  readonly type: number
}

/** The pieces of a tokenizer.model, in the order of their ids. */
function readPieces(bytes: Buffer): Piece[] {
  const pieces: Piece[] = []
  for (const { field, value } of fields(bytes)) {
    if (field !== 1) continue
    const of = new Map(fields(value as Buffer).map((one) => [one.field, one.value]))
    pieces.push({
      text: (of.get(1) as Buffer).toString('utf8'),
      score: (of.get(2) as Buffer).readFloatLE(),
      type: of.get(3) as number,
    })
  }
  return pieces
}

function fields(bytes: Buffer): { field: number; value: Buffer | number }[] {
  const found: { field: number; value: Buffer | number }[] = []
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes[at++]!)
      value |= (byte & 0x7fn) << shift
      if (byte < 0x80n) return Number(BigInt.asIntN(64, value))
    }
  }
  while (at < bytes.length) {
    const key = varint()
    const [field, wire] = [key >> 3, key & 7]
    if (wire === 0) found.push({ field, value: varint() })
    else {
      const length = wire === 5 ? 4 : varint()
      found.push({ field, value: bytes.subarray(at, at + length) })
      at += length
    }
  }
  return found
}

/** BPE as SentencePiece and llama.cpp define it: of the neighbours that make a piece, the piece of the highest score. */
function encodeByScores(text: string, pieces: readonly Piece[]): number[] {
  const [NORMAL, USER_DEFINED] = [1, 4]
  const normal = new Map(pieces.flatMap(({ text, type }, id) => (type === NORMAL ? [[text, id]] : [])))
  const tags = pieces.filter(({ type }) => type === USER_DEFINED).map((piece) => piece.text)
  const escaped = text.replaceAll(' ', '▁')
  return escaped.split(new RegExp(`(${tags.join('|')})`)).flatMap((part) => {
    if (tags.includes(part)) return [pieces.findIndex((piece) => piece.text === part)]
    const symbols = [...part]
    for (;;) {
      let best = { score: Number.NEGATIVE_INFINITY, at: -1 }
      for (let at = 0; at + 1 < symbols.length; at++) {
        const id = normal.get(symbols[at]! + symbols[at + 1]!)
        if (id !== undefined && pieces[id]!.score > best.score) best = { score: pieces[id]!.score, at }
      }
      if (best.at < 0) break
      symbols.splice(best.at, 2, symbols[best.at]! + symbols[best.at + 1]!)
    }
    return symbols.flatMap((symbol) => {
      const id = normal.get(symbol)
      return id === undefined ? [...new TextEncoder().encode(symbol)].map((byte) => 7 + byte) : [id]
    })
  })
}
