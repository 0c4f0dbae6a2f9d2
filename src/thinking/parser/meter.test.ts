import { expect, test } from 'vitest'
import { ThinkingMeter } from './meter.ts'

test('the time of each part, and tokens where they are known', () => {
  let now = 1000
  const meter = new ThinkingMeter({ now: () => now })
  const after = (milliseconds: number) => (now += milliseconds)
  expect(meter.statistics.firstSeconds).toBeNull()
  after(500)
  meter.push({ type: 'thinking', text: 'ab', tokens: 2 })
  after(1000)
  meter.push({ type: 'thinking', text: 'c', tokens: 1 })
  after(200)
  expect(meter.statistics).toEqual({
    firstSeconds: 0.5,
    thinking: { seconds: 1.2, tokens: 3, characters: 3 },
    answer: { seconds: 0, tokens: 0, characters: 0 },
  })
  after(300)
  meter.push({ type: 'answer', text: 'def' })
  after(2000)
  meter.end()
  after(9000)
  expect(meter.statistics).toEqual({
    firstSeconds: 0.5,
    thinking: { seconds: 1.5, tokens: 3, characters: 3 },
    answer: { seconds: 2, tokens: null, characters: 3 },
  })
})
