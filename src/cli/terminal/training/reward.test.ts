import { afterEach, expect, test, vi } from 'vitest'
import { main } from '../../app.ts'
import { histogram } from './reward.ts'

afterEach(() => void vi.restoreAllMocks())

test('a histogram begins and ends where there is something', () => {
  expect(histogram({ edges: [-1, 0, 1], counts: [0, 1, 100, 0] }).split('\n')).toEqual([
    '  -1 … 0  ▏ 1',
    `   0 … 1  ${'█'.repeat(40)} 100`,
  ])
  expect(histogram({ edges: [-1, 0, 1], counts: [4, 0, 0, 2] }).split('\n')).toEqual([
    `    < -1  ${'█'.repeat(40)} 4`,
    '  -1 … 0   0',
    '   0 … 1   0',
    `     ≥ 1  ${'█'.repeat(20)} 2`,
  ])
})

test.each<[string[], RegExp]>([
  [[], /setting data is missing: give preferences/],
  [['--data', 'pairs.jsonl', '--set', 'batchsize=4'], /unknown setting batchsize; did you mean batchSize\?/],
  [['--data', 'pairs.jsonl', '--columns', 'better=b'], /unknown setting columns\.better/],
])('wrong use: %j', async (words, message) => {
  let err = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text
    return true
  })
  expect(await main(['reward', ...words])).toBe(2)
  expect(err).toMatch(message)
})
