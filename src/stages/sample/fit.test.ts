import { describe, expect, test } from 'vitest'
import { UserError } from '../../common/errors.ts'
import { packageRoot } from '../../common/files/package.ts'
import { Renderer } from '../../renderer/renderer.ts'
import type { Question } from '../../tasks/task.ts'
import { type Asked, askedIn, askedInStages, promptFit } from './fit.ts'

const miniature = `${packageRoot()}/models/miniature-base`
const chat = { arguments: {}, date: '2026-01-01' }

const question = (prompt: string): Question => ({ id: '1', prompt, gold: '', kind: '' })

/** A model with one token for each character and two around them. */
const letters: Asked = {
  promptTokens: ({ prompt }) => {
    if (prompt.includes('!')) throw new UserError('the chat template fails')
    return prompt === '' ? new Int32Array(0) : Int32Array.from(`<${prompt}>`, (c) => c.charCodeAt(0))
  },
  maxTokens: 10,
  positions: 30,
  vocabulary: null,
}
const small = { ...letters, vocabulary: 128 }

test.each([
  ['fits exactly', letters, 'a'.repeat(18), null],
  ['is one token too long', letters, 'a'.repeat(19), /21 tokens.* no room for 10 tokens.* 30 positions/],
  ['leaves room for a shorter response', { ...letters, maxTokens: 9 }, 'a'.repeat(19), null],
  ['has no tokens', letters, '', /no tokens/],
  ['has a token that the model does not know', small, 'é', /the token 233, .* 0 to 127/],
  ['cannot be rendered', letters, 'a!', /the chat template fails/],
])('a question that %s', (_, model, prompt, reason) => {
  const found = promptFit([model]).unfit(question(prompt))
  if (reason === null) expect(found).toBeNull()
  else expect(found).toMatch(reason)
})

test('each model must be able to take it', () => {
  const fit = promptFit([letters, { ...letters, maxTokens: 20 }])
  expect(fit.unfit(question('a'.repeat(9)))).toMatch(/no room for 20/)
  expect(fit.isShort(question('a'.repeat(8)))).toBe(false)
})

test('a chat is always checked, since its messages are not in the question', () => {
  const chat = { ...question('a'), messages: [{ role: 'system', content: 'a'.repeat(99) }] }
  expect([letters].map((one) => promptFit([one]).isShort(chat))).toEqual([false])
})

test('other errors are not a reason', () => {
  const broken = { ...letters, promptTokens: () => Int32Array.from(['x'.at(5)!.length]) }
  expect(() => promptFit([letters, broken])).toThrow(TypeError)
})

describe('a question is short', () => {
  test.each([
    ['17 bytes', 'a'.repeat(17), true],
    ['18 bytes', 'a'.repeat(18), false],
    ['fewer characters than bytes', 'é'.repeat(9), false],
  ])('%s', (_, prompt, short) => {
    expect(promptFit([letters]).isShort(question(prompt))).toBe(short)
  })

  test('never, where it may have unknown tokens', () => {
    expect(promptFit([small]).isShort(question(''))).toBe(false)
  })

  test('only if it fits, in the embedded base model', () => {
    const fit = promptFit(askedInStages(miniature, chat, 260))
    const texts = ['7 ', 'é', '😀', '漢', 'word ', '\u0000', '<|im_start|>', '\n\n']
    for (const text of texts)
      for (let n = 1; n < 700; n += 20) {
        const asked = question(text.repeat(n))
        if (fit.isShort(asked)) expect(fit.unfit(asked)).toBeNull()
      }
    expect(fit.isShort(question('7'.repeat(600)))).toBe(true)
    expect(fit.unfit(question('7 '.repeat(1000)))).toMatch(/1024 positions/)
  })

  test('the embedded base model knows all tokens of its tokenizer', () => {
    expect(askedIn(miniature, Renderer.load(miniature), 260)).toMatchObject({
      vocabulary: null,
      positions: 1024,
    })
  })
})
