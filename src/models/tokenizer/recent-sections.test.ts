import { expect, test } from 'vitest'
import { RecentSections } from './recent-sections.ts'

test('a section is encoded once while it is used; those not used for the longest time are dropped', () => {
  const encoded: string[] = []
  const sections = new RecentSections((section) => {
    encoded.push(section[0]!)
    return [section.length]
  })
  const long = (letter: string) => letter.repeat(2 ** 16)
  sections.get('a')
  for (const letter of 'bcdefghijklmnop') sections.get(long(letter))
  expect(sections.get('a')).toEqual([1])
  expect(encoded.join('')).toBe('abcdefghijklmnop')
  for (const letter of 'qr') sections.get(long(letter))
  encoded.length = 0
  for (const letter of ['a', long('p'), long('b')]) sections.get(letter)
  expect(encoded.join('')).toBe('b')
  encoded.length = 0
  for (let i = 0; i < 2; i++) sections.get('z'.repeat(2 ** 16 + 1))
  expect(encoded.join('')).toBe('zz')
})
