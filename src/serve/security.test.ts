import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UserError } from '../common/errors.ts'
import {
  ended,
  scripted,
  send,
  sendRaw,
  startServer,
  type TestServer,
} from '../testing/servers/fake-server.ts'
import { checkAddress } from './serve.ts'

const model = scripted(() => [{ type: 'answer', text: '42', tokens: 1 }, ended()])
const question = { messages: [{ role: 'user', content: '6·7?' }] }
let server: TestServer
afterEach(() => server?.stop())

describe('keys', () => {
  const KEYS = ['sk-first-key', 'sk-second-key']
  beforeEach(async () => {
    server = await startServer(model, { access: { keys: KEYS } })
  })

  it.each([
    [{}, 401],
    [{ authorization: 'Bearer sk-first-key' }, 200],
    [{ authorization: 'bearer  sk-second-key' }, 200],
    [{ 'x-api-key': 'sk-second-key' }, 200],
    [{ authorization: 'Bearer wrong', 'x-api-key': 'sk-first-key' }, 200],
    [{ authorization: 'Bearer sk-first-ke' }, 401],
    [{ authorization: 'Bearer sk-first-keyy' }, 401],
    [{ authorization: 'Bearer SK-FIRST-KEY' }, 401],
    [{ authorization: 'Bearer ' }, 401],
    [{ authorization: 'sk-first-key' }, 401],
    [{ authorization: 'Basic c2stZmlyc3Qta2V5' }, 401],
    [{ 'x-api-key': 'sk-first-key,sk-second-key' }, 401],
  ])('%j: %i', async (headers, status) => {
    for (const [path, body] of [
      ['/v1/chat/completions', question],
      ['/v1/completions', { prompt: '6·7?' }],
      ['/v1/responses', { input: '6·7?' }],
      ['/v1/messages', { ...question, model: 'fake', max_tokens: 9 }],
      ['/api/chat', { ...question, model: 'fake' }],
    ] as const)
      expect((await send(server, path, { headers, body })).status, path).toBe(status)
    for (const path of ['/v1/models', '/v1/models/fake', '/metrics', '/api/tags'])
      expect((await send(server, path, { headers })).status).toBe(status)
  })

  it.each(['/health', '/v1/health', '/', '/openapi.json'])('%s needs none', async (path) => {
    expect((await send(server, path)).status).toBe(200)
  })

  it('an error has the shape of its dialect', async () => {
    const openAi = await send(server, '/v1/chat/completions', { body: question })
    expect(JSON.parse(openAi.text)).toMatchObject({
      error: { type: 'authentication_error', code: 'invalid_api_key', param: null },
    })
    expect(openAi.headers['www-authenticate']).toBe('Bearer')
    const anthropic = await send(server, '/v1/messages', { body: question })
    expect(JSON.parse(anthropic.text)).toMatchObject({
      type: 'error',
      error: { type: 'authentication_error' },
    })
    const ollama = await send(server, '/api/chat', { body: question })
    expect(JSON.parse(ollama.text)).toEqual({ error: expect.any(String) })
  })

  it('no key is in an error, a header, a log or a metric, wherever a client puts it', async () => {
    const secrets = [...KEYS, 'sk-wrong-key']
    const tries = secrets.flatMap((key) => [
      send(server, `/v1/models/${key}?key=${key}`, { headers: { authorization: `Bearer ${key}` } }),
      send(server, `/${key}`, { headers: { 'x-api-key': key } }),
      send(server, '/v1/chat/completions', { body: question, headers: { authorization: `Bearer ${key}` } }),
      send(server, '/v1/chat/completions', { body: `{"${key}": `, headers: { 'x-api-key': key } }),
      send(server, '/v1/chat/completions', { body: question, headers: { authorization: `Token ${key}` } }),
    ])
    const responses = await Promise.all(tries)
    const metrics = await send(server, '/metrics', { headers: { 'x-api-key': KEYS[0]! } })
    const kept = JSON.stringify([server.entries, server.failures.map(String), metrics.text])
    for (const key of secrets) {
      expect(kept).not.toContain(key)
      for (const { text, headers } of responses) expect(text + JSON.stringify(headers)).not.toContain(key)
    }
    expect(server.entries.length).toBe(tries.length + 1)
  })
})

it('no part of a key is in an error that quotes it as JSON or cuts it, and errors are short', async () => {
  const key = `sk-"${'0123456789'.repeat(9)}`
  server = await startServer(model, { access: { keys: [key] } })
  const headers = { 'x-api-key': key }
  const bodies = [
    { ...question, model: key },
    { ...question, response_format: { type: key } },
    { ...question, messages: [{ role: 'user', content: [{ type: key }] }] },
    { ...question, model: `${'m'.repeat(1950)}${key}` },
    { ...question, model: 'm'.repeat(1_000_000) },
  ]
  for (const body of bodies) {
    const { status, text } = await send(server, '/v1/chat/completions', { body, headers })
    expect(status).toBeGreaterThanOrEqual(400)
    expect(text + JSON.stringify(server.entries)).not.toContain('0123456789')
    expect(text.length).toBeLessThan(3_000)
  }
})

describe('other sites', () => {
  beforeEach(async () => {
    server = await startServer(model, {
      access: { hosts: ['ai.example.com'], origins: ['https://chat.example.com'] },
    })
  })

  it.each([
    ['127.0.0.1:PORT', 200],
    ['localhost:PORT', 200],
    ['LOCALHOST', 200],
    ['chat.localhost:1', 200],
    ['[::1]:PORT', 200],
    ['192.168.1.5', 200],
    ['ai.example.com', 200],
    ['AI.example.com:443', 200],
    ['localhost.', 200],
    ['ai.example.com.:443', 200],
    ['evil.example.com', 403],
    ['evil.example.com.', 403],
    ['localhost..', 403],
    ['127.0.0.1.evil.example.com', 403],
    ['localhost.evil.example.com', 403],
    ['notlocalhost', 403],
    ['ai.example.com.evil.com', 403],
  ])('Host %s: %i', async (host, status) => {
    const headers = { host: host.replace('PORT', String(server.port)) }
    for (const path of ['/v1/models', '/health', '/', '/nothing'])
      expect((await send(server, path, { headers })).status, path).toBe(
        status === 200 && path === '/nothing' ? 404 : status,
      )
    expect((await send(server, '/v1/chat/completions', { headers, body: question })).status).toBe(status)
  })

  it.each([
    ['https://chat.example.com', 200],
    ['http://localhost:3000', 200],
    ['http://127.0.0.1', 200],
    ['tauri://localhost', 200],
    ['http://chat.example.com', 403],
    ['https://evil.example.com', 403],
    ['https://chat.example.com.evil.com', 403],
    ['http://localhost.evil.com', 403],
    ['http://192.168.1.5', 403],
    ['null', 403],
    ['file://', 403],
    ['', 403],
  ])('Origin %s: %i', async (origin, status) => {
    const response = await send(server, '/v1/chat/completions', { headers: { origin }, body: question })
    expect(response.status).toBe(status)
    expect(response.headers['access-control-allow-origin']).toBe(status === 200 ? origin : undefined)
    const asked = await send(server, '/v1/chat/completions', {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    })
    expect(asked.status).toBe(status === 200 ? 204 : 403)
    if (status === 200)
      expect(asked.headers).toMatchObject({
        'access-control-allow-headers': 'authorization,content-type',
        'access-control-allow-methods': 'GET, HEAD, POST',
      })
  })

  it.each([
    ['http://evil.example.com/v1/models', 403],
    ['http://localhost.evil.example.com/v1/models', 403],
    ['http://ai.example.com/v1/models', 200],
    ['http://localhost/v1/models', 200],
  ])('a request for the whole address %s: %i', async (address, status) => {
    expect((await send(server, address, { headers: { host: 'localhost' } })).status).toBe(status)
  })

  it('a page that came from this server itself may use it', async () => {
    const headers = { host: 'ai.example.com', origin: 'https://ai.example.com' }
    expect((await send(server, '/v1/models', { headers })).status).toBe(200)
  })
})

describe('addresses', () => {
  it.each(['0.0.0.0', '::', '192.168.1.5', 'example.com'])('%s without a key is refused', async (host) => {
    await expect(checkAddress({ host, port: 0 }, false)).rejects.toThrow(/lets other machines use the model/)
  })
  it.each(['127.0.0.1', 'localhost', '127.9.9.9'])('%s needs none', async (host) => {
    await expect(checkAddress({ host, port: 0 }, false)).resolves.toBeUndefined()
  })
  it('0.0.0.0 with a key is allowed', async () => {
    await expect(checkAddress({ host: '0.0.0.0', port: 0 }, true)).resolves.toBeUndefined()
  })
  it('a port in use is an error that says what to do', async () => {
    server = await startServer(model)
    const check = checkAddress({ host: '127.0.0.1', port: server.port }, false)
    await expect(check).rejects.toThrow(UserError)
    await expect(check).rejects.toThrow(/is in use: stop the program .* or give another port/)
  })
})

describe('attacks get 4xx within 50 ms', () => {
  const json = 'content-type: application/json\r\nconnection: close'
  const post = (body: string, headers = '') =>
    `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n${json}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  const get = (path: string, headers = '') =>
    `GET ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}connection: close\r\n\r\n`
  const deep = (n: number) => '['.repeat(n) + ']'.repeat(n)
  it.each([
    ['a path upwards', get('/../../../../etc/passwd'), 404],
    ['an encoded path upwards', get('/v1/models/..%2f..%2fetc%2fpasswd'), 404],
    ['a null byte', get('/v1/models/%00'), 404],
    ['a broken encoding', get('/v1/models/%ff%fe%'), 404],
    ['a backslash', get('/\\..\\..\\etc'), 400],
    ['a path of 10,000 characters', get(`/${'a'.repeat(10_000)}`), 404],
    ['a path of 100,000 characters', get(`/${'a'.repeat(100_000)}`), 431],
    ['a path of 5,000 segments', get('/a'.repeat(5_000)), 404],
    [
      'another page in the address',
      'GET http://evil.example.com/v1/models HTTP/1.1\r\nhost: evil.example.com\r\nconnection: close\r\n\r\n',
      403,
    ],
    ['no host', 'GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    ['no host in HTTP/1.0', 'GET /v1/models HTTP/1.0\r\n\r\n', 403],
    ['a host that is none', 'GET /v1/models HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n', 400],
    [
      'a host with a user',
      'GET /v1/models HTTP/1.1\r\nhost: localhost@evil.com\r\nconnection: close\r\n\r\n',
      400,
    ],
    ['a header of 100,000 characters', get('/v1/models', `x-long: ${'a'.repeat(100_000)}\r\n`), 431],
    ['10,000 headers', get('/v1/models', 'x-a: b\r\n'.repeat(10_000)), 431],
    ['a header without a name', get('/v1/models', ': b\r\n'), 400],
    ['a control character in a header', get('/v1/models', 'x-a: \x01\r\n'), 400],
    ['two lengths', post('{}', 'content-length: 3\r\n'), 400],
    ['a length and chunks', post('{}', 'transfer-encoding: chunked\r\n'), 400],
    ['no HTTP', 'HELLO\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x02\x00\x01', 400],
    ['an unknown method', 'BREW /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n', 400],
    [
      'a method that is not allowed',
      'DELETE /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
      405,
    ],
    ['JSON 101 levels deep', post(`{"messages":${deep(100)}}`), 400],
    ['JSON 1,000,000 levels deep', post(`{"messages":${deep(1_000_000)}}`), 400],
    ['JSON 101 levels deep after quotes in strings', post(`{"\\\\":"\\"[","messages":${deep(100)}}`), 400],
    ['JSON that never closes', post('{"a":'.repeat(100_000)), 400],
    ['1,000,000 messages', post(`{"messages":[${'0,'.repeat(1_000_000)}0]}`), 400],
    ['10,000 messages', post(`{"messages":[${'0,'.repeat(9_999)}0]}`), 400],
    ['a prototype', post('{"__proto__":{"messages":[]},"constructor":{"prototype":{}}}'), 400],
    ['no UTF-8', post('{"a":"\xff"}').replace('\xc3\xbf', '\xff'), 400],
    ['half of a JSON', post('{"messages": [{"role": "us'), 400],
    ['a list', post('[]'), 400],
    ['nothing', post(''), 400],
    ['an unknown encoding', post('{}', 'content-encoding: gzip\r\n'), 415],
  ])('%s', async (_, request, status) => {
    server = await startServer(model)
    await send(server, '/v1/chat/completions', { body: question })
    // other programs may need the processor for some of the tries
    let took = Number.POSITIVE_INFINITY
    for (let i = 0; i < 10 && took > 50; i++) {
      const since = performance.now()
      const response = await sendRaw(server, request)
      took = Math.min(took, performance.now() - since)
      expect(response.slice(0, 12)).toBe(`HTTP/1.1 ${status}`)
    }
    expect(took).toBeLessThan(50)
    expect((await send(server, '/health')).status).toBe(200)
  })

  it.each(['multipart/form-data; boundary=x', 'application/xml', 'image/png'])('%s: 415', async (type) => {
    server = await startServer(model)
    const headers = { 'content-type': type }
    expect((await send(server, '/v1/chat/completions', { body: question, headers })).status).toBe(415)
  })

  it('a slow header does not stay for ever', async () => {
    server = await startServer(model, { limits: { headers: 300 } })
    const since = performance.now()
    const response = await sendRaw(server, 'POST /v1/chat/completions HTTP/1.1\r\nhost: local', 5_000)
    expect(response).toMatch(/^HTTP\/1.1 408/)
    expect(performance.now() - since).toBeLessThan(3_000)
    await sleep(10)
  })
})
