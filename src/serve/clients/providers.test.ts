import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { PromptTooLong, UserError } from '../../common/errors.ts'
import { openModel } from '../../providers/open-model.ts'
import {
  ANSWER,
  KEY,
  type ServedModel,
  serveModel,
  THINKING,
  USAGE,
} from '../../testing/servers/served-model.ts'
import { collect } from '../../thinking/collect.ts'
import type { TextRequest } from '../../thinking/model.ts'

/* Ruminate's own clients: a server behind another one, in each of the three formats. */

let server: ServedModel
beforeAll(async () => {
  server = await serveModel()
  process.env.RUMINATE_SERVED_KEY = KEY
})
afterAll(() => server.close())
afterEach(() => server.idle())

const TOOL = { type: 'function', function: { name: 'add', parameters: { type: 'object', properties: {} } } }
const FORMATS = ['vllm:fake', 'anthropic:fake', 'ollama:fake']

const open = (name: string, stream = true) =>
  openModel(name, {
    baseUrl: server.url,
    keyVariable: 'RUMINATE_SERVED_KEY',
    stream,
    retry: { tries: 2, firstWait: 0.01, patience: 1 },
  })
const ask = async (name: string, content: string, more: Partial<TextRequest> = {}, stream = true) => {
  const model = await open(name, stream)
  return collect(model.respond({ messages: [{ role: 'user', content }], seed: 0, ...more }))
}

for (const name of FORMATS)
  for (const stream of [true, false]) {
    test(`${name}, stream ${stream}: thinking, answer and counts`, async () => {
      const { thinking, answer, end } = await ask(name, '2+2?', { maxTokens: 100, temperature: 0 }, stream)
      expect([thinking, answer]).toEqual([THINKING, ANSWER])
      expect(end).toMatchObject({
        reason: 'stop',
        usage: { promptTokens: USAGE.prompt, completionTokens: USAGE.completion },
      })
      expect(server.requests.at(-1)).toMatchObject({ maxTokens: 100, temperature: 0 })
    })

    test(`${name}, stream ${stream}: tools, and thinking that is cut off`, async () => {
      const { toolCalls, end } = await ask(name, '2+2?', { tools: [TOOL] }, stream)
      expect(toolCalls).toMatchObject([{ name: 'add', arguments: { a: 2, b: 2 } }])
      expect(end.reason).toBe('tool_calls')
      expect(await ask(name, 'cut', {}, stream)).toMatchObject({
        thinking: THINKING,
        answer: null,
        end: { reason: 'length' },
      })
    })

    test(`${name}, stream ${stream}: errors`, async () => {
      await expect(ask(name, 'long', {}, stream)).rejects.toThrow(PromptTooLong)
      const error = await ask(name, 'break', {}, stream).catch((e: unknown) => e)
      expect(error).toBeInstanceOf(UserError)
      expect((error as Error).message).not.toContain('a secret')
    })
  }

test.each(FORMATS)('%s: an abort, and a reader that leaves, end the work of the server', async (name) => {
  const model = await open(name)
  const request = { messages: [{ role: 'user', content: 'forever' }], seed: 0 }
  for await (const { type } of model.respond(request)) if (type === 'thinking') break
  await server.idle()
  const leaving = new AbortController()
  const response = collect(model.respond({ ...request, signal: leaving.signal }))
  setTimeout(() => leaving.abort(new Error('enough')), 30)
  await expect(response).rejects.toThrow('enough')
  await server.idle()
})

test.each(FORMATS)('%s: a wrong key', async (name) => {
  vi.stubEnv('RUMINATE_SERVED_KEY', 'sk-wrong')
  await expect(ask(name, '2+2?')).rejects.toThrow(
    'check the key in the environment variable RUMINATE_SERVED_KEY',
  )
  vi.unstubAllEnvs()
})
