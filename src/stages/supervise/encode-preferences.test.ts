import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Renderer } from '../../renderer/renderer.ts'
import { encodePair, encodePreference } from './encode-preferences.ts'

const renderer = Renderer.load(fileURLToPath(new URL('../../../models/miniature-base', import.meta.url)))

describe('what is compared', () => {
  const said = (pair: ReturnType<typeof encodePair>) =>
    pair.map(({ tokens, learned }) => renderer.decode(tokens.filter((_, t) => learned[t] === 1)))

  test('of a conversation, the last answer alone', () => {
    const messages = [
      { role: 'user', content: 'One?' },
      { role: 'assistant', content: 'Yes.' },
      { role: 'user', content: 'Two?' },
    ]
    const chat = (content: string) => ({ messages: [...messages, { role: 'assistant', content }] })
    const [chosen, rejected] = said(encodePair(renderer, { chosen: chat('Two.'), rejected: chat('No.') }))
    expect(chosen).toMatch(/^\s*Two\.<\|endoftext\|>\s*$/)
    expect(rejected).toMatch(/^\s*No\.<\|endoftext\|>\s*$/)
  })

  test('of a text, what follows its prompt, or the beginning that both share', () => {
    const text = (answer: string, promptLength?: number) => ({ text: `Q: 1+1? A:${answer}`, promptLength })
    expect(said(encodePair(renderer, { chosen: text(' 2', 8), rejected: text(' 3', 8) }))).toEqual([
      'A: 2<|endoftext|>',
      'A: 3<|endoftext|>',
    ])
    expect(said(encodePair(renderer, { chosen: text(' 2'), rejected: text(' 3') }))).toEqual([
      ' 2<|endoftext|>',
      ' 3<|endoftext|>',
    ])
  })

  test('not labelled answers, nor answers that are the same', () => {
    const text = { text: 'Q: A', promptLength: 2 }
    expect(() => encodePair(renderer, { response: text, good: true })).toThrow(/ruminate reward/)
    expect(() => encodePair(renderer, { chosen: text, rejected: text })).toThrow(/the same to the model/)
    expect(() => encodePreference(renderer, { chosen: text, rejected: text })).toThrow(
      /the same to the model/,
    )
  })
})
