import { describe, expect, it } from 'vitest'
import type { Values } from '../arguments.ts'
import { accessOf, strategyOf } from './options.ts'

describe('who may use a server', () => {
  it.each<[Values, NodeJS.ProcessEnv, object]>([
    [{}, {}, { keys: [], hosts: [], origins: [] }],
    [{}, { RUMINATE_API_KEY: '' }, { keys: [] }],
    [{}, { RUMINATE_API_KEY: 'a,b' }, { keys: ['a', 'b'] }],
    [{ key: 'c' }, { RUMINATE_API_KEY: 'a' }, { keys: ['c'] }],
    [{ 'allow-host': 'ai.example.com, b' }, {}, { hosts: ['ai.example.com', 'b'] }],
    [
      { 'allow-origin': 'https://a.example,http://b:3000' },
      {},
      { origins: ['https://a.example', 'http://b:3000'] },
    ],
    [{ 'allow-origin': '*' }, {}, { origins: ['*'] }],
  ])('%j', (values, environment, access) => {
    expect(accessOf(values, environment)).toMatchObject(access)
  })

  it.each<[Values, NodeJS.ProcessEnv, RegExp]>([
    [{ key: '' }, {}, /--key must be/],
    [{ key: 'secret one' }, {}, /--key must be (?!.*secret)/],
    [{ key: 'secret,,b' }, {}, /--key must be (?!.*secret)/],
    [{}, { RUMINATE_API_KEY: 'sécret' }, /RUMINATE_API_KEY must be (?!.*sécret)/],
    [{ 'allow-host': 'https://ai.example.com' }, {}, /give a name alone/],
    [{ 'allow-origin': 'chat.example.com' }, {}, /give the origin of a page/],
    [{ 'allow-origin': 'https://chat.example.com/page' }, {}, /give the origin of a page/],
    [{ 'allow-host': 'a,,b' }, {}, /between commas is missing/],
  ])('%j is an error', (values, environment, message) => {
    expect(() => accessOf(values, environment)).toThrow(message)
  })
})

describe('how a model is used', () => {
  it.each<[Values, object]>([
    [{}, { spec: { kind: 'sample' } }],
    [{ strategy: 'vote' }, { spec: { kind: 'vote', samples: 8 } }],
    [
      { strategy: 'vote', samples: '4', 'reward-model': 'rm' },
      { spec: { kind: 'vote', samples: 4, weighted: true }, reward: 'rm' },
    ],
    [
      { strategy: 'best-of-n', judge: 'm' },
      { spec: { kind: 'best-of-n', samples: 8 }, judge: 'm' },
    ],
    [{ strategy: 'refine', rounds: '3' }, { spec: { kind: 'refine', rounds: 3 } }],
    [{ budget: '64', 'min-budget': '8' }, { spec: { budget: { max: 64, min: 8 } } }],
    [{ effort: 'low' }, { spec: { effort: 'low' } }],
  ])('%j', (values, expected) => {
    expect(strategyOf(values)).toMatchObject(expected)
  })

  it.each<[Values, RegExp]>([
    [{ samples: '4' }, /--samples needs/],
    [{ rounds: '4' }, /--rounds needs/],
    [{ effort: 'low', budget: '4' }, /give one of them/],
    [{ strategy: 'best-of-n' }, /needs something that chooses/],
    [{ strategy: 'vote', judge: 'm' }, /--judge needs/],
    [{ 'reward-model': 'rm' }, /--reward-model needs/],
    [{ strategy: 'vot' }, /did you mean "vote"/],
  ])('%j is an error', (values, message) => {
    expect(() => strategyOf(values)).toThrow(message)
  })
})
