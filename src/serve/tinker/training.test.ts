import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTinkerServer, type TinkerTestServer } from '../../testing/servers/tinker-server.ts'

/* The protocol as JSON, with the embedded base model. */

let server: TinkerTestServer
let session: string
beforeAll(async () => {
  server = await startTinkerServer()
  session = (await server.call('/create_session', { tags: [], user_metadata: {}, sdk_version: '0.25.0' }))
    .json.session_id
})
afterAll(() => server.end())

let models = 0
async function createModel(lora_config: object | null = { rank: 4, seed: 1 }): Promise<string> {
  const created = await server.result('/create_model', {
    session_id: session,
    model_seq_id: models++,
    base_model: 'miniature-base',
    lora_config,
  })
  return created.model_id
}
const unload = (model_id: string) => server.result('/unload_model', { model_id })

const input = (tokens: number[]) => ({ chunks: [{ type: 'encoded_text', tokens }] })
const floats = (data: number[]) => ({ data, dtype: 'float32', shape: [data.length] })
const ids = (data: number[]) => ({ data, dtype: 'int64', shape: [data.length] })
const text = [488, 292, 317, 32, 49, 50]
const datum = (inputs: object = {}) => ({
  model_input: input(text.slice(0, -1)),
  loss_fn_inputs: { target_tokens: ids(text.slice(1)), ...inputs },
})
const batch = (
  model_id: string,
  seq_id: number | null,
  loss_fn: string,
  data: object[],
  loss_fn_config?: object,
) => ({
  model_id,
  seq_id,
  forward_backward_input: { data, loss_fn, loss_fn_config },
})

describe('training', () => {
  it.each([
    ['adapters', { rank: 4, seed: 1 }, 3e-3],
    ['all weights', { rank: 0 }, 5e-4],
  ])(
    'of %s: cross-entropy falls, the sampler agrees with the trainer, and a saved state goes on',
    async (_, config, learning_rate) => {
      const model_id = await createModel(config)
      const weights = floats([0, 0, 1, 1, 1])
      const losses: number[] = []
      let seq = 1
      const step = async () => {
        const output = await server.result(
          '/forward_backward',
          batch(model_id, seq++, 'cross_entropy', [datum({ weights })]),
        )
        const { metrics } = await server.result('/optim_step', {
          model_id,
          seq_id: seq++,
          adam_params: { learning_rate },
        })
        expect(metrics.grad_norm).toBeGreaterThan(0)
        losses.push(output.metrics['loss:sum'])
        return output
      }
      for (let i = 0; i < 6; i++) await step()
      expect(losses.at(-1)!).toBeLessThan(losses[0]! / 2)

      const saved = await server.result('/save_weights', { model_id, path: 'state', seq_id: seq++ })
      expect(saved.path).toBe(`tinker://${model_id}/weights/state`)
      const { sampling_session_id } = await server.result('/save_weights_for_sampler', {
        model_id,
        sampling_session_seq_id: models,
        seq_id: seq++,
      })
      const now = await server.result('/forward', {
        model_id,
        forward_input: { data: [datum({ weights })], loss_fn: 'cross_entropy' },
      })
      const lps: number[] = now.loss_fn_outputs[0].logprobs.data
      expect(lps.every((lp) => lp < 0)).toBe(true)
      const sampled = await server.result('/asample', {
        sampling_session_id,
        seq_id: 0,
        prompt: input(text),
        sampling_params: { max_tokens: 2, temperature: 1, seed: 1 },
        prompt_logprobs: true,
      })
      expect(sampled.prompt_logprobs[0]).toBeNull()
      for (const [t, lp] of lps.entries())
        expect(Math.abs(sampled.prompt_logprobs[t + 1] - lp)).toBeLessThan(1e-4)

      const next = await step()
      const info = await server.call('/weights_info', { tinker_path: saved.path })
      expect(info.json).toMatchObject({ base_model: 'miniature-base', is_lora: config.rank > 0 })
      await unload(model_id)
      const resumed = await server.result('/load_weights', {
        session_id: session,
        model_seq_id: models++,
        path: saved.path,
        optimizer: true,
      })
      const again = await server.result(
        '/forward_backward',
        batch(resumed.model_id, 1, 'cross_entropy', [datum({ weights })]),
      )
      expect(again.loss_fn_outputs).toEqual(next.loss_fn_outputs)
      await unload(resumed.model_id)
    },
  )
})
