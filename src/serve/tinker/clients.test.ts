import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Parser } from 'tar'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { send } from '../../testing/servers/fake-server.ts'
import { startTinkerServer, type TinkerTestServer } from '../../testing/servers/tinker-server.ts'

/* Several clients, repeated requests, sessions that end, and a server that is started again. */

const input = (tokens: number[]) => ({ chunks: [{ type: 'encoded_text', tokens }] })
const text = [488, 292, 317, 32, 49, 50]
const data = [
  {
    model_input: input(text.slice(0, -1)),
    loss_fn_inputs: { target_tokens: { data: text.slice(1), dtype: 'int64', shape: [5] } },
  },
]
const batch = (model_id: string, seq_id: number, loss_fn = 'cross_entropy') => ({
  model_id,
  seq_id,
  forward_backward_input: { data, loss_fn },
})
const adam_params = { learning_rate: 0.01 }

const openSession = async (server: TinkerTestServer): Promise<string> =>
  (await server.call('/create_session', { tags: [], user_metadata: {}, sdk_version: '0.25.0' })).json
    .session_id
const modelOf = (session_id: string, seed = 1, model_seq_id = 0) => ({
  session_id,
  model_seq_id,
  base_model: 'miniature-base',
  lora_config: { rank: 4, seed },
})

describe('one server', () => {
  let server: TinkerTestServer
  beforeAll(async () => {
    server = await startTinkerServer()
  })
  afterAll(() => server.end())

  it('carries a repeated request out once', async () => {
    const session = await openSession(server)
    const created = await server.call('/create_model', modelOf(session))
    expect((await server.call('/create_model', modelOf(session))).json).toEqual(created.json)
    expect((await server.call('/create_model', modelOf(session, 2))).status).toBe(409)
    const { model_id } = await server.result('/create_model', modelOf(session))

    const [first, again] = await Promise.all(
      [1, 1].map((seq) => server.call('/forward_backward', batch(model_id, seq))),
    )
    expect(again!.json.request_id).toBe(first!.json.request_id)
    expect((await server.call('/forward_backward', batch(model_id, 1, 'ppo'))).status).toBe(400)
    const step = { model_id, seq_id: 2, adam_params }
    const one = await server.result('/optim_step', step)
    expect(await server.result('/optim_step', step)).toEqual(one)
    const other = await server.call('/optim_step', { ...step, adam_params: { learning_rate: 0.02 } })
    expect(other).toMatchObject({ status: 409, json: { detail: /sequence number 2/ } })

    const { sampling_session_id } = (
      await server.call('/create_sampling_session', {
        session_id: session,
        sampling_session_seq_id: 0,
        base_model: 'miniature-base',
      })
    ).json
    const ask = { sampling_session_id, seq_id: 0, prompt: input(text), sampling_params: { max_tokens: 4 } }
    expect(await server.result('/asample', ask)).toEqual(await server.result('/asample', ask))
    await server.result('/unload_model', { model_id })
  })

  it('trains for two clients at once as it does for each alone', async () => {
    const train = async (seed: number): Promise<number[]> => {
      const session = await openSession(server)
      const { model_id } = await server.result('/create_model', modelOf(session, seed))
      const found: number[] = []
      for (let seq = 1; seq < 7; seq += 2) {
        // the step is asked for before the gradient is there
        const [output, step] = await Promise.all([
          server.result('/forward_backward', batch(model_id, seq)),
          server.result('/optim_step', { model_id, seq_id: seq + 1, adam_params }),
        ])
        found.push(output.metrics['loss:sum'], step.metrics.grad_norm)
      }
      await server.result('/unload_model', { model_id })
      return found
    }
    const alone = [await train(1), await train(2)]
    expect(alone[0]).not.toEqual(alone[1])
    expect(await Promise.all([train(1), train(2)])).toEqual(alone)
  })

  it('does not step on a gradient that was lost', async () => {
    const session = await openSession(server)
    const { model_id } = await server.result('/create_model', modelOf(session))
    await server.result('/forward_backward', batch(model_id, 1))
    const huge = { data: Array(5).fill(3e38), dtype: 'float32', shape: [5] }
    const bad = await server.result('/forward_backward', {
      model_id,
      seq_id: 2,
      forward_backward_input: {
        data: [{ ...data[0], loss_fn_inputs: { ...data[0]!.loss_fn_inputs, weights: huge } }],
        loss_fn: 'cross_entropy',
      },
    })
    const step = await server.result('/optim_step', { model_id, seq_id: 3, adam_params })
    expect([bad.category, step.category]).toContain('user')
    expect(step.error).toMatch(/gradient/)
    await server.result('/unload_model', { model_id })
  })

  it('tells the likeliest tokens where they were asked for', async () => {
    const answer = await server.result('/asample', {
      base_model: 'miniature-base',
      prompt: input(text),
      sampling_params: { max_tokens: 3, temperature: 0, stop: [] },
      prompt_logprobs: true,
      prompt_logprobs_last_n: 2,
      topk_prompt_logprobs: 2,
      topk_sample_logprobs: 2,
    })
    const [{ tokens, logprobs, topk_logprobs }] = answer.sequences
    expect(topk_logprobs).toHaveLength(3)
    for (const [i, [[token, logprob]]] of topk_logprobs.entries()) {
      expect(token).toBe(tokens[i])
      expect(logprob).toBeCloseTo(logprobs[i], 4)
    }
    expect(answer.prompt_logprobs.map((value: number | null) => value === null)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ])
    expect(answer.topk_prompt_logprobs.map((pairs: unknown[] | null) => pairs?.length ?? 0)).toEqual([
      0, 0, 0, 0, 2, 2,
    ])
  })

  it('gives a checkpoint away as a PEFT folder', async () => {
    const session = await openSession(server)
    const { model_id } = await server.result('/create_model', modelOf(session))
    const { path } = await server.result('/save_weights_for_sampler', { model_id, path: 'final', seq_id: 1 })
    expect(path).toBe(`tinker://${model_id}/sampler_weights/final`)
    const url = `${server.url}/api/v1/training_runs/${model_id}/checkpoints/sampler_weights/final/archive`
    const redirect = await fetch(url, { redirect: 'manual' })
    expect(redirect.status).toBe(302)
    const archive = await fetch(redirect.headers.get('location')!)
    const files = await untar(Buffer.from(await archive.arrayBuffer()))
    const folder = join(server.folder, model_id.replaceAll(':', '_'), 'sampler_weights', 'final')
    expect([...files.keys()].sort()).toEqual(
      readdirSync(folder)
        .filter((name) => name !== 'checkpoint.json')
        .sort(),
    )
    expect([...files.keys()]).toContain('checkpoint_complete')
    expect(
      files.get('adapter_model.safetensors')!.equals(readFileSync(join(folder, 'adapter_model.safetensors'))),
    ).toBe(true)
    expect(JSON.parse(files.get('adapter_config.json')!.toString())).toMatchObject({
      peft_type: 'LORA',
      r: 4,
      lora_alpha: 32,
    })
    const listed = await server.call(`/training_runs/${model_id}/checkpoints`)
    expect(listed.json.checkpoints).toMatchObject([
      { checkpoint_id: 'sampler_weights/final', checkpoint_type: 'sampler', tinker_path: path },
    ])
    const removed = await fetch(url.replace('/archive', ''), { method: 'DELETE' })
    expect(removed.status).toBe(204)
    expect((await fetch(url, { redirect: 'manual' })).status).toBe(404)
    expect((await fetch(redirect.headers.get('location')!)).status).toBe(404)
    await server.result('/unload_model', { model_id })
  })

  it.each([
    ['another name of the server', { host: 'evil.example' }, 403],
    ['a page of another site', { origin: 'https://evil.example' }, 403],
    ['a page of this machine', { origin: 'http://localhost:3000' }, 200],
  ])('%s', async (_, headers, status) => {
    expect((await send(server, '/api/v1/get_server_capabilities', { headers })).status).toBe(status)
  })

  it.each<[string, string, object, number, RegExp]>([
    ['no session', '/create_model', modelOf('none'), 404, /session not found: there is no "none"/],
    ['no model', '/optim_step', { model_id: 'none', adam_params }, 404, /model "none" is not loaded/],
    [
      'no base model',
      '/create_sampling_session',
      { session_id: 'SESSION', base_model: 'miniature-bas' },
      404,
      /did you mean miniature-base\?/,
    ],
    [
      'no weights',
      '/weights_info',
      { tinker_path: 'tinker://a:train:0/weights/x' },
      404,
      /there are no weights at tinker:/,
    ],
    [
      'an address outside',
      '/weights_info',
      { tinker_path: 'tinker://../weights/x' },
      400,
      /no address of weights/,
    ],
    [
      'a path outside',
      '/weights_info',
      { tinker_path: 'tinker://a:train:0/weights/..' },
      400,
      /no address of weights/,
    ],
    ['no result', '/retrieve_future', { request_id: 'none' }, 410, /there is no result/],
    [
      'no prompt',
      '/asample',
      { base_model: 'miniature-base', prompt: input([]), sampling_params: {} },
      400,
      /prompt has no tokens/,
    ],
    [
      'a token outside',
      '/asample',
      { base_model: 'miniature-base', prompt: input([576]), sampling_params: {} },
      400,
      /has 576 at position 0/,
    ],
    [
      'too long',
      '/asample',
      { base_model: 'miniature-base', prompt: input(text), sampling_params: { max_tokens: 1020 } },
      400,
      /at most 1018 can follow/,
    ],
    [
      'no weights named',
      '/asample',
      { prompt: input(text), sampling_params: {} },
      400,
      /give sampling_session_id, model_path or base_model/,
    ],
    [
      'top_p',
      '/asample',
      { base_model: 'miniature-base', prompt: input(text), sampling_params: { top_p: 0 } },
      400,
      /top_p is 0/,
    ],
    [
      'a stop outside',
      '/asample',
      { base_model: 'miniature-base', prompt: input(text), sampling_params: { stop: [600] } },
      400,
      /stop has 600/,
    ],
    [
      'a field of another type',
      '/asample',
      { base_model: 'miniature-base', prompt: input(text), sampling_params: { seed: 'x' } },
      400,
      /sampling_params\.seed/,
    ],
    [
      'an image',
      '/asample',
      {
        base_model: 'miniature-base',
        prompt: { chunks: [{ type: 'image', data: '' }] },
        sampling_params: {},
      },
      400,
      /prompt\.chunks\[0\]/,
    ],
    ['nothing', '/asample', [], 400, /must be a JSON object/],
  ])('%s is refused in one line', async (_, path, body, status, detail) => {
    const session = await openSession(server)
    const sent = JSON.parse(JSON.stringify(body).replaceAll('SESSION', session))
    const answer = await server.call(path, sent)
    expect(answer).toMatchObject({ status, json: { detail: expect.stringMatching(detail) } })
    expect(answer.json.detail).not.toMatch(/\n/)
  })

  it.each([
    ['nothing', '', 400],
    ['noise', 'x'.repeat(50), 400],
    ['a message cut short', '\u001a\u00ff', 400],
  ])('a batch that is %s is refused', async (_, body, status) => {
    const answer = await fetch(`${server.url}/api/v1/forward_backward`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: Buffer.from(body, 'latin1'),
    })
    expect([status, 404]).toContain(answer.status)
  })
})

describe('servers with little room', () => {
  let server: TinkerTestServer
  afterEach(() => server.end())

  it('needs a key, but not for a link to a checkpoint', async () => {
    server = await startTinkerServer({ access: { keys: ['tml-secret'] } })
    expect((await server.call('/get_server_capabilities')).status).toBe(401)
    expect((await server.call('/healthz')).status).toBe(200)
    const headers = { 'x-api-key': 'tml-secret' }
    expect(
      (await server.call('/get_server_capabilities', undefined, headers)).json.supported_models,
    ).toMatchObject([{ model_name: 'miniature-base', max_context_length: 1024 }])
    expect((await server.call('/downloads/none')).status).toBe(410)
  })

  it('frees the models of a client that is gone, and tells it so', async () => {
    server = await startTinkerServer({ limits: { models: 1 } })
    const session = await openSession(server)
    const { model_id } = await server.result('/create_model', modelOf(session))
    const { request_id } = (await server.call('/forward_backward', batch(model_id, 1))).json
    const second = await openSession(server)
    expect((await server.call('/create_model', modelOf(second))).json.detail).toMatch(
      /room for no more: .*--models 2/,
    )
    await new Promise((resolve) => setTimeout(resolve, 100))
    server.app.service.sweep(50)
    expect((await server.call('/session_heartbeat', { session_id: session })).status).toBe(410)
    expect((await server.call('/optim_step', { model_id, adam_params })).json.detail).toMatch(/not loaded/)
    expect((await server.call('/retrieve_future', { request_id })).status).toBe(410)
    const third = await openSession(server)
    expect((await server.result('/create_model', modelOf(third))).model_id).toBe(`${third}:train:0`)
    expect(server.failures).toEqual([])
  })

  it('makes room for a client where another one is silent', async () => {
    server = await startTinkerServer({ limits: { silence: 50, models: 1 } })
    await server.result('/create_model', modelOf(await openSession(server)))
    await new Promise((resolve) => setTimeout(resolve, 100))
    const session = await openSession(server)
    expect((await server.result('/create_model', modelOf(session))).model_id).toBe(`${session}:train:0`)
  })

  it('tells a client to ask again for what takes long', async () => {
    server = await startTinkerServer({ limits: { poll: 0 } })
    const { request_id } = (await server.call('/create_model', modelOf(await openSession(server)))).json
    expect(await server.call('/retrieve_future', { request_id })).toEqual({
      status: 408,
      json: { type: 'try_again', request_id, queue_state: 'active' },
    })
  })

  it('refuses work beyond what may wait', async () => {
    server = await startTinkerServer({ limits: { pending: 1 } })
    const ask = {
      base_model: 'miniature-base',
      prompt: input(text),
      sampling_params: { max_tokens: 500, stop: [] },
    }
    const answers = await Promise.all([ask, ask, ask].map((body) => server.call('/asample', body)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 429, 429])
    const { request_id } = answers.find(({ status }) => status === 200)!.json
    await server.call('/cancel_future', { request_id })
    expect((await server.call('/retrieve_future', { request_id })).json.error).toMatch(/cancelled/)
  })

  it('started again, has what was saved, and goes on from it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ruminate-tinker-'))
    try {
      server = await startTinkerServer({ folder })
      const session = await openSession(server)
      const { model_id } = await server.result('/create_model', modelOf(session))
      await server.result('/forward_backward', batch(model_id, 1))
      await server.result('/optim_step', { model_id, seq_id: 2, adam_params })
      const { path } = await server.result('/save_weights', { model_id, path: 'one', seq_id: 3 })
      expect(await server.result('/save_weights', { model_id, path: 'one', seq_id: 4 })).toMatchObject({
        category: 'user',
        error: expect.stringMatching(/already: give another name, or overwrite=True/),
      })
      await server.result('/save_weights', { model_id, path: 'one', seq_id: 5, overwrite: true })
      await server.result('/save_weights_for_sampler', { model_id, sampling_session_seq_id: 0, seq_id: 6 })
      const run = model_id.replaceAll(':', '_')
      expect(readdirSync(join(folder, run, 'unnamed'))).toHaveLength(1)
      const before = await server.result('/forward_backward', batch(model_id, 7))
      await server.end({ keep: true })

      server = await startTinkerServer({ folder })
      expect(existsSync(join(folder, run, 'unnamed'))).toBe(false)
      expect((await server.call('/optim_step', { model_id, adam_params })).status).toBe(404)
      expect((await server.call('/training_runs')).json).toMatchObject({
        training_runs: [{ training_run_id: model_id, lora_rank: 4, last_checkpoint: { tinker_path: path } }],
        cursor: { total_count: 1 },
      })
      const again = await openSession(server)
      const created = await server.result('/create_model', modelOf(again, 9))
      await server.result('/load_weights', { model_id: created.model_id, seq_id: 1, path, optimizer: true })
      const after = await server.result('/forward_backward', batch(created.model_id, 2))
      expect(after).toEqual(before)
      const other = { ...modelOf(again, 9, 1), lora_config: { rank: 8 } }
      const wrong = await server.result('/create_model', other)
      const refused = await server.call('/load_weights', {
        model_id: wrong.model_id,
        seq_id: 1,
        path,
        optimizer: true,
      })
      expect(refused.json.detail).toMatch(
        /has adapters of rank 4, .*, but the model trains adapters of rank 8/,
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

/** The files of a tar archive. */
async function untar(bytes: Buffer): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  const read: Promise<unknown>[] = []
  const parser = new Parser({
    onReadEntry: (entry) => {
      read.push(entry.concat().then((content) => files.set(entry.path, content)))
    },
  })
  await new Promise((resolve, reject) => parser.on('end', resolve).on('error', reject).end(bytes))
  await Promise.all(read)
  return files
}
