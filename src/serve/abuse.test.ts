import { request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { PromptTooLong, ProviderError, UserError } from '../common/errors.ts'
import {
  ended,
  eventsIn,
  scripted,
  send,
  startServer,
  type TestServer,
} from '../testing/servers/fake-server.ts'
import type { TextEvent, TextRequest } from '../thinking/model.ts'

let server: TestServer
afterEach(() => server?.stop())

const CHAT = '/v1/chat/completions'
const ask = (content: string, fields: object = {}) => ({ messages: [{ role: 'user', content }], ...fields })

/** Until `condition` holds; fails after two seconds. */
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (condition()) return
    await sleep(10)
  }
  throw new Error('it did not happen')
}

/** Responds to `many N` with N pieces of 1,000 characters, to `forever` with one every 5 ms, to anything else with 42. */
function talker() {
  const state = { sent: 0, aborted: 0, running: 0 }
  const model = scripted(async function* (request: TextRequest): AsyncGenerator<TextEvent> {
    const [word, count] = request.messages[0]!.content.split(' ')
    state.running++
    try {
      if (word === 'forever')
        for (;;) {
          await sleep(5)
          request.signal?.throwIfAborted()
          yield { type: 'thinking', text: 'hm ', tokens: 1 }
        }
      const pieces = word === 'many' ? Number(count) : 1
      for (let i = 0; i < pieces; i++) {
        if (i % 100 === 0) await sleep(0)
        request.signal?.throwIfAborted()
        state.sent++
        yield { type: 'answer', text: word === 'many' ? 'x'.repeat(1000) : '42', tokens: 1 }
      }
      yield ended()
    } catch (error) {
      state.aborted++
      throw error
    } finally {
      state.running--
    }
  })
  return { model, state }
}

/** A request whose response is not read by itself. */
function begin(body: object, onResponse: (response: IncomingMessage) => void = () => {}) {
  const request = httpRequest({
    host: '127.0.0.1',
    port: server.port,
    path: CHAT,
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json' },
  })
  request.on('response', onResponse)
  request.on('error', () => {})
  request.end(JSON.stringify(body))
  return request
}

const isWell = async (): Promise<void> => {
  const since = performance.now()
  expect((await send(server, CHAT, { body: ask('hello') })).status).toBe(200)
  expect(performance.now() - since).toBeLessThan(1_000)
}

describe('a client that leaves', () => {
  it.each([true, false])('stops its model (stream: %s)', async (stream) => {
    const { model, state } = talker()
    server = await startServer(model)
    const request = begin(ask('forever', { stream }))
    await until(() => state.running === 1)
    await sleep(30)
    request.destroy()
    await until(() => state.running === 0)
    expect(state.aborted).toBe(1)
    await until(() => server.entries.length === 1)
    expect(server.entries[0]).toMatchObject({ status: 499, problem: { kind: 'clientLeft' } })
    await isWell()
  })

  it.each([
    ['leaves', (socket: Socket) => socket.destroy()],
    ['says nothing more', () => {}],
  ])('in the middle of its request: it %s', async (_, then) => {
    server = await startServer(talker().model, { limits: { headers: 200, request: 300 } })
    const socket = connect(server.port, '127.0.0.1', () =>
      socket.write(`POST ${CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"messages"`),
    )
    socket.on('error', () => {})
    await sleep(50)
    then(socket)
    await until(() => server.entries.length === 1)
    expect(server.entries[0]).toMatchObject({ status: 499 })
    expect(server.failures).toEqual([])
    socket.destroy()
    await isWell()
  })

  it('stops all its choices', async () => {
    const { model, state } = talker()
    server = await startServer(model)
    const request = begin(ask('forever', { n: 5 }))
    await until(() => state.running === 5)
    request.destroy()
    await until(() => state.running === 0)
  })

  it('gives its place to the next one, also while it waits', async () => {
    const { model, state } = talker()
    server = await startServer(model, { limits: { running: 1 } })
    const first = begin(ask('forever'))
    await until(() => state.running === 1)
    const second = begin(ask('forever'))
    await sleep(50)
    second.destroy()
    await until(() => server.entries.length === 1)
    first.destroy()
    await until(() => state.running === 0)
    await isWell()
    expect(model.requests).toHaveLength(2)
  })
})

describe('a client that reads slowly', () => {
  it('holds up its own response alone, and in little memory', async () => {
    const { model, state } = talker()
    server = await startServer(model, { limits: { unreadBytes: 100_000 } })
    let response: IncomingMessage | null = null
    begin(ask('many 100000', { stream: true }), (one) => {
      response = one
      one.pause()
    })
    await until(() => response !== null && state.sent > 50)
    let sent = -1
    while (sent !== state.sent) {
      sent = state.sent
      await sleep(200)
    }
    // 100 kB here, and what the kernel keeps for the two sockets
    expect(sent).toBeLessThan(20_000)
    await isWell()
    response!.destroy()
    await until(() => state.running === 0)
  })

  it('gets everything once it reads', async () => {
    const { model } = talker()
    server = await startServer(model, { limits: { unreadBytes: 50_000 } })
    let text = ''
    const done = new Promise<void>((resolve) => {
      begin(ask('many 3000', { stream: true }), (one) => {
        one.setEncoding('utf8')
        one.pause()
        setTimeout(() => one.resume(), 300)
        one.on('data', (piece) => {
          text += piece
        })
        one.on('end', resolve)
      })
    })
    await done
    const chunks = eventsIn(text) as { choices: { delta: { content?: string } }[] }[]
    expect(chunks.at(-1)).toBe('[DONE]')
    expect(
      chunks
        .slice(0, -1)
        .map(({ choices }) => choices[0]!.delta.content ?? '')
        .join('').length,
    ).toBe(3_000_000)
  })

  it('is left when it reads nothing', async () => {
    const { model, state } = talker()
    server = await startServer(model, { limits: { unreadBytes: 50_000, stall: 200 } })
    begin(ask('many 100000', { stream: true }), (one) => one.pause())
    await until(() => server.entries.length === 1 && state.running === 0)
    expect(server.entries[0]).toMatchObject({ status: 499 })
  })
})

describe('too much', () => {
  const upload = (length: string, chunk: Buffer, times: number): Promise<{ head: string; sent: number }> =>
    new Promise((resolve) => {
      let head = ''
      let sent = 0
      const socket = connect(server.port, '127.0.0.1', () => {
        socket.write(
          `POST ${CHAT} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${length}\r\n\r\n`,
        )
        const more = (): void => {
          if (sent >= times * chunk.length || socket.destroyed || head !== '') return
          sent += chunk.length
          if (socket.write(chunk)) setImmediate(more)
          else socket.once('drain', more)
        }
        more()
      })
      socket.on('data', (piece) => {
        head += piece
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve({ head, sent }))
    })
  const megabyte = Buffer.alloc(2 ** 20, 'a')

  it('a body of 100 MB is refused by its length', async () => {
    server = await startServer(talker().model)
    const { head, sent } = await upload(`content-length: ${100 * 2 ** 20}`, megabyte, 100)
    expect(head).toMatch(/^HTTP\/1.1 413 .*"code":"request_too_large"/s)
    expect(sent).toBeLessThan(30 * 2 ** 20)
    await isWell()
  })

  it('a body of 100 MB in chunks is refused once it is too long', async () => {
    server = await startServer(talker().model, { limits: { bodyBytes: 2 ** 20 } })
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), megabyte, Buffer.from('\r\n')])
    const { head, sent } = await upload('transfer-encoding: chunked', chunk, 100)
    expect(head).toMatch(/^HTTP\/1.1 413/)
    expect(sent).toBeLessThan(30 * 2 ** 20)
    await isWell()
  })

  it('a client that asks first is told at once', async () => {
    server = await startServer(talker().model)
    const { head, sent } = await upload(
      `content-length: ${100 * 2 ** 20}\r\nexpect: 100-continue`,
      megabyte,
      0,
    )
    expect(head).toMatch(/^HTTP\/1.1 413/)
    expect(sent).toBe(0)
  })

  it.each([
    [CHAT, ask('word '.repeat(1_000_000)), 'messages'],
    ['/v1/completions', { prompt: 'word '.repeat(1_000_000) }, 'prompt'],
    ['/v1/responses', { input: 'word '.repeat(1_000_000) }, 'messages'],
  ])('%s: a prompt of 1,000,000 tokens never reaches the model', async (path, body, param) => {
    const { model } = talker()
    server = await startServer(model)
    const since = performance.now()
    const { status, text } = await send(server, path, { body })
    expect(status).toBe(400)
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'context_length_exceeded', param } })
    expect(performance.now() - since).toBeLessThan(1_000)
    expect(model.requests).toHaveLength(0)
    await isWell()
  })

  it('1,000 connections that say nothing', async () => {
    server = await startServer(talker().model)
    const sockets: Socket[] = []
    await Promise.all(
      Array.from(
        { length: 1_000 },
        () =>
          new Promise<void>((resolve, reject) => {
            const socket = connect(server.port, '127.0.0.1', resolve)
            socket.on('error', reject)
            sockets.push(socket)
          }),
      ),
    )
    await isWell()
    const since = performance.now()
    await server.stop()
    expect(performance.now() - since).toBeLessThan(1_000)
    for (const socket of sockets) socket.destroy()
  })
})

describe('the queue', () => {
  it.each([
    [CHAT, {}, { error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } }],
    [CHAT, { stream: true }, { error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } }],
    [
      '/v1/messages',
      { model: 'fake', max_tokens: 9 },
      { type: 'error', error: { type: 'rate_limit_error' } },
    ],
    ['/api/chat', { model: 'fake', stream: true }, { error: expect.stringContaining('busy') }],
  ])('%s %j: one request too many is told to come back', async (path, fields, error) => {
    const { model, state } = talker()
    server = await startServer(model, { limits: { running: 2, waiting: 1 } })
    const running = [begin(ask('forever')), begin(ask('forever'))]
    await until(() => state.running === 2)
    const waiting = send(server, CHAT, { body: ask('hello') })
    await sleep(50)
    const refused = await send(server, path, { body: ask('hello', fields) })
    expect(refused.status).toBe(429)
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    expect(JSON.parse(refused.text)).toMatchObject(error)
    const { text } = await send(server, '/metrics')
    expect(text).toMatch(/^ruminate_running 2$/m)
    expect(text).toMatch(/^ruminate_queue_length 1$/m)
    for (const request of running) request.destroy()
    expect((await waiting).status).toBe(200)
  })

  it('runs as many as it may, in their order', async () => {
    let running = 0
    let most = 0
    const order: string[] = []
    server = await startServer(
      scripted(async function* ({ messages }): AsyncGenerator<TextEvent> {
        order.push(messages[0]!.content)
        most = Math.max(most, ++running)
        await sleep(10)
        running--
        yield { type: 'answer', text: messages[0]!.content, tokens: 1 }
        yield ended()
      }),
      { limits: { running: 3 } },
    )
    const names = Array.from({ length: 20 }, (_, i) => `question ${i}`)
    const responses = await Promise.all(names.map((name) => send(server, CHAT, { body: ask(name) })))
    expect(responses.map(({ text }) => JSON.parse(text).choices[0].message.content)).toEqual(names)
    expect(most).toBe(3)
    expect([...order].sort()).toEqual([...names].sort())
  })
})

describe('silence', () => {
  const silent = (milliseconds: number, last: TextEvent | Error) =>
    scripted(async function* (): AsyncGenerator<TextEvent | Error> {
      await sleep(milliseconds)
      yield last
      yield ended()
    })

  it('is filled with comments', async () => {
    server = await startServer(silent(350, { type: 'answer', text: '42', tokens: 1 }), {
      limits: { silence: 50 },
    })
    const { text } = await send(server, CHAT, { body: ask('hello', { stream: true }) })
    expect(text.match(/^: keep-alive$/gm)!.length).toBeGreaterThanOrEqual(3)
    expect(text).toContain('"content":"42"')
  })

  it.each([
    ['before', 5_000, 502],
    ['after', 50, 200],
  ])('an error %s it', async (_, silence, status) => {
    server = await startServer(silent(200, new ProviderError('no reply from api.example')), {
      limits: { silence },
    })
    const response = await send(server, CHAT, { body: ask('hello', { stream: true }) })
    expect(response.status).toBe(status)
    expect(response.text).toContain('no reply from api.example')
    expect(server.entries).toMatchObject([{ status: 502 }])
  })
})

describe('a model that fails', () => {
  it.each([
    [new PromptTooLong('the prompt has 5000 tokens'), 400, 'the prompt has 5000 tokens'],
    [new UserError('this model has no tools'), 400, 'this model has no tools'],
    [new ProviderError('api.example refuses the key'), 502, 'api.example refuses the key'],
    [new TypeError('x is undefined'), 500, 'the server failed to respond'],
  ])('%s: %i', async (error, status, message) => {
    server = await startServer(scripted(() => [error]))
    for (const stream of [false, true]) {
      const response = await send(server, CHAT, { body: ask('hello', { stream }) })
      expect(response.status).toBe(status)
      expect(JSON.parse(response.text).error.message).toBe(message)
    }
    expect(server.failures).toHaveLength(status === 500 ? 2 : 0)
  })

  it('ends a stream that has begun with the error', async () => {
    server = await startServer(
      scripted(() => [{ type: 'thinking', text: 'hm', tokens: 1 }, new ProviderError('it broke off')]),
    )
    const { status, text } = await send(server, CHAT, { body: ask('hello', { stream: true }) })
    expect(status).toBe(200)
    expect(eventsIn(text).at(-1)).toMatchObject({ error: { message: 'it broke off', type: 'server_error' } })
  })
})

describe('the end', () => {
  it('lets running requests end, and refuses further ones', async () => {
    server = await startServer(
      scripted(async function* (): AsyncGenerator<TextEvent> {
        yield { type: 'answer', text: 'one ', tokens: 1 }
        await sleep(200)
        yield { type: 'answer', text: 'two', tokens: 1 }
        yield ended()
      }),
      { limits: { shutdown: 5_000 } },
    )
    const running = [false, true].map((stream) => send(server, CHAT, { body: ask('hello', { stream }) }))
    // as curl does with a long body
    const headers = { expect: '100-continue' }
    running.push(send(server, CHAT, { body: ask('hello', { stream: true }), headers }))
    await sleep(50)
    const stopped = server.stop()
    await expect(send(server, CHAT, { body: ask('hello') })).rejects.toThrow(/ECONNREFUSED/)
    const [whole, streamed, afterExpect] = await Promise.all(running)
    expect(eventsIn(afterExpect!.text).at(-1)).toBe('[DONE]')
    expect(JSON.parse(whole!.text).choices[0].message.content).toBe('one two')
    expect(eventsIn(streamed!.text).at(-1)).toBe('[DONE]')
    await stopped
  })

  it('ends those that take too long with an error', async () => {
    const { model, state } = talker()
    server = await startServer(model, { limits: { shutdown: 100 } })
    const streamed = send(server, CHAT, { body: ask('forever', { stream: true }) })
    const whole = send(server, CHAT, { body: ask('forever') })
    await until(() => state.running === 2)
    await sleep(50)
    await server.stop()
    expect(eventsIn((await streamed).text).at(-1)).toMatchObject({ error: { code: 'server_stopping' } })
    expect((await whole).status).toBe(503)
    expect(state.running).toBe(0)
  })
})
