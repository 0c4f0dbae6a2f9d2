import { expect, test } from 'vitest'
import { LIMITS } from '../limits.ts'
import { streamOf } from './stream.ts'

test('a stream whose pieces fail fails with their error, and nothing else does', async () => {
  async function* pieces(): AsyncGenerator<string> {
    yield 'a'
    throw new Error('no more')
  }
  const stream = streamOf(pieces(), { limits: LIMITS, keepAlive: null, onLeave: () => {}, onStall: () => {} })
  await expect(new Response(stream).text()).rejects.toThrow('no more')
})
