import { expect, test } from 'vitest'
import { thinkingPieces, thinkingStream } from './adapters.ts'

const CHUNKS = ['<th', 'ink>a b', '</thi', 'nk>c', ' <']
const PIECES = [
  { type: 'thinking', text: 'a b' },
  { type: 'answer', text: 'c' },
  { type: 'answer', text: ' ' },
  { type: 'answer', text: '<' },
]

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of source) items.push(item)
  return items
}

test('a transform stream', async () => {
  const source = new ReadableStream<string>({
    start(controller) {
      for (const chunk of CHUNKS) controller.enqueue(chunk)
      controller.close()
    },
  })
  expect(await all(source.pipeThrough(thinkingStream()))).toEqual(PIECES)
})

test('an async iterator', async () => {
  expect(await all(thinkingPieces(CHUNKS))).toEqual(PIECES)
})

test('leaving the iteration ends the source', async () => {
  let ended = false
  async function* source() {
    try {
      yield 'a'
      yield 'b'
    } finally {
      ended = true
    }
  }
  for await (const _ of thinkingPieces(source())) break
  expect(ended).toBe(true)
})
