import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { TextEvent, TextPiece } from '../../thinking/model.ts'
import { Gathered } from './gathered.ts'

const piece = (type: 'thinking' | 'answer', text: string): TextEvent => ({
  type,
  text,
  tokens: 1,
  logprobs: [{ token: text, logprob: -1, top: [] }],
})
const texts = (passed: readonly TextEvent[][]) =>
  passed.map((events) =>
    events.map((event) => ('text' in event ? `${event.type} ${event.text}` : event.type)),
  )

test.each([
  [false, [['thinking ab'], ['thinking c', 'answer d'], ['answer e']]],
  [true, [['thinking ab'], ['thinking c', 'answer de']]],
])('pieces that come at once are joined; whole: %s', async (whole, expected) => {
  const passed: TextEvent[][] = []
  const gathered = new Gathered(whole, (events) => passed.push([...events]))
  gathered.add([piece('thinking', 'a')])
  gathered.add([piece('thinking', 'b')])
  await setImmediate()
  gathered.add([piece('thinking', 'c'), piece('answer', 'd')])
  await setImmediate()
  gathered.add([piece('answer', 'e')])
  gathered.flush()
  expect(texts(passed)).toEqual(expected)
  const pieces = passed.flat() as TextPiece[]
  expect(pieces.reduce((sum, { tokens }) => sum + tokens!, 0)).toBe(5)
  expect(pieces.flatMap(({ logprobs }) => logprobs)).toHaveLength(5)
})
