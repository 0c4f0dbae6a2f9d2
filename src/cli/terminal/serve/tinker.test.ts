import { expect, it } from 'vitest'
import type { Values } from '../arguments.ts'
import { checkTinkerOptions } from './tinker.ts'

it.each<[Values, RegExp]>([
  [{ tinker: true, strategy: 'vote' }, /^--strategy has no effect with --tinker/],
  [{ tinker: true, 'max-tokens': '5' }, /^--max-tokens has no effect with --tinker/],
  [{ tinker: true, engine: 'local' }, /^--engine has no effect with --tinker/],
  [{ models: '2' }, /^--models needs --tinker/],
  [{ out: 'x' }, /^--out needs --tinker/],
])('%j is an error', (values, message) => {
  expect(() => checkTinkerOptions(values)).toThrow(message)
})

it.each<[Values]>([
  [{ tinker: true, models: '2', out: 'x', model: 'a,b', port: '0', key: 'tml-a' }],
  [{ strategy: 'vote' }],
])('%j is not', (values) => {
  expect(() => checkTinkerOptions(values)).not.toThrow()
})
