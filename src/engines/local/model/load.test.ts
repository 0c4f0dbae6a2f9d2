import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UserError } from '../../../common/errors.ts'
import { load } from './load.ts'

const MINIATURE = fileURLToPath(new URL('../../../../models/miniature-base', import.meta.url))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'load-'))
  cpSync(MINIATURE, folder, { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Changes a JSON file of the model. */
function change(name: string, edit: (json: Record<string, unknown>) => object): void {
  const json = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  writeFileSync(join(folder, name), JSON.stringify({ ...json, ...edit(json) }))
}

/** Adds a token to the tokenizer, beyond the model's vocabulary of 576. */
const addToken = (content: string) =>
  change('tokenizer.json', ({ added_tokens }) => {
    const added = added_tokens as object[]
    return { added_tokens: [...added, { ...added[0], id: 576, content, special: true }] }
  })

describe('a tokenizer with more tokens than the model', () => {
  test('is accepted as long as none of them is needed', () => {
    addToken('<x>')
    expect(load({ model: folder }).tokenizer!.vocabSize).toBe(577)
  })

  test.each(['eos_token', 'pad_token'])('is refused if one of them is the %s', (role) => {
    addToken('<x>')
    change('tokenizer_config.json', () => ({ [role]: '<x>' }))
    expect(() => load({ model: folder })).toThrow(UserError)
    expect(() => load({ model: folder })).toThrow(
      'has the token "<x>" (id 576), which the model (vocab_size 576) does not have',
    )
  })
})

test('a generation_config.json with an end token that the model does not have is refused', () => {
  change('generation_config.json', () => ({ eos_token_id: [1, 576] }))
  expect(() => load({ model: folder })).toThrow(
    `the generation_config.json in ${folder} has the token id 576, which the model (vocab_size 576) does not have`,
  )
})

test('a damaged generation_config.json is refused', () => {
  writeFileSync(join(folder, 'generation_config.json'), '{"eos_token_id": 50')
  expect(() => load({ model: folder })).toThrow('generation_config.json is damaged: not JSON')
})
