import { expect, test } from 'vitest'
import { changedSettings } from './layers.ts'

const defaults = { tokens: 10, general: 0, model: { hiddenSize: 96, numLayers: 4 } }

test.each([
  [defaults, []],
  [{ ...defaults, general: 0.5 }, ['general=0.5']],
  [{ ...defaults, tokens: 9, model: { hiddenSize: 32, numLayers: 4 } }, ['tokens=9', 'model.hiddenSize=32']],
  [{ ...defaults, model: null, tags: ['a'] }, ['model=null', 'tags=["a"]']],
])('the options that change the defaults into %j', (given, options) => {
  expect(changedSettings(given, defaults)).toEqual(options)
})
