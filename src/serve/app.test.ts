import { afterEach, describe, expect, it } from 'vitest'
import { fakeTextModel } from '../testing/fakes/fake-text-model.ts'
import { ended, scripted, send, startServer, type TestServer } from '../testing/servers/fake-server.ts'
import { collect } from '../thinking/collect.ts'
import { openResponder } from './respond/responder.ts'

let server: TestServer
afterEach(() => server?.stop())
const model = scripted(() => [{ type: 'answer', text: '42', tokens: 1 }, ended()])
const question = { model: 'fake', messages: [{ role: 'user', content: '6·7?' }] }

describe('what is here', () => {
  it('is told at /, in the OpenAPI document and by the list of models', async () => {
    server = await startServer(model, { names: ['org/fake', 'other'] })
    const index = JSON.parse((await send(server, '/')).text)
    expect(index.models).toEqual(['org/fake', 'other'])
    expect(index.dialects['OpenAI Responses']).toContain('POST /v1/responses')
    expect(index.dialects.Models).toContain('GET /v1/models/{model}')
    const document = JSON.parse((await send(server, '/openapi.json')).text)
    expect(document.openapi).toBe('3.1.0')
    for (const path of [
      '/v1/chat/completions',
      '/v1/completions',
      '/v1/responses',
      '/v1/messages',
      '/api/chat',
    ]) {
      const { schema } = document.paths[path].post.requestBody.content['application/json']
      expect(schema).toMatchObject({ type: 'object' })
    }
    expect(document.paths['/v1/models/{model}'].get.parameters[0]).toMatchObject({
      name: 'model',
      in: 'path',
    })
    const models = JSON.parse((await send(server, '/v1/models')).text)
    expect(models).toMatchObject({
      object: 'list',
      data: [{ id: 'org/fake', object: 'model' }, { id: 'other' }],
    })
    expect(JSON.parse((await send(server, '/v1/models/org/fake')).text)).toMatchObject({ id: 'org/fake' })
    expect((await send(server, '/v1/models/gpt-5')).status).toBe(404)
  })

  it.each([
    ['/v1/nothing', { error: { code: 'not_found', type: 'invalid_request_error' } }],
    ['/nothing', { error: { code: 'not_found' } }],
    ['/v1/messages/nothing', { type: 'error', error: { type: 'not_found_error' } }],
    ['/api/nothing', { error: expect.any(String) }],
  ])('%s: 404 in the shape of its dialect', async (path, error) => {
    server = await startServer(model)
    const { status, text } = await send(server, path)
    expect(status).toBe(404)
    expect(JSON.parse(text)).toMatchObject(error)
  })

  it.each([
    ['GET', '/v1/chat/completions', 'POST'],
    ['PUT', '/v1/responses', 'POST'],
    ['POST', '/v1/models', 'GET'],
    ['DELETE', '/health', 'GET'],
  ])('%s %s: 405', async (method, path, allow) => {
    server = await startServer(model)
    const { status, headers } = await send(server, path, { method })
    expect(status).toBe(405)
    expect(headers.allow).toBe(allow)
  })
})

it('counts requests and tokens, and names each request', async () => {
  server = await startServer(model)
  const { headers } = await send(server, '/v1/chat/completions', { body: question })
  await send(server, '/v1/chat/completions', { body: {} })
  await send(server, '/v1/completions', { body: { prompt: 'x' } })
  const { text } = await send(server, '/metrics')
  for (const line of [
    'ruminate_requests_total{dialect="chat-completions",status="200"} 1',
    'ruminate_requests_total{dialect="chat-completions",status="400"} 1',
    'ruminate_requests_total{dialect="completions",status="200"} 1',
    'ruminate_tokens_total{kind="prompt"} 20',
    'ruminate_tokens_total{kind="thinking"} 6',
    'ruminate_time_to_first_token_seconds_count 2',
    'ruminate_queue_length 0',
  ])
    expect(text).toContain(`${line}\n`)
  expect(server.entries[0]).toMatchObject({
    id: headers['x-request-id'],
    route: '/v1/chat/completions',
    status: 200,
    problem: null,
  })
})

it.each([
  [{ model: 'gpt-5' }, false, 404],
  [{ model: 'gpt-5' }, true, 200],
  [{ model: undefined }, false, 200],
])('%j, any name %s: %i', async (fields, anyName, status) => {
  server = await startServer(model, { anyName })
  const response = await send(server, '/v1/chat/completions', { body: { ...question, ...fields } })
  expect(response.status).toBe(status)
  if (status === 200) expect(JSON.parse(response.text).model).toBe('fake')
})

it('the same seed asks for the same samples; without one, requests differ', async () => {
  server = await startServer(model)
  for (const fields of [{ seed: 5, n: 2 }, { seed: 5, n: 2 }, {}, {}])
    await send(server, '/v1/chat/completions', { body: { ...question, ...fields } })
  const seeds = model.requests.slice(-6).map(({ seed, sample }) => [seed, sample])
  expect(seeds.slice(0, 4).sort()).toEqual([
    [5, 0],
    [5, 0],
    [5, 1],
    [5, 1],
  ])
  expect(seeds[4]![0]).not.toBe(seeds[5]![0])
})

describe('a responder', () => {
  const thinker = (can = {}) =>
    fakeTextModel(
      ({ maxTokens, prefix }) =>
        prefix
          ? { answer: ['42'] }
          : {
              thinking: 'abcdefghij'.split('').slice(0, maxTokens ?? 10),
              reason: maxTokens ? 'length' : 'stop',
            },
      { can },
    )
  const asked = { messages: [{ role: 'user', content: 'Hi' }], seed: 0 }

  it.each([
    [{}, { effort: null, budget: null }, 'abcdefghij', undefined],
    [{}, { effort: null, budget: 3 }, 'abc', undefined],
    [{ budget: { max: 5 } }, { effort: null, budget: null }, 'abcde', undefined],
    [{ budget: { max: 5 } }, { effort: null, budget: 3 }, 'abc', undefined],
    [{ effort: 'low' as const }, { effort: null, budget: 3 }, 'abc', undefined],
    [{ budget: { max: 5 } }, { effort: 'none' as const, budget: null }, 'abcdefghij', false],
  ])('%j with the wish %j', async (spec, wish, thinking, switched) => {
    const base = thinker()
    const responder = await openResponder(base, { spec })
    expect((await collect(responder.withWish(wish).respond(asked))).thinking).toBe(thinking)
    expect(base.requests[0]!.thinking).toBe(switched)
    await responder.close()
  })

  it('tells a model that does not think nothing', async () => {
    const base = thinker({ thinks: false, switchThinking: false })
    const responder = await openResponder(base)
    await collect(responder.withWish({ effort: 'none', budget: null }).respond(asked))
    expect(base.requests).toHaveLength(1)
    expect(base.requests[0]).not.toHaveProperty('prefix')
  })

  it('gives requests what they leave open', async () => {
    const base = thinker()
    const defaults = { temperature: 0.6, maxTokens: 4 }
    server = await startServer(base, { defaults })
    await send(server, '/v1/chat/completions', { body: { ...question, max_tokens: 2 } })
    expect(base.requests[0]).toMatchObject({ temperature: 0.6, maxTokens: 2 })
  })
})

it.each([
  ['/v1/chat/completions', { model: 'fake' }, 'messages: it is missing'],
  ['/v1/chat/completions', { model: 'fake', messages: 'hi' }, 'messages: expected array, received string'],
  ['/v1/messages', { model: 'fake', messages: question.messages }, 'max_tokens: it is missing'],
  ['/v1/responses', { model: 'fake' }, 'input: it does not have one of the forms that are allowed here'],
])('%s with %j: %s', async (path, body, message) => {
  server = await startServer(model)
  const { status, text } = await send(server, path, { body })
  expect([status, JSON.parse(text).error.message]).toEqual([400, message])
})
