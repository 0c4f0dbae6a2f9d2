import { afterEach, describe, expect, test } from 'vitest'
import { replayServer } from '../../testing/servers/tinker-replay.ts'
import type { TinkerStandIn } from '../../testing/servers/tinker-stand-in.ts'
import type { Datum, Tensor } from '../protocol/index.ts'
import { TinkerClient } from './client.ts'

/* The official SDK's session with released servers, by this client: it must send the same, and read what came back. */

let server: TinkerStandIn
afterEach(() => server.stop())

const ints = (data: number[]): Tensor => ({ dtype: 'int64', data, shape: [data.length] })
const floats = (data: number[]): Tensor => ({ dtype: 'float32', data, shape: [data.length] })
const datum = (tokens: number[], loss_fn_inputs: Record<string, Tensor>): Datum => ({
  model_input: { chunks: [{ type: 'encoded_text', tokens }] },
  loss_fn_inputs,
})
const text = datum([488, 292, 317], { target_tokens: ints([292, 317, 32]), weights: floats([0, 1, 1]) })
const response = datum([488, 292, 317], {
  target_tokens: ints([292, 317, 32]),
  logprobs: floats([0, -1.5, -0.25]),
  advantages: floats([0, 1, 1]),
})
const logprobs = (outputs: readonly Readonly<Record<string, Tensor>>[]) =>
  outputs.map((output) => Array.from(output.logprobs!.data))
const near = (values: number[]) => values.map((value) => expect.closeTo(value, 4))

describe.each([
  ['skyrl 0.4.0', 'protobuf'],
  ['skyrl 0.3.0', 'json'],
] as const)('%s', (name, encoding) => {
  test('trains, saves, samples, and goes on from what was saved', async () => {
    server = await replayServer(name)
    if (encoding === 'json') server.next('/forward_backward', { status: 422, json: { detail: 'not JSON' } })
    const client = new TinkerClient({ baseUrl: server.url, apiKey: 'tml-dummy', patience: 1 })
    expect(await client.healthy()).toBe(true)
    expect(await client.models()).toEqual(['models/tiny'])
    const session = await client.openSession()
    const model = await session.createModel({ baseModel: 'models/tiny', rank: 4, seed: 1 })
    expect(model).toMatchObject({ id: 'model_00000001', facts: { rank: 4, alpha: 32 } })

    const before = await model.forward([text])
    expect(model.encoding).toBe(encoding)
    expect(logprobs(before.loss_fn_outputs)).toEqual([near([-9.810803, -1.6299086, -1.9073486e-6])])
    await model.forwardBackward([text], 'cross_entropy')
    expect((await model.optimStep({ learning_rate: 0.01 }))['skyrl.ai/grad_norm']).toBeGreaterThan(1)
    await model.forwardBackward([response], 'importance_sampling')
    await model.forwardBackward([response], 'ppo')
    await model.optimStep({ learning_rate: 0.01 })

    expect(await model.save('step-1')).toBe('tinker://model_00000001/weights/step-1')
    const sampler = await model.saveForSampling('sampler-1')
    expect(sampler.path).toBe('tinker://model_00000001/sampler-1')
    const sampled = await sampler.sample([488, 292, 317], { max_tokens: 2, seed: 1 })
    expect(sampled.sequences).toMatchObject([{ stop_reason: 'length' }])
    expect(Array.from(sampled.sequences[0]!.tokens)).toEqual([32, 55])
    const base = await session.sampler({ baseModel: 'models/tiny' })
    const { sequences } = await base.sample([488, 292, 317], { max_tokens: 2, seed: 1 })
    expect(Array.from(sequences[0]!.logprobs!)).toEqual(near([-1.9073486e-6, -2.9125957]))

    expect(await client.weightsInfo('tinker://model_00000001/weights/step-1')).toMatchObject({ lora_rank: 4 })
    const again = await session.createModel({ baseModel: 'models/tiny', rank: 4 })
    await again.load('tinker://model_00000001/weights/step-1')
    await again.forwardBackward([text], 'cross_entropy')
    expect((await again.optimStep({ learning_rate: 0.01 }))['skyrl.ai/grad_norm']).toBeCloseTo(0.4723, 3)
    const found = await client.checkpoints('model_00000001')
    expect(found.map(({ checkpoint_type }) => checkpoint_type)).toEqual(['sampler', 'sampler', 'training'])
    expect(await client.trainingRun('model_00000001')).toMatchObject({ lora_rank: 4, is_lora: true })
    expect(server.asked.filter(({ path }) => path.includes('telemetry'))).toEqual([])
    session.end()
  })

  test('what is saved already is found', async () => {
    server = await replayServer(name)
    const client = new TinkerClient({ baseUrl: server.url, apiKey: 'tml-dummy', patience: 1 })
    const session = await client.openSession()
    const model = await session.createModel({ baseModel: 'models/tiny', rank: 4, seed: 1 })
    server.next('/save_weights', {
      status: 409,
      json: { detail: "Checkpoint 'step-1' already exists for model 'model_00000001'" },
    })
    expect(await model.save('step-1')).toBe('tinker://model_00000001/weights/step-1')
    session.end()
  })
})
