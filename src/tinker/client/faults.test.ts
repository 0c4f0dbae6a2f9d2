import { afterEach, describe, expect, test, vi } from 'vitest'
import { type Sent, TinkerStandIn } from '../../testing/servers/tinker-stand-in.ts'
import type { Datum, LossName, Tensor } from '../protocol/index.ts'
import { TinkerClient } from './client.ts'
import type { TinkerModel } from './model.ts'
import type { TinkerSession } from './session.ts'

const KEY = 'tml-secret-key'
let server: TinkerStandIn
let session: TinkerSession | null = null
const notices: string[] = []
afterEach(async () => {
  session?.end()
  session = null
  notices.length = 0
  await server.stop()
})

const connect = (options: { patience?: number } = {}) =>
  new TinkerClient({
    baseUrl: server.url,
    apiKey: KEY,
    patience: 20,
    onNotice: (line) => notices.push(line),
    ...options,
  })

/** A model with limits, on a server that does its work unless a test says otherwise. */
async function model(options: { patience?: number } = {}): Promise<TinkerModel> {
  server = await TinkerStandIn.start()
  session = await connect(options).openSession()
  return session.createModel({ baseModel: 'tiny', rank: 4, vocabulary: 100, maxTokens: 8 })
}

const ints = (data: number[]): Tensor => ({ dtype: 'int64', data, shape: [data.length] })
const floats = (data: number[]): Tensor => ({ dtype: 'float32', data, shape: [data.length] })
const inputs = { target_tokens: ints([2, 3, 4]), weights: floats([0, 1, 1]) }
const policy = {
  target_tokens: ints([2, 3, 4]),
  logprobs: floats([0, -1, -1]),
  advantages: floats([0, 1, 1]),
}
const datum = (loss_fn_inputs: Record<string, Tensor> = inputs, tokens = [1, 2, 3]): Datum => ({
  model_input: { chunks: [{ type: 'encoded_text', tokens }] },
  loss_fn_inputs,
})
const detail = (status: number, text: string): Sent => ({ status, json: { detail: text } })

describe('what a server computes nonsense from is never sent', () => {
  const { weights: _, ...unweighted } = inputs
  const cases: [string, Datum[], LossName, RegExp][] = [
    ['no data', [], 'cross_entropy', /no datum/],
    ['no tokens', [datum(inputs, [])], 'cross_entropy', /datum 0 has no tokens/],
    ['too many tokens', [datum(inputs, Array(9).fill(1))], 'cross_entropy', /9 tokens.*at most 8/],
    [
      'a token outside the vocabulary',
      [datum(), datum(inputs, [1, 100, 3])],
      'cross_entropy',
      /datum 1 has the token 100.*100 tokens/,
    ],
    ['a negative token', [datum(inputs, [1, -1, 3])], 'cross_entropy', /token -1/],
    [
      'a target outside the vocabulary',
      [datum({ ...inputs, target_tokens: ints([2, 3, 999]) })],
      'cross_entropy',
      /target_tokens of datum 0.*999/,
    ],
    [
      'no targets',
      [datum({ weights: inputs.weights })],
      'cross_entropy',
      /target_tokens of datum 0 is missing/,
    ],
    [
      'fewer targets than tokens',
      [datum({ ...inputs, target_tokens: ints([2, 3]) })],
      'cross_entropy',
      /2 values for 3 tokens/,
    ],
    ['no weights', [datum(unweighted)], 'cross_entropy', /weights of datum 0 is missing/],
    [
      'weights that are no numbers',
      [datum({ ...inputs, weights: floats([0, Number.NaN, 1]) })],
      'cross_entropy',
      /NaN at position 1/,
    ],
    [
      'no log-probs',
      [datum({ ...policy, logprobs: undefined as never })],
      'ppo',
      /logprobs of datum 0 is missing/,
    ],
    [
      'no advantages',
      [datum({ target_tokens: policy.target_tokens, logprobs: policy.logprobs })],
      'importance_sampling',
      /advantages of datum 0 is missing/,
    ],
    [
      'advantages of another length',
      [datum({ ...policy, advantages: floats([1]) })],
      'cispo',
      /1 values for 3 tokens/,
    ],
    [
      'a shape that does not fit',
      [datum({ ...inputs, weights: { dtype: 'float32', data: [0, 1, 1], shape: [2] } })],
      'cross_entropy',
      /do not fit its shape/,
    ],
    [
      'an input that the loss does not read',
      [datum({ ...inputs, advantages: floats([0, 1, 1]) })],
      'cross_entropy',
      /does not read advantages/,
    ],
    ['a loss that there is not', [datum()], 'hinge' as LossName, /no loss hinge/],
  ]
  test.each(cases)('%s', async (_, data, loss, message) => {
    const trained = await model()
    const asked = server.asked.length
    await expect(trained.forwardBackward(data, loss)).rejects.toThrow(message)
    await expect(trained.forward(data, loss)).rejects.toMatchObject({ name: 'TinkerError', kind: 'request' })
    expect(server.asked).toHaveLength(asked)
  })

  test('a setting that the loss does not have', async () => {
    const trained = await model()
    await expect(trained.forwardBackward([datum(policy)], 'ppo', { config: { beta: 1 } })).rejects.toThrow(
      /ppo has no setting beta: its settings are clip_low_threshold/,
    )
  })

  test.each([
    ['an empty prompt', [], { max_tokens: 1 }, /prompt has no tokens/],
    ['a token outside the vocabulary', [1, 100], { max_tokens: 1 }, /token 100/],
    ['no tokens to sample', [1], { max_tokens: 0 }, /max_tokens must be/],
    ['no sequences', [1], { max_tokens: 1, num_samples: 0 }, /num_samples must be/],
  ])('%s', async (_, prompt, options, message) => {
    const sampler = await (await model()).saveForSampling('now')
    await expect(sampler.sample(prompt, options)).rejects.toThrow(message)
  })

  test.each(['', 'a/b', 'a b', 'x'.repeat(256)])('the name %s of a checkpoint', async (name) => {
    await expect((await model()).save(name)).rejects.toThrow(/is no name of a checkpoint/)
  })
})

describe('failures that pass', () => {
  test.each<[string, string, Sent[]]>([
    ['a broken connection', '/forward_backward', ['drop', 'drop']],
    ['503 and 502', '/forward_backward', [detail(503, 'starting'), detail(502, 'gone')]],
    ['500', '/optim_step', [detail(500, 'Internal Server Error')]],
    ['429 with a wait', '/forward_backward', [{ status: 429, headers: { 'retry-after': '0' } }]],
    ['a page of a proxy', '/optim_step', [{ status: 504, bytes: Buffer.from('<html>') }]],
    [
      '408 of a long poll',
      '/retrieve_future',
      [detail(408, 'Timeout waiting for result'), detail(408, 'again')],
    ],
    ['a long poll that breaks', '/retrieve_future', ['drop']],
    ['try again', '/retrieve_future', [{ json: { type: 'try_again', queue_state: 'active' } }]],
    ['400 twice', '/retrieve_future', [detail(400, 'busy'), detail(400, 'busy')]],
  ])('%s', async (_, path, sent) => {
    const trained = await model()
    server.next(path, ...sent)
    const { loss_fn_outputs } = await trained.forwardBackward([datum()], 'cross_entropy')
    expect(Array.from(loss_fn_outputs[0]!.logprobs!.data)).toEqual([-1, -1, -1])
    expect(await trained.optimStep()).toEqual({ grad_norm: 1 })
  })

  test('410: the work is submitted again, with the same number', async () => {
    const trained = await model()
    server.next('/retrieve_future', detail(410, 'expired'))
    await trained.optimStep()
    const steps = server.asked.filter(({ path }) => path === '/optim_step')
    expect(steps.map(({ json }) => json.seq_id)).toEqual([1, 1])
    expect(steps[0]!.json).toEqual(steps[1]!.json)
  })

  test('a server that restarts: one line when it is gone, one when it is back', async () => {
    const trained = await model()
    const { port } = server
    await server.stop()
    const step = trained.optimStep()
    await new Promise((resolve) => setTimeout(resolve, 800))
    await server.listen(port)
    await step
    expect(notices).toEqual([
      expect.stringMatching(/cannot be reached \(\w+\); trying again for up to 20 s/),
      expect.stringMatching(/answers again after \d+ s/),
    ])
  })

  test('409 "already exists" is success if the server lists it, else a failure', async () => {
    const trained = await model()
    const listed = {
      checkpoint_id: 'a',
      checkpoint_type: 'training',
      time: '',
      tinker_path: 'tinker://m/weights/a',
    }
    server.next('/save_weights', detail(409, "Checkpoint 'a' already exists for model"))
    server.next(`/training_runs/${trained.id}/checkpoints`, { json: { checkpoints: [listed] } })
    expect(await trained.save('a')).toBe('tinker://m/weights/a')
    server.next('/save_weights', detail(409, "Checkpoint 'b' already exists for model"))
    server.next(`/training_runs/${trained.id}/checkpoints`, { json: { checkpoints: [listed] } })
    await expect(trained.save('b')).rejects.toThrow(/has b already, but does not list it/)
  })
})

describe('failures that last', () => {
  test.each<[string, string, Sent[], string, RegExp]>([
    [
      'a number that was used for another body',
      '/optim_step',
      [detail(409, 'sequence number was reused')],
      'request',
      /reused/,
    ],
    [
      'a model that is gone',
      '/retrieve_future',
      [detail(400, 'Model m not loaded (likely stale request)')],
      'lost',
      /not loaded/,
    ],
    ['a model that never was', '/optim_step', [detail(404, 'Model not found')], 'lost', /Model not found/],
    [
      'a failure of the user',
      '/retrieve_future',
      [{ json: { error: 'rank too high', category: 'user' } }],
      'request',
      /rank too high/,
    ],
    [
      'a failure of the server',
      '/retrieve_future',
      [{ json: { error: 'out of memory', category: 'server' } }],
      'server',
      /out of memory/,
    ],
    ['400 three times', '/retrieve_future', Array(3).fill(detail(400, 'no')), 'request', /OptimStep: no/],
    [
      'an answer that is not JSON',
      '/optim_step',
      [{ json: undefined, headers: {}, bytes: Buffer.from('ok') }],
      'server',
      /answer to \/optim_step/,
    ],
    [
      'an answer of another shape',
      '/retrieve_future',
      [{ json: { metrics: 3 } }],
      'server',
      /answer to OptimStep is not that of the protocol: metrics/,
    ],
    [
      'a field that is wrong',
      '/optim_step',
      [{ status: 422, json: { detail: [{ loc: ['body', 'eps'], msg: 'must be above 0' }] } }],
      'request',
      /body\.eps: must be above 0/,
    ],
    [
      'a wrong key',
      '/optim_step',
      [detail(401, `the key ${KEY} is wrong`)],
      'request',
      /the key \*\*\* is wrong/,
    ],
  ])('%s', async (_, path, sent, kind, message) => {
    const trained = await model()
    server.next(path, ...sent)
    const failure = await trained.optimStep().catch((error: unknown) => error)
    expect(failure).toMatchObject({ name: 'TinkerError', kind })
    expect((failure as Error).message).toMatch(message)
    expect((failure as Error).message).not.toContain('\n')
    expect(`${(failure as Error).message}${(failure as Error).stack}`).not.toContain(KEY)
  })

  test('a server that is gone for longer than the patience', async () => {
    const trained = await model({ patience: 1 })
    await server.stop()
    await expect(trained.optimStep()).rejects.toMatchObject({ kind: 'unreachable' })
    await server.listen(0)
  })

  test('a server that has never answered is given up sooner', async () => {
    server = await TinkerStandIn.start()
    const client = connect({ patience: 1800 })
    await server.stop()
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => {
      now += 8000
      return now
    })
    await expect(client.models()).rejects.toThrow(/could not be reached for 30 s .*is the address right\?$/)
    expect(notices).toEqual([expect.stringMatching(/cannot be reached .*trying again for up to 30 s$/)])
    vi.restoreAllMocks()
    await server.listen(0)
  })

  test('a step whose fate is unknown is not sent twice to a server that would take it twice', async () => {
    const trained = await model()
    trained.recognisesRepeats = false
    server.next('/optim_step', 'drop')
    await expect(trained.optimStep()).rejects.toMatchObject({ kind: 'unknown-outcome' })
    expect(server.paths.filter((path) => path === '/optim_step')).toHaveLength(1)
    await trained.forward([datum()])
  })

  test.each<[string, (request: { json: { num_samples: number } }) => object, RegExp]>([
    ['fewer sequences', () => ({ sequences: [] }), /0 sequences, not 1/],
    [
      'no tokens',
      () => ({ sequences: [{ tokens: [], logprobs: [], stop_reason: 'stop' }] }),
      /sampled 0 tokens/,
    ],
    [
      'too many tokens',
      () => ({ sequences: [{ tokens: [1, 2, 3], logprobs: [0, 0, 0], stop_reason: 'stop' }] }),
      /3 tokens, not 1 to 2/,
    ],
    [
      'too few log-probs',
      () => ({ sequences: [{ tokens: [1, 2], logprobs: [0], stop_reason: 'stop' }] }),
      /1 log-probs for 2 tokens/,
    ],
  ])('samples with %s', async (_, answer, message) => {
    const sampler = await (await model()).saveForSampling('now')
    server.next('/retrieve_future', { json: answer({ json: { num_samples: 1 } }) })
    await expect(sampler.sample([1], { max_tokens: 2 })).rejects.toThrow(message)
  })

  test.each([
    ['fewer outputs', [], /0 outputs for 1 datums/],
    ['too few log-probs', [{ logprobs: floats([-1]) }], /1 log-probs for 3 targets/],
  ])('a pass with %s', async (_, loss_fn_outputs, message) => {
    const trained = await model()
    server.next('/retrieve_future', { json: { loss_fn_output_type: '', loss_fn_outputs, metrics: {} } })
    await expect(trained.forward([datum()])).rejects.toThrow(message)
  })
})

describe('cancellation', () => {
  test('of a call whose long poll hangs, with the signal’s reason', async () => {
    const trained = await model()
    server.next('/retrieve_future', 'hang')
    const aborting = new AbortController()
    const step = trained.optimStep({}, { signal: aborting.signal })
    setTimeout(() => aborting.abort(new Error('enough')), 100)
    await expect(step).rejects.toThrow('enough')
  })

  test('of a session: its calls end', async () => {
    const trained = await model()
    server.next('/retrieve_future', 'hang')
    const step = trained.optimStep()
    setTimeout(() => session!.end(), 100)
    await expect(step).rejects.toThrow(/session was closed/)
    await expect(trained.optimStep()).rejects.toThrow(/session was closed/)
  })

  test('before it begins', async () => {
    const trained = await model()
    const signal = AbortSignal.abort(new Error('never'))
    const asked = server.asked.length
    await expect(trained.optimStep({}, { signal })).rejects.toThrow('never')
    expect(server.asked).toHaveLength(asked)
  })
})

test('requests reach the server in the order of the calls, while earlier ones are under way', async () => {
  const trained = await model()
  await Promise.all([
    trained.forwardBackward([datum()], 'cross_entropy'),
    trained.optimStep(),
    trained.forwardBackward([datum()], 'cross_entropy'),
    trained.optimStep(),
  ])
  const order = server.paths.filter((path) => path === '/forward_backward' || path === '/optim_step')
  expect(order).toEqual(['/forward_backward', '/optim_step', '/forward_backward', '/optim_step'])
})

test('a large batch is sent in parts, and its outputs come back in order', async () => {
  const trained = await model()
  const data = Array.from({ length: 2100 }, () => datum())
  const { loss_fn_outputs, metrics } = await trained.forwardBackward(data, 'cross_entropy')
  expect(loss_fn_outputs).toHaveLength(2100)
  expect(metrics).toEqual({ 'loss:sum': 2100 })
  expect(server.paths.filter((path) => path === '/forward_backward')).toHaveLength(3)
})

test('no more requests for samples are under way than allowed', async () => {
  let [now, most] = [0, 0]
  server = await TinkerStandIn.start()
  const client = new TinkerClient({ baseUrl: server.url, apiKey: KEY, concurrency: 3 })
  session = await client.openSession()
  const sampler = await session.sampler({ baseModel: 'tiny' })
  await Promise.all(
    Array.from({ length: 12 }, async () => {
      server.next('/asample', (asked) => {
        now++
        most = Math.max(most, now)
        return server.usually(asked)
      })
      await sampler.sample([1], { max_tokens: 2 }).finally(() => now--)
    }),
  )
  expect(most).toBeLessThanOrEqual(3)
})

test('the log-probs of a prompt have one for each token, whether the server leaves out the first or not', async () => {
  const sampler = await (await model()).saveForSampling('now')
  const { prompt_logprobs } = await sampler.sample([1, 2, 3], { max_tokens: 2, prompt_logprobs: true })
  expect(prompt_logprobs).toEqual([null, -1, -1])
})

test.each([
  [{ baseUrl: 'nowhere', apiKey: KEY }, /nowhere is no address/],
  [{ baseUrl: 'ftp://host', apiKey: KEY }, /is no address/],
  [{ baseUrl: '', apiKey: KEY }, /TINKER_BASE_URL/],
  [{ baseUrl: 'http://127.0.0.1:1', apiKey: '' }, /TINKER_API_KEY/],
  [{ baseUrl: 'http://127.0.0.1:1', apiKey: 'two\nlines' }, /one word/],
])('a client of %o is refused', async (options, message) => {
  server = await TinkerStandIn.start()
  expect(() => new TinkerClient(options)).toThrow(message)
})
