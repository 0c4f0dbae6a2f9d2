import { expect, it } from 'vitest'
import { RecentItems } from './recent-items.ts'

it('forgets the oldest items', () => {
  const items = new RecentItems(60)
  const item = (id: string) => ({ id, text: 'x'.repeat(10) })
  items.keep([item('a'), item('b')])
  expect(items.find('a')).toEqual(item('a'))
  items.keep([item('c')])
  expect(['a', 'b', 'c'].map((id) => items.find(id)?.id ?? null)).toEqual([null, 'b', 'c'])
  expect(items.find(undefined)).toBeNull()
})
