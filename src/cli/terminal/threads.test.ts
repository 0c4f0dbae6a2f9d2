import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { captured } from '../../testing/captured.ts'
import { main } from '../app.ts'
import { Output } from './output.ts'
import { warnOfThreads } from './threads.ts'

const written = captured()
const cores = availableParallelism()

test.each([
  [cores, 0],
  [cores + 1, 1],
])('%d threads: %d warnings, however often they are checked', (threads, warnings) => {
  const output = new Output({})
  for (let i = 0; i < 3; i++) warnOfThreads(output, threads)
  expect(written.err.split('\n').filter((line) => line.startsWith('warning'))).toHaveLength(warnings)
})

test('eval says how many cores there are', async () => {
  const asked = ['eval', '--questions', '1', '--max-tokens', '2']
  expect(await main([...asked, '--threads', `${cores + 1}`, '--quiet'])).toBe(0)
  expect(written.err).toMatch(new RegExp(`^warning ${cores + 1} threads on ${cores} cores?: `))
})
