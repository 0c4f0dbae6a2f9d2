import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { PromptTooLong, UserError } from '../../common/errors.ts'
import {
  ApiServer,
  type Handler,
  type Said,
  type Shape,
  sendParts,
  WIRES,
} from '../../testing/servers/api-server.ts'
import { collect } from '../../thinking/collect.ts'
import type { TextEvent, TextRequest, TextResponse } from '../../thinking/model.ts'
import { Account, type MeteredModel, metered } from '../spending.ts'
import { type ApiSettings, apiModel } from './client.ts'
import { PROVIDERS } from './presets.ts'

const KEY = 'sk-test-0123456789/+"'
const PROVIDER: Record<Shape, string> = { openai: 'vllm', anthropic: 'anthropic', ollama: 'ollama' }
const SAID: Said = { thinking: '想 é 🙂', answer: 'It is 四 🙂.' }
const QUESTION = [{ role: 'user', content: '2+2?' }]

let server: ApiServer
let lines: string[]
beforeEach(async () => {
  server = await ApiServer.start()
  lines = []
  process.env.RUMINATE_TEST_KEY = KEY
})
afterEach(() => server.stop())

describe.each<Shape>(['openai', 'anthropic', 'ollama'])('%s', (shape) => {
  const wire = WIRES[shape]
  const good: Handler = (response) => {
    sendParts(response, wire.type, wire.stream(SAID))
    response.end()
  }
  beforeEach(() => {
    server.usual = good
  })

  const open = (changes: Partial<ApiSettings> = {}): MeteredModel => {
    const account = new Account(null)
    const model = apiModel({
      provider: PROVIDERS[PROVIDER[shape]]!,
      model: 'm',
      baseUrl: shape === 'openai' ? `${server.url}/v1` : server.url,
      keyVariable: 'RUMINATE_TEST_KEY',
      limits: { connect: 1, first: 0.25, idle: 0.25, whole: 2 },
      retry: { tries: 3, firstWait: 0.01, patience: 1 },
      ...changes,
      onFailure(line) {
        account.failed++
        lines.push(line)
      },
    })
    return metered(model, account)
  }
  const ask = (changes: Partial<TextRequest> = {}, model = open()): Promise<TextResponse> =>
    collect(model.respond({ messages: QUESTION, seed: 7, whole: true, ...changes }))
  const errorOf = (response: Promise<unknown>): Promise<Error> =>
    response.then(
      () => expect.unreachable('it should fail'),
      (error: Error) => error,
    )
  const right = { thinking: SAID.thinking, answer: SAID.answer }
  const usage = {
    openai: { promptTokens: 10, cachedTokens: 4, completionTokens: 5, thinkingTokens: 2 },
    anthropic: { promptTokens: 10, cachedTokens: 4, completionTokens: 5, thinkingTokens: null },
    ollama: { promptTokens: 10, cachedTokens: null, completionTokens: 5, thinkingTokens: null },
  }[shape]

  test('a stream and a whole reply give the same response', async () => {
    const end = { type: 'end', reason: 'stop', usage, text: null, tokens: null }
    expect(await ask({ whole: false })).toMatchObject({ ...right, end })
    expect(server.asked[0]).toMatchObject({ path: wire.path, body: { model: 'm', stream: true } })
    server.handlers = [(response) => response.end(JSON.stringify(wire.whole(SAID)))]
    expect(await ask({}, open({ stream: false }))).toMatchObject({ ...right, end })
    expect(server.asked[1]!.body.stream).toBe(false)
  })

  const parts = wire.stream(SAID)
  const bytes = Buffer.from(parts.join(''))
  /** Sends bytes in pieces, one packet each. */
  const dripped =
    (size: number): Handler =>
    async (response) => {
      response.writeHead(200, { 'content-type': wire.type })
      for (let at = 0; at < bytes.length; at += size) {
        response.write(bytes.subarray(at, at + size))
        await new Promise(setImmediate)
      }
      response.end()
    }

  const FINE: Record<string, Handler> = {
    'cut into packets of 1 byte': dripped(1),
    'cut into packets of 7 bytes': dripped(7),
    'with a byte order mark': (r) => {
      sendParts(r, wire.type, ['\ufeff', ...parts])
      r.end()
    },
    'with lines that end as on Windows': (r) => {
      sendParts(r, wire.type, [parts.join('').replaceAll('\n', '\r\n')])
      r.end()
    },
    'with blank lines between the lines': (r) => {
      sendParts(
        r,
        wire.type,
        parts.flatMap((part) => ['\n\n', part]),
      )
      r.end()
    },
    'without a blank line at the end': (r) => {
      sendParts(r, wire.type, [parts.join('').trimEnd()])
      r.end()
    },
    'compressed though nobody asked': (r) => {
      r.writeHead(200, { 'content-type': wire.type, 'content-encoding': 'gzip' })
      r.end(gzipSync(bytes))
    },
    'under a wrong content type': (r) => {
      sendParts(r, 'text/plain', parts)
      r.end()
    },
    'without a content type': (r) => r.end(bytes),
    'that goes on slowly for longer than the limit of silence': async (r) => {
      r.writeHead(200, { 'content-type': wire.type })
      const step = Math.ceil(parts.length / 8)
      for (let at = 0; at < parts.length; at += step) {
        r.write(parts.slice(at, at + step).join(''))
        await sleep(60)
      }
      r.end()
    },
    'whose connection breaks after the response is complete': (r) => {
      sendParts(r, wire.type, parts)
      setTimeout(() => r.destroy(), 30)
    },
    'of a server that sends a whole reply instead': (r) => {
      r.writeHead(200, { 'content-type': 'application/json' })
      r.end(JSON.stringify(wire.whole(SAID), null, 2))
    },
  }
  test.each(Object.entries(FINE))('a stream %s', async (_, handler) => {
    server.handlers = [handler]
    expect(await ask({ whole: false })).toMatchObject({ ...right, end: { reason: 'stop', usage } })
    expect(server.asked).toHaveLength(1)
  })

  test('a server that streams although nobody asked', async () => {
    expect(await ask({}, open({ stream: false }))).toMatchObject(right)
  })

  test('counts that are missing are unknown, not 0', async () => {
    server.usual = (r) => {
      sendParts(r, wire.type, wire.stream({ ...SAID, usage: false }))
      r.end()
    }
    const model = open()
    const { end } = await ask({}, model)
    expect(Object.values(end.usage)).toEqual([null, null, null, null])
    expect(model.spent()).toMatchObject({ calls: 1, cost: null })
  })

  test('bytes that are not UTF-8 become a replacement character', async () => {
    const [before, after] = ['It is ', ' 🙂.']
    const [start, end] = parts
      .join('')
      .split(wire.stream({ answer: '四' }).find((part) => part.includes('四'))!)
    server.handlers = [
      (r) => {
        const letter = wire.stream({ answer: 'x' }).find((part) => /"(content|text)":"x"/.test(part))!
        const broken = Buffer.from(letter)
        broken[letter.lastIndexOf('"x"') + 1] = 0xe4
        sendParts(r, wire.type, [start!, broken, end!])
        r.end()
      },
    ]
    expect((await ask()).answer).toBe(`${before}\ufffd${after}`)
  })

  const failing = (status: number, body: unknown, headers: Record<string, string> = {}): Handler => {
    return (r) => {
      r.writeHead(status, { 'content-type': 'application/json', ...headers })
      r.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
  }
  const middle = Math.floor(bytes.length / 2)
  const inLetter = bytes.indexOf(Buffer.from('四')) + 1
  /** Sends a part of the stream, and breaks the connection or ends it. */
  const cut =
    (at: number, how: 'end' | 'destroy'): Handler =>
    (r) => {
      sendParts(r, wire.type, [bytes.subarray(0, at)])
      setTimeout(() => r[how](), 20)
    }
  const beforeEnd = Buffer.byteLength(wire.stream({ ...SAID, finish: null, usage: false }).join(''))

  const PASSING: Record<string, Handler> = {
    'no answer at all': () => {},
    'headers and then silence': (r) => {
      r.writeHead(200, { 'content-type': wire.type })
      r.flushHeaders()
    },
    'silence after half of it': (r) => {
      sendParts(r, wire.type, [bytes.subarray(0, middle)])
    },
    'a closed connection': (r) => r.destroy(),
    'an empty body': (r) => r.writeHead(200, { 'content-type': wire.type }).end(),
    'an empty body of JSON': (r) => r.writeHead(200, { 'content-type': 'application/json' }).end(),
    'cut in the middle of an event': cut(middle, 'end'),
    'a connection that breaks in the middle of an event': cut(middle, 'destroy'),
    'cut in the middle of a letter': cut(inLetter, 'end'),
    'an end without a reason': (r) => {
      sendParts(r, wire.type, wire.stream({ ...SAID, finish: null, usage: false }))
      r.end()
    },
    'a reason that is not known': (r) => {
      sendParts(r, wire.type, wire.stream({ ...SAID, finish: 'insufficient_system_resource' }))
      r.end()
    },
    '408': failing(408, wire.error('slow')),
    '429': failing(429, wire.error('busy')),
    '429 with Retry-After in seconds': failing(429, wire.error('busy'), { 'retry-after': '0' }),
    '429 with Retry-After as a date': failing(429, wire.error('busy'), {
      'retry-after': new Date().toUTCString(),
    }),
    '429 with a Retry-After that is neither': failing(429, '', { 'retry-after': 'soon' }),
    '500': failing(500, wire.error('oops')),
    '502 with a page': failing(502, '<html><head><title>Bad gateway</title></head></html>'),
    '503 without a body': failing(503, ''),
    '529': failing(529, wire.error('overloaded')),
    'a page with status 200': (r) => {
      r.writeHead(200, { 'content-type': 'text/html' })
      r.end('<!doctype html><title>Log in</title>')
    },
    'JSON that is cut off': (r) => {
      r.writeHead(200, { 'content-type': 'application/json' })
      r.end(JSON.stringify(wire.whole(SAID)).slice(0, -10))
    },
    'JSON that is not an object': (r) => {
      r.writeHead(200, { 'content-type': 'application/json' })
      r.end('[1]')
    },
    'JSON that is no response': (r) => {
      r.writeHead(200, { 'content-type': 'application/json' })
      r.end('{"status":"ok"}')
    },
    'wrong JSON in the stream': (r) => {
      sendParts(r, wire.type, [parts[0]!, parts[1]!.replaceAll('}', ''), ...parts.slice(2)])
      r.end()
    },
    'an error in the place of a response': (r) => {
      r.writeHead(200, { 'content-type': 'application/json' })
      r.end(JSON.stringify(wire.error('overloaded')))
    },
    'an error in the stream': (r) => {
      sendParts(r, wire.type, [...parts.slice(0, 5), wire.event(wire.error('overloaded'))])
      r.end()
    },
    'a body that is shorter than it says': (r) => {
      r.writeHead(200, { 'content-type': wire.type, 'content-length': 5000 })
      r.write(parts[0]!)
      setTimeout(() => r.destroy(), 20)
    },
    'compressed data that is cut off': (r) => {
      r.writeHead(200, { 'content-type': wire.type, 'content-encoding': 'gzip' })
      r.end(gzipSync(bytes).subarray(0, 60))
    },
    'an unknown compression': (r) => {
      r.writeHead(200, { 'content-type': wire.type, 'content-encoding': 'zebra' })
      r.end(bytes)
    },
    'a line without an end': (r) => {
      r.writeHead(200, { 'content-type': wire.type })
      r.write(wire.event({ x: '' }).slice(0, 6))
      const block = 'x'.repeat(2 ** 20)
      for (let i = 0; i < 20; i++) r.write(block)
    },
  }

  test.each(Object.entries(PASSING))('%s: the request is made again', async (_, handler) => {
    server.handlers = [handler]
    const model = open()
    expect(await ask({}, model)).toMatchObject(right)
    expect(server.asked).toHaveLength(2)
    expect(model.spent()).toMatchObject({ calls: 1, failed: 1, promptTokens: 10 })
    expect(lines).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\d+ \(model m\): .*; try 2 of 3 in \d\.\d s$/),
    ])
  })

  test.each(Object.entries(PASSING))('%s: gives up after the last try', async (_, handler) => {
    server.usual = handler
    const error = await errorOf(ask({}, open({ retry: { tries: 2, firstWait: 0.01, patience: 1 } })))
    expect(error).toBeInstanceOf(UserError)
    expect(error.message).toMatch(
      /^no reply from 127\.0\.0\.1:\d+ \(model m\): .*, in 2 tries; check that http/,
    )
    expect(error.message.length).toBeLessThan(500)
    expect(server.asked).toHaveLength(2)
  })

  test.each<[string, string, string]>([
    ['an error announced as a stream', JSON.stringify(wire.error('no memory')), 'no memory'],
    ['a page announced as a stream', '<html><title>Log in</title></html>', 'a web page, "Log in"'],
    ['text announced as a stream', 'upstream timed out', 'cut off'],
  ])('%s', async (_, body, message) => {
    server.usual = (r) => r.writeHead(200, { 'content-type': wire.type }).end(body)
    const retry = { tries: 1, firstWait: 0, patience: 0 }
    expect((await errorOf(ask({}, open({ retry })))).message).toContain(message)
  })

  test('an endless stream ends at the limit of the whole', async () => {
    const letter = wire.stream({ answer: 'x' }).find((part) => /"(content|text)":"x"/.test(part))!
    server.usual = async (r) => {
      sendParts(r, wire.type, [])
      while (!r.destroyed) {
        r.write(letter)
        await sleep(5)
      }
    }
    const error = await errorOf(
      ask({}, open({ limits: { whole: 0.2 }, retry: { tries: 1, firstWait: 0.01, patience: 1 } })),
    )
    expect(error.message).toContain('it did not finish within 0.2 s')
    await expect.poll(() => server.left).toBe(1)
  })

  test('keep-alive comments and pings are no answer', async () => {
    server.usual = async (r) => {
      sendParts(r, wire.type, [])
      while (!r.destroyed) {
        r.write(shape === 'ollama' ? '\n' : ': keep-alive\n\n')
        await sleep(20)
      }
    }
    expect((await errorOf(ask())).message).toContain('it did not answer within 0.25 s')
  })

  test('text that was delivered is not delivered again: the response fails', async () => {
    server.handlers = [cut(beforeEnd - 20, 'destroy')]
    const events: TextEvent[] = []
    const error = await errorOf(
      (async () => {
        for await (const event of open().respond({ messages: QUESTION, seed: 7 })) events.push(event)
      })(),
    )
    expect(error).toBeInstanceOf(UserError)
    expect(error.message).toMatch(/broke off its response after \d+ characters: .*; ask again/)
    const text = events.map((event) => ('text' in event ? event.text : '')).join('')
    expect(`${SAID.thinking}${SAID.answer}`.startsWith(text)).toBe(true)
    expect(text.length).toBeGreaterThan(5)
    expect(server.asked).toHaveLength(1)
  })

  test('a stream that breaks before its first text is made again', async () => {
    server.handlers = [cut(Buffer.byteLength(parts[0]!) - 3, 'destroy')]
    expect(await ask({ whole: false })).toMatchObject(right)
    expect(server.asked).toHaveLength(2)
  })

  test('a wait that the server asks for is at least kept', async () => {
    server.handlers = [failing(429, '', { 'retry-after': '1' })]
    await ask()
    expect(lines[0]).toMatch(/in 1\.0 s$/)
    server.handlers = [failing(429, '', { 'retry-after': '3600' })]
    expect((await errorOf(ask())).message).toContain('asks to wait for 3600 s')
  })

  test.each<[string, Handler, RegExp]>([
    ['a wrong key', failing(401, wire.error(`wrong key ${KEY}`)), /RUMINATE_TEST_KEY/],
    ['a key without permission', failing(403, wire.error('no')), /RUMINATE_TEST_KEY/],
    ['no credit', failing(402, wire.error('pay')), /no credit/],
    ['no quota', failing(429, { error: { message: 'over', code: 'insufficient_quota' } }), /no credit/],
    ['no such model', failing(404, wire.error('model "m" not found')), /check the model's name/],
    ['a wrong request', failing(400, wire.error('unknown field')), /unknown field.*check the request/],
    ['a wrong request with details', failing(422, { detail: [{ msg: 'bad' }] }), /bad/],
    ['a redirection', failing(307, '', { location: 'http://127.0.0.1:9/' }), /answered 307/],
  ])('%s: the request is not made again', async (_, handler, message) => {
    server.handlers = [handler]
    const error = await errorOf(ask())
    expect(error).toBeInstanceOf(UserError)
    expect(error.message).toMatch(message)
    expect(server.asked).toHaveLength(1)
  })

  test.each([
    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
    'the request exceeds the available context size, try increasing it',
    'prompt is too long: 210000 tokens > 200000 maximum',
    'input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000',
    'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
    'the prompt has 9999 tokens, and the model reads 4096 with its response; shorten the messages',
  ])('messages that exceed the context: %s', async (message) => {
    server.handlers = [failing(400, wire.error(message))]
    expect(await errorOf(ask())).toBeInstanceOf(PromptTooLong)
  })

  test.each([
    'max_tokens (9000) exceeds the maximum of 8192',
    'Invalid max_tokens value, the valid range of max_tokens is [1, 8192]',
    'This model supports at most 16384 completion tokens, whereas you provided 20000',
  ])('another limit is no long message: %s', async (message) => {
    server.handlers = [failing(400, wire.error(message))]
    expect(await errorOf(ask())).not.toBeInstanceOf(PromptTooLong)
  })

  test('a key in an error is hidden, however it is written and wherever it is', async () => {
    const forms = [KEY, JSON.stringify(KEY), encodeURIComponent(KEY), `${'x'.repeat(195)}${KEY}`]
    for (const handler of [
      ...forms.map((form) => failing(401, form)),
      ...forms.map((form) => failing(400, wire.error(form))),
      failing(200, wire.error(KEY)),
      failing(200, wire.error(`${'x'.repeat(195)}${KEY}`)),
      failing(200, `${'x'.repeat(195)}${KEY}`),
      failing(200, `<html>${KEY}`),
    ]) {
      server.usual = handler
      const error = await errorOf(ask({}, open({ retry: { tries: 2, firstWait: 0.01, patience: 1 } })))
      for (const text of [error.message, error.stack ?? '', ...lines]) {
        expect(text).not.toContain('sk-t')
        expect(text).not.toContain('0123456789')
      }
    }
  })

  test('control characters of an error do not reach the terminal', async () => {
    server.usual = failing(400, wire.error('red \x1b[31m text\nand more'))
    expect((await errorOf(ask())).message).toContain('red ␛[31m text and more')
  })

  test('nobody there: no second try at an address that never answered', async () => {
    const model = open()
    await server.stop()
    const error = await errorOf(ask({}, model))
    expect(error).toBeInstanceOf(UserError)
    expect(error.message).toMatch(/ECONNREFUSED.*check that http/)
    expect(model.spent().failed).toBe(1)
    server = await ApiServer.start()
  })

  test('a server that goes away later is tried again', async () => {
    const model = open({ retry: { tries: 2, firstWait: 0.01, patience: 1 } })
    await ask({}, model)
    await server.stop()
    expect((await errorOf(ask({}, model))).message).toMatch(/ECONNREFUSED.*in 2 tries/)
    server = await ApiServer.start()
  })

  test('no such host', async () => {
    const model = open({ baseUrl: 'http://no-such-host.invalid/v1' })
    expect((await errorOf(ask({}, model))).message).toMatch(/ENOTFOUND|EAI_AGAIN/)
  })

  test('an abort ends the request at once, while it waits, while it is tried again, and in its middle', async () => {
    const reason = new Error('enough')
    const aborted = (signal: AbortSignal, model = open()) => errorOf(ask({ signal, whole: false }, model))
    expect(await aborted(AbortSignal.abort(reason))).toBe(reason)
    expect(server.asked).toHaveLength(0)

    server.usual = (r) => sendParts(r, wire.type, parts.slice(0, 6))
    const model = open({ concurrency: 1, limits: {} })
    const first = new AbortController()
    const second = new AbortController()
    const both = [aborted(first.signal, model), aborted(second.signal, model)]
    await expect.poll(() => server.asked.length).toBe(1)
    second.abort(reason)
    expect(await both[1]).toBe(reason)
    first.abort(reason)
    expect(await both[0]).toBe(reason)
    expect(server.asked).toHaveLength(1)
    await expect.poll(() => server.left).toBe(1)

    server.usual = failing(500, '')
    const third = new AbortController()
    const waiting = aborted(third.signal, open({ retry: { tries: 9, firstWait: 60, patience: 1 } }))
    await expect.poll(() => lines.length).toBeGreaterThan(0)
    third.abort(reason)
    expect(await waiting).toBe(reason)
  })

  test('a model that is stopped makes no further request, but keeps the response that has begun', async () => {
    const stop = new AbortController()
    server.usual = async (r) => {
      sendParts(r, wire.type, parts.slice(0, 8))
      stop.abort(new Error('stopped'))
      await sleep(30)
      r.end(parts.slice(8).join(''))
    }
    const model = open({ concurrency: 1, signal: stop.signal })
    const results = await Promise.allSettled([ask({}, model), ask({}, model)])
    expect(results).toMatchObject([
      { status: 'fulfilled', value: right },
      { status: 'rejected', reason: { message: 'stopped' } },
    ])
    await expect(ask({}, model)).rejects.toThrow('stopped')
    expect(server.asked).toHaveLength(1)
  })

  test('a reader that leaves ends the request and frees its place', async () => {
    server.handlers = [(r) => sendParts(r, wire.type, parts.slice(0, 8))]
    const model = open({ concurrency: 1 })
    for await (const event of model.respond({ messages: QUESTION, seed: 7 }))
      if (event.type === 'thinking') break
    await expect.poll(() => server.left).toBe(1)
    expect(await ask({}, model)).toMatchObject(right)
  })

  test('a reader that takes its time is no silence of the server', async () => {
    const model = open()
    let text = ''
    let waited = false
    for await (const event of model.respond({ messages: QUESTION, seed: 7 })) {
      if (!waited) await sleep(400)
      waited = true
      if (event.type === 'answer') text += event.text
    }
    expect(text).toBe(SAID.answer)
  })

  test('a server that leaves the connection open after the end', async () => {
    server.usual = (r) => sendParts(r, wire.type, parts)
    const begun = performance.now()
    expect(await ask({}, open({ limits: {} }))).toMatchObject(right)
    expect(performance.now() - begun).toBeLessThan(5000)
  })

  test('a connection is used again', async () => {
    const model = open({ concurrency: 1 })
    for (let i = 0; i < 4; i++) await ask({}, model)
    expect(server.connections).toBe(1)
  })

  test('a failure that concerns one request leaves those that wait alone', async () => {
    server.handlers = [(r) => r.writeHead(200, { 'content-type': 'application/json' }).end('[1]')]
    const model = open({ concurrency: 1, retry: { tries: 1, firstWait: 0, patience: 0 } })
    const results = await Promise.allSettled([
      ask({}, model),
      ask({ prefix: [Int32Array.of(1)] }, model),
      ask({}, model),
    ])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  })

  test('a failure that concerns all requests fails those that wait', async () => {
    server.handlers = [failing(401, '')]
    const model = open({ concurrency: 1 })
    const results = await Promise.allSettled([ask({}, model), ask({}, model), ask({}, model)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(server.asked).toHaveLength(1)
    expect(await ask({}, model)).toMatchObject(right)
  })

  test('requests at the same time are as many as allowed, and all are answered', async () => {
    let open_ = 0
    let most = 0
    server.usual = async (r) => {
      most = Math.max(most, ++open_)
      await sleep(5)
      open_--
      good(r, server.asked[0]!)
    }
    const model = open({ concurrency: 3 })
    const responses = await Promise.all(Array.from({ length: 12 }, (_, seed) => ask({ seed }, model)))
    expect(responses.map(({ answer }) => answer)).toEqual(Array(12).fill(SAID.answer))
    expect(most).toBeLessThanOrEqual(3)
  })
})
