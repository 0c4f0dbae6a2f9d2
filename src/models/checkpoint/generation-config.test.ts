import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { addEosTokenIds, readGenerationConfig } from './generation-config.ts'

const directory = mkdtempSync(join(tmpdir(), 'generation-'))
const file = join(directory, 'generation_config.json')
afterAll(() => rmSync(directory, { recursive: true }))
beforeEach(() => rmSync(file, { force: true }))

describe('readGenerationConfig', () => {
  it.each([
    [null, []],
    ['{}', []],
    ['{"eos_token_id": null}', []],
    ['{"eos_token_id": 7}', [7]],
    ['{"eos_token_id": [7, 3, 7], "top_p": 0.95}', [7, 3]],
    ['{"eos_token_id": []}', []],
    ['{"eos_token_id": -1}', []],
  ])('%s', (text, ids) => {
    if (text !== null) writeFileSync(file, text)
    expect(readGenerationConfig(directory)).toEqual({ eosTokenIds: ids })
  })

  it.each([
    ['{"eos', 'generation_config.json is damaged: not JSON'],
    ['[1]', 'generation_config.json is damaged: a JSON object is expected'],
    ['{"eos_token_id": "</s>"}', '"eos_token_id" is "</s>"; a token id, or a list of them, is expected'],
    ['{"eos_token_id": [1, 2.5]}', '"eos_token_id" is [1,2.5]'],
  ])('refuses %s', (text, message) => {
    writeFileSync(file, text)
    const read = () => readGenerationConfig(directory)
    expect(read).toThrow(UserError)
    expect(read).toThrow(message)
  })
})

describe('addEosTokenIds', () => {
  it.each<[string, number[], unknown]>([
    ['{"eos_token_id": 7, "temperature": 0.6}', [9], { eos_token_id: [7, 9], temperature: 0.6 }],
    ['{"eos_token_id": [7, 8]}', [9, 7], { eos_token_id: [7, 8, 9] }],
    ['{"top_k": 20}', [9], { top_k: 20, eos_token_id: 9 }],
    ['{"eos_token_id": null}', [9, 10], { eos_token_id: [9, 10] }],
  ])('%s and %j', (before, ids, after) => {
    writeFileSync(file, before)
    addEosTokenIds(directory, ids)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(after)
  })

  it.each([[[]], [[7]]])('leaves the file as it is if it names %j already', (ids) => {
    const text = '{"temperature": 1.0,   "eos_token_id": [7]}'
    writeFileSync(file, text)
    addEosTokenIds(directory, ids)
    expect(readFileSync(file, 'utf8')).toBe(text)
  })
})
