import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { UserError } from '../../../common/errors.ts'
import type { Conversation } from '../../../stages/sample/conversation.ts'
import { captured } from '../../../testing/captured.ts'
import { Output } from '../output.ts'
import { converse, greet, replyTo } from './chat.ts'

const written = captured()
const options = { maxTokens: 9, temperature: 0, seed: 5 }

/** What a conversation does with these lines of input. */
async function talk(lines: string, json = false) {
  const asked: string[] = []
  const conversation = {
    remembers: true,
    ask: async (question: string, { seed }: { seed: number }) => {
      asked.push(`${question} (seed ${seed})`)
      if (question === 'long') throw new UserError('the prompt is too long')
      if (question === 'bug') throw new Error('a bug')
      return { text: `re ${question}`, thinking: null, answer: `re ${question}` }
    },
    reset: vi.fn(() => void asked.push('reset')),
  } as unknown as Conversation
  const input = new PassThrough()
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as unknown as typeof process.stdin)
  input.end(lines)
  return { exitCode: await converse(new Output({ quiet: true, json }), conversation, options), asked }
}

test('each line is a question with a seed of its own, until /exit', async () => {
  const { exitCode, asked } = await talk('one\n\n/reset\n two \n/exit\nthree\n')
  expect(exitCode).toBe(0)
  expect(asked).toEqual(['one (seed 5)', 'reset', 'two (seed 6)'])
  expect(written.out).toBe('re one\nre two\n')
})

test('an unknown command and a question that fails do not end the conversation', async () => {
  const { exitCode, asked } = await talk('/rest\nlong\none\n', true)
  expect(exitCode).toBe(0)
  expect(asked).toEqual(['long (seed 5)', 'one (seed 6)'])
  expect(written.err).toContain('unknown command /rest; there are /reset and /exit\n')
  expect(written.err).toContain('error: the prompt is too long\n')
  expect(JSON.parse(written.out)).toEqual({
    type: 'result',
    thinking: null,
    answer: 're one',
    text: 're one',
  })
})

test('any other error ends it', async () => {
  await expect(talk('bug\none\n')).rejects.toThrow('a bug')
})

test('Ctrl-C during a reply ends the conversation, and what follows begins on its own line', async () => {
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
  vi.spyOn(process, 'stdin', 'get').mockReturnValue(input as unknown as typeof process.stdin)
  const conversation = {
    ask: (_: string, __: unknown, listen: (piece: string, isThinking: boolean) => void) => {
      listen('half', false)
      input.write('\x03')
      return new Promise(() => {})
    },
  } as unknown as Conversation
  const terminal = process.stdout
  const isTTY = Object.getOwnPropertyDescriptor(terminal, 'isTTY')
  Object.defineProperty(terminal, 'isTTY', { value: true, configurable: true })
  onTestFinished(() => {
    if (isTTY) Object.defineProperty(terminal, 'isTTY', isTTY)
    else delete (terminal as { isTTY?: boolean }).isTTY
  })
  input.write('one\r')
  expect(await converse(new Output({}), conversation, options)).toBe(130)
  expect(written.out).toMatch(/half\n$/)
})

test.each([
  [true, 'It sees the whole conversation.'],
  [false, "It sees each question on its own, in R1-Zero's template."],
])('the greeting says what the model is, and suggests a question', (remembers, sees) => {
  const origin = { is: 'runs/sft-1: fine-tuned on a.jsonl.', question: 'What is\u001b[2J it?' }
  greet(new Output({}), origin, { remembers } as Conversation)
  expect(written.out).toContain(`runs/sft-1: fine-tuned on a.jsonl.\n${sees}`)
  expect(written.out).toContain('Try: What is␛[2J it?\n')
  expect(written.out).not.toMatch(/R1-Zero model/)
})

test('a reply is streamed without its control characters', async () => {
  const conversation = {
    ask: async (_: string, __: unknown, listen: (piece: string, isThinking: boolean) => void) => {
      for (const piece of ['a\u001b[', '2Jb\ud83d', '\u0007']) listen(piece, false)
      return { text: '', thinking: null, answer: null }
    },
  } as unknown as Conversation
  await replyTo('?', new Output({}), conversation, options)
  expect(written.out).toBe('a␛[2Jb\ufffd␇\n')
})
