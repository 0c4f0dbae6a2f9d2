import { describe, expect, it } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { checkTokenizerFits, checkTokens } from './vocabulary.ts'

const decode = (ids: ArrayLike<number>) => (ids[0]! > 60 ? '' : `<${ids[0]}>`)

describe('checkTokens', () => {
  it.each([[[]], [[0, 49]]])('accepts %j of a vocabulary of 50', (ids) => {
    expect(() => checkTokens(Int32Array.from(ids), 50, 'row a.jsonl:1')).not.toThrow()
  })

  it.each([
    [
      [0, 50, 51],
      undefined,
      'row a.jsonl:1 has the token id 50, which the model (vocab_size 50) does not have',
    ],
    [[-1], undefined, 'has the token id -1,'],
    [[50], { decode }, 'row a.jsonl:1 has the token "<50>" (id 50), which'],
    [[61], { decode }, 'has the token id 61,'],
  ])('refuses %j', (ids, tokenizer, message) => {
    const check = () => checkTokens(Int32Array.from(ids), 50, 'row a.jsonl:1', tokenizer)
    expect(check).toThrow(UserError)
    expect(check).toThrow(message)
  })
})

describe('checkTokenizerFits', () => {
  const tokenizer = { eosId: 48, padId: 49, prefix: Int32Array.of(1), decode }
  it('accepts a tokenizer whose needed tokens are in the vocabulary', () => {
    expect(() => checkTokenizerFits(tokenizer, { vocabSize: 50 }, 'models/m')).not.toThrow()
  })

  it.each([
    [
      { eosId: 50 },
      'the tokenizer in models/m, as its end of text, has the token "<50>" (id 50), which the model',
    ],
    [{ padId: 51 }, 'as its padding, has the token "<51>" (id 51)'],
    [{ prefix: Int32Array.of(52) }, 'before every text, has the token "<52>" (id 52)'],
  ])('refuses %j', (changes, message) => {
    const check = () => checkTokenizerFits({ ...tokenizer, ...changes }, { vocabSize: 50 }, 'models/m')
    expect(check).toThrow(UserError)
    expect(check).toThrow(message)
  })
})
