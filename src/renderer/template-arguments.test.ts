import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { changedMiniature } from '../testing/changed-miniature.ts'
import { argumentsOf, checkArguments } from './template-arguments.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-arguments-'))
afterAll(() => rmSync(folder, { recursive: true }))

const modelWith = (template: string): string =>
  changedMiniature(mkdtempSync(join(folder, 'model-')), { template }).folder
const thinking = modelWith('{% if enable_thinking %}<think>{% endif %}{{ messages[0].content }}')
const dated = modelWith('{{ date_string }}{{ messages[0].content }}')
const given = { enable_thinking: false, date_string: 'today' }

test('each model gets the arguments that its template has', () => {
  expect(argumentsOf(thinking, given)).toEqual({ enable_thinking: false })
  expect(argumentsOf(dated, given)).toEqual({ date_string: 'today' })
  expect(argumentsOf(thinking, given, 'r1-zero')).toEqual({})
})

test('an argument that no model has is an error', () => {
  expect(() => checkArguments([thinking, dated], given)).not.toThrow()
  expect(() => checkArguments([thinking], given)).toThrow(
    'no chat template of the run\'s models has the argument "date_string": leave out chat.arguments.date_string',
  )
})
