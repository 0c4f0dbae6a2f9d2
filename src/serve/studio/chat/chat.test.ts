import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { send } from '../../../testing/servers/fake-server.ts'
import { get, type Json, root, run, server } from '../../../testing/servers/open-studio.ts'

describe('chat', () => {
  const ask = (
    model: string,
    headers: Record<string, string> = { authorization: `Bearer ${server.token}` },
  ) =>
    send(server, `/studio/models/${encodeURIComponent(model)}/v1/chat/completions`, {
      body: { messages: [{ role: 'user', content: '5+2=' }], max_tokens: 4, temperature: 0, stream: true },
      headers,
    })

  test('with the trained model, a checkpoint and the base of a run', { timeout: 60_000 }, async () => {
    const store = run('zero-1')
    const miniature = new URL('../../../../models/miniature-base', import.meta.url)
    cpSync(miniature, join(root, 'zero-1', 'model'), { recursive: true })
    await store.checkpoint(10, null, async (folder) => cpSync(miniature, folder, { recursive: true }))
    expect((await get('runs/zero-1/models')).models.map(({ name }: Json) => name)).toEqual([
      'zero-1@base',
      'zero-1@10',
      'zero-1',
    ])
    for (const model of ['zero-1', 'zero-1@10', 'miniature-base']) {
      const { status, text, headers } = await ask(model)
      expect(status, text).toBe(200)
      expect(headers['content-type']).toContain('text/event-stream')
      expect(text).toContain('data: [DONE]')
    }
  })

  const sendTo = (path: string, more: object = {}) =>
    send(server, `/studio/models/miniature-base/${path}`, {
      body: { messages: [{ role: 'user', content: '5+2=' }], max_tokens: 4, ...more },
      headers: { authorization: `Bearer ${server.token}` },
    })

  test('the prompt, as the model sees it', { timeout: 60_000 }, async () => {
    const { prompt, tokens } = JSON.parse((await sendTo('prompt')).text)
    expect(prompt).toContain('5+2=')
    expect(prompt).toMatch(/^A conversation between User and Assistant.*Assistant:/s)
    expect(tokens).toBeGreaterThan(10)
    expect((await sendTo('prompt', { messages: [] })).status).toBe(400)
  })

  test('with a strategy, and the same seed twice', { timeout: 60_000 }, async () => {
    const contents = []
    for (const query of ['strategy=vote&samples=3', 'strategy=vote&samples=3', 'strategy=refine&rounds=1'])
      contents.push(
        JSON.parse((await sendTo(`v1/chat/completions?${query}`, { seed: 7, temperature: 1 })).text),
      )
    expect(contents[0].choices).toEqual(contents[1].choices)
    // a vote asks for all of its responses
    expect(contents[0].usage.completion_tokens).toBeGreaterThan(4)
    const judged = await sendTo('v1/chat/completions?strategy=best-of-n&samples=2&judge=miniature-base')
    expect(judged.status, judged.text).toBe(200)
  })

  it.each([
    ['strategy=many', 'strategy: '],
    ['strategy=vote&samples=1000', 'samples: '],
    ['strategy=best-of-n', 'chosen by a reward model or a judge'],
    ['strategy=vote&judge=miniature-base', 'a judge belongs to the strategy best-of-n'],
    ['strategy=refine&reward=reward-1', 'a reward model belongs to'],
    ['strategy=vote&reward=reward-1', 'there is no run "reward-1"'],
  ])('%s is refused: %s', async (query, message) => {
    const { status, text } = await sendTo(`v1/chat/completions?${query}`)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(JSON.parse(text).error.message).toContain(message)
  })

  it.each([
    ['zero-2', 404],
    ['zero-1@7', 404],
    ['zero-1', 400],
    ['../..', 404],
    ['/etc', 404],
    ['.', 404],
  ])('%s: %i', async (model, status) => {
    run('zero-1')
    expect((await ask(model)).status).toBe(status)
    expect((await ask(model, {})).status).toBe(401)
  })
})
