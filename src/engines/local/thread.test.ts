import { afterAll, expect, test, vi } from 'vitest'
import { initParameters } from '../../models/parameters.ts'
import { tinyConfig } from '../../testing/models.ts'
import { openLocalTrainer } from './index.ts'
import { startThread } from './thread.ts'

const config = tinyConfig('qwen3')
const trainer = await openLocalTrainer({
  model: { config, parameters: initParameters(config, 1) },
  threads: 1,
})
afterAll(() => trainer.close())

const prompt = Int32Array.of(1, 2, 3)
const options = { n: 2, maxTokens: 5, temperature: 1, seed: 1 }
const adam = { learningRate: 1e-3, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, gradClipNorm: 1 }

test('requests of one tick are batched, each gets its own sequences, tokens are streamed', async () => {
  const sampler = await trainer.sampler()
  const streamed: number[][] = [[], []]
  const [a, b] = await Promise.all([
    sampler.sample(prompt, { ...options, onToken: (index, token) => streamed[index]!.push(token) }),
    sampler.sample(prompt, { ...options, seed: 2 }),
  ])
  expect(streamed).toEqual(a.map((s) => [...s.tokens]))
  expect(b.map((s) => [...s.tokens])).not.toEqual(streamed)
})

test('an error in the thread reaches the caller, and the engine goes on', async () => {
  const sampler = await trainer.sampler()
  await expect(sampler.sample(new Int32Array(0), options)).rejects.toThrow(/prompt is empty/)
  await expect(sampler.sample(prompt, options)).resolves.toHaveLength(2)
})

test('a sampler of an earlier policy is refused', async () => {
  const sampler = await trainer.sampler()
  await trainer.optimStep(adam)
  await expect(sampler.sample(prompt, options)).rejects.toThrow(/earlier policy/)
})

test('an engine that is closed answers no more, and leaves no call waiting', async () => {
  const closing = await openLocalTrainer({
    model: { config, parameters: initParameters(config, 1) },
    threads: 2,
  })
  const sampler = await closing.sampler()
  const waiting = sampler.sample(prompt, { ...options, maxTokens: 200 })
  await Promise.all([expect(waiting).rejects.toThrow(/was closed/), closing.close()])
  await expect(closing.optimStep(adam)).rejects.toThrow(/was closed/)
})

test('a thread that ends by itself fails its calls', async () => {
  const errors: Error[] = []
  const thread = startThread((error) => errors.push(error))
  // no options, and no call either
  thread.port.postMessage(null)
  await vi.waitFor(() => expect(errors).toHaveLength(1))
  expect(errors[0]!.message).toMatch(/null/)
  await thread.terminate()
})
