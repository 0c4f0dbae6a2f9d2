import { join } from 'node:path'
import { expect, test } from 'vitest'
import { servedModel } from './served-model.ts'

const QWEN = 'Qwen/Qwen3-4B-Instruct-2507'
const cached = join('/cache', 'hub', 'models--Qwen--Qwen3-4B-Instruct-2507', 'snapshots', '1a2b')

test.each<[string, readonly string[], string | null, string, string | RegExp]>([
  ['the one that is given', ['a', 'b'], 'b', '/models/a', 'b'],
  ['a given one of a server that does not say what it has', [], 'b', '/models/a', 'b'],
  ['one that the server does not have', ['a', 'b'], 'c', '/models/a', /has no model c: set .* a, b$/],
  ['the folder itself', ['/x/miniature-base', '/y/other'], null, '/x/miniature-base', '/x/miniature-base'],
  ['the name of the folder', ['miniature-base', 'other'], null, '/models/miniature-base', 'miniature-base'],
  ['the end of the name', [QWEN, 'Qwen/Qwen3-8B'], null, '/models/Qwen3-4B-Instruct-2507', QWEN],
  ['the name on the hub', [QWEN, 'Qwen/Qwen3-8B'], null, cached, QWEN],
  [
    'two of the same name',
    ['a/m', 'b/m'],
    null,
    '/models/m',
    /has 2 models, of which several may be that of .*: set tinker.model/,
  ],
  [
    'none of several',
    ['a', 'b'],
    null,
    '/models/c',
    /has 2 models, of which none may be .*: set tinker.model to one of a, b/,
  ],
  [
    'another one',
    ['a'],
    null,
    '/models/b',
    /has the model a, .* that of .*b: name .* or set tinker.model=a if/,
  ],
  ['none at all', [], null, '/models/c', /does not say which models/],
])('%s', (_what, served, named, folder, expected) => {
  const find = () =>
    servedModel({
      server: 'http://s',
      served,
      named,
      folder,
    })
  if (typeof expected === 'string') expect(find()).toBe(expected)
  else expect(find).toThrow(expected)
})
