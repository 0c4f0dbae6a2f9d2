import { expect, test } from 'vitest'
import { UserError } from '../../../common/errors.ts'
import { calledFunction } from './requests.ts'

test.each([
  [{ city: 'Paris' }, { city: 'Paris' }],
  ['{"city": "Paris"}', { city: 'Paris' }],
  ['', {}],
  [undefined, {}],
])('a call of a tool with the arguments %j', (given, expected) => {
  const call = { id: '1', type: 'function', function: { name: 'weather', arguments: given } }
  expect(calledFunction(call)).toEqual({ id: '1', name: 'weather', arguments: expected })
})

test.each(['{"city": ', '[1]', 'Paris', 7])('refuses the arguments %j', (given) => {
  const call = () => calledFunction({ id: '1', function: { name: 'weather', arguments: given } })
  expect(call).toThrow(UserError)
  expect(call).toThrow('the tool weather with arguments that are not a JSON object')
})
