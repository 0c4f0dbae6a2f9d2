import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTinkerServer, type TinkerTestServer } from '../../testing/servers/tinker-server.ts'
import { type Datum, type Tensor, TinkerClient, type TinkerSession } from '../../tinker/index.ts'

/* Our own client against our own server. */

let server: TinkerTestServer
let client: TinkerClient
let session: TinkerSession
beforeAll(async () => {
  server = await startTinkerServer()
  client = new TinkerClient({ baseUrl: server.url, apiKey: 'tml-any', patience: 60 })
  session = await client.openSession()
})
afterAll(async () => {
  await session.close()
  await server.end()
})

const ints = (data: number[]): Tensor => ({ dtype: 'int64', data, shape: [data.length] })
const floats = (data: ArrayLike<number>): Tensor => ({ dtype: 'float32', data, shape: [data.length] })
/** A text whose first `prompt` tokens have no loss. */
const datum = (text: readonly number[], inputs: Record<string, Tensor>): Datum => ({
  model_input: { chunks: [{ type: 'encoded_text', tokens: text.slice(0, -1) }] },
  loss_fn_inputs: { target_tokens: ints(text.slice(1)), ...inputs },
})
const text = [488, 292, 317, 32, 49, 50]
const data = [datum(text, { weights: floats([0, 0, 1, 1, 1]) })]
const create = (seed: number) =>
  session.createModel({ baseModel: 'miniature-base', rank: 8, seed, vocabulary: 576, maxTokens: 1024 })

it('knows the models', async () => {
  expect(await client.healthy()).toBe(true)
  expect(await client.models()).toEqual(['miniature-base'])
})

it('trains, samples what it trained, and goes on from a saved state', async () => {
  const model = await create(1)
  expect(model.facts).toMatchObject({ rank: 8, alpha: 32 })
  const losses: number[] = []
  for (let i = 0; i < 8; i++) {
    const [output] = await Promise.all([
      model.forwardBackward(data, 'cross_entropy'),
      model.optimStep({ learning_rate: 3e-3 }),
    ])
    losses.push(output.metrics['loss:sum']!)
  }
  expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2)

  const sampler = await model.saveForSampling('step-8')
  const prompt = text.slice(0, 3)
  const { sequences, prompt_logprobs } = await sampler.sample(prompt, {
    max_tokens: 6,
    num_samples: 4,
    seed: 3,
    prompt_logprobs: true,
  })
  const rollouts = sequences.map(({ tokens, logprobs }, i) => {
    const all = [...prompt, ...Array.from(tokens)]
    const padded = (values: ArrayLike<number>) =>
      floats([...Array(prompt.length - 1).fill(0), ...Array.from(values)])
    return datum(all, {
      logprobs: padded(logprobs!),
      advantages: padded(Array(tokens.length).fill(i % 2 === 0 ? 1 : -1)),
    })
  })
  const { loss_fn_outputs } = await model.forward(rollouts, 'importance_sampling')
  for (const [i, { logprobs }] of sequences.entries()) {
    const own = Array.from(loss_fn_outputs[i]!.logprobs!.data)
    for (const [t, lp] of Array.from(logprobs!).entries())
      expect(Math.abs(own[prompt.length - 1 + t]! - lp)).toBeLessThan(1e-4)
    for (let t = 1; t < prompt.length; t++)
      expect(Math.abs(own[t - 1]! - prompt_logprobs![t]!)).toBeLessThan(1e-4)
  }
  for (const loss of ['importance_sampling', 'ppo', 'cispo', 'dro', 'gspo'] as const) {
    const { metrics } = await model.forwardBackward(rollouts, loss)
    expect(Number.isFinite(metrics['loss:sum'])).toBe(true)
  }
  const { grad_norm } = await model.optimStep({ learning_rate: 1e-3 })
  expect(grad_norm).toBeGreaterThan(0)

  const uri = await model.save('state')
  const expected = await model.forward(data)
  const resumed = await create(2)
  await resumed.load(uri)
  expect(await resumed.forward(data)).toEqual(expected)
  const next = [model, resumed].map(async (one) => {
    await one.forwardBackward(data, 'cross_entropy')
    await one.optimStep({ learning_rate: 1e-3 })
    return one.forward(data)
  })
  const [a, b] = await Promise.all(next)
  expect(b).toEqual(a)
  expect((await client.checkpoints(model.id)).map(({ tinker_path }) => tinker_path).sort()).toEqual([
    `tinker://${model.id}/sampler_weights/step-8`,
    uri,
  ])
  expect((await client.download(model.id, 'step-8')).length).toBeGreaterThan(1_000)
  await Promise.all([model.unload(), resumed.unload()])
})

it('is told that the model is lost when it was unloaded', async () => {
  const model = await create(3)
  await server.result('/unload_model', { model_id: model.id })
  await expect(model.optimStep()).rejects.toMatchObject({ kind: 'lost' })
})
