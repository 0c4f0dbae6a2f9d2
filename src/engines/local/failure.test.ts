import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { packageRoot } from '../../common/files/package.ts'
import { SafetensorsFile, writeSafetensors } from '../../models/checkpoint/safetensors.ts'
import { initParameters } from '../../models/parameters.ts'
import { tinyConfig, tinyConfigJson } from '../../testing/models.ts'
import type { Datum, Engine, ModelInMemory, Trainer } from '../contract.ts'
import { openLocalEngine } from './index.ts'
import type { Sequence } from './model/batches/sequences.ts'
import { Replica } from './threads/replica.ts'
import { Replicas } from './threads/replicas.ts'
import type * as threads from './threads/thread.ts'

/* What happens when a replica fails, when a thread dies, and when an engine is closed while its threads compute. */

/** The threads that were started. */
const started: threads.Thread[] = []
vi.mock('./threads/thread.ts', async (original) => {
  const { startThread } = await original<typeof threads>()
  return {
    startThread: (onDeath: (error: Error) => void) => {
      const thread = startThread(onDeath)
      started.push(thread)
      return thread
    },
  }
})

const tiny = tinyConfig('qwen3')
const small: ModelInMemory = { config: tiny, parameters: initParameters(tiny, 1) }
const crossEntropy = { kind: 'cross_entropy' } as const
const adam = { learningRate: 1e-2, beta1: 0.9, beta2: 0.99, eps: 1e-8, weightDecay: 0, gradClipNorm: 1 }
const datums: Datum[] = [9, 12, 7, 10].map((length, i) => ({
  tokens: Int32Array.from({ length }, (_, t) => (5 * t + i) % 50),
  targets: Int32Array.from({ length }, (_, t) => (7 * t + i) % 50),
  weights: new Float32Array(length).fill(0.1),
}))

const engines: { close(): Promise<void> }[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(engines.map((engine) => engine.close()))
  engines.length = 0
})
async function open(model = small): Promise<{ engine: Engine; trainer: Trainer }> {
  const engine = await openLocalEngine({ model, threads: 2 })
  engines.push(engine)
  return { engine, trainer: await engine.trainer() }
}
async function logprobs({ engine, trainer }: { engine: Engine; trainer: Trainer }): Promise<Float32Array[]> {
  const scorer = await engine.scorer(await trainer.snapshot())
  // each alone is computed by the first replica, all together by both
  const alone = await Promise.all(datums.map(async (datum) => (await scorer.logprobs([datum]))[0]!))
  const both = [...alone, ...(await scorer.logprobs(datums))]
  await scorer.close()
  return both
}

/** Makes one replica fail a call, by sending an impossible call instead. */
function failOnce(method: string, replica: number): void {
  const seen: Replica[] = []
  const original = Replica.prototype.call
  let failed = false
  vi.spyOn(Replica.prototype, 'call').mockImplementation(function (this: Replica, ...args) {
    if (args[0] === method) {
      seen.push(this)
      if (seen.length === replica + 1 && !failed) {
        failed = true
        return original.call(this, 'hold', [99, '/no/such/folder']) as never
      }
    }
    return original.apply(this, args)
  })
}

describe('one replica of two fails', () => {
  test.each(['forwardBackward', 'prepareStep'])(
    '%s: neither makes the step, and both continue in sync',
    async (method) => {
      const one = await open()
      const before = await logprobs(one)
      failOnce(method, 1)
      await expect(
        one.trainer.forwardBackward(datums, crossEntropy).then(() => one.trainer.optimStep(adam)),
      ).rejects.toThrow('there is no model folder /no/such/folder')
      expect(await logprobs(one)).toEqual(before)
      expect((await one.trainer.optimStep({ ...adam, learningRate: 0 })).gradNorm).toBe(0)

      const other = await open()
      await other.trainer.optimStep({ ...adam, learningRate: 0 })
      for (const { trainer } of [one, other]) {
        await trainer.forwardBackward(datums, crossEntropy)
        await trainer.optimStep(adam)
      }
      expect(await logprobs(one)).toEqual(await logprobs(other))
    },
  )

  test('a change that only one of them makes: they may differ, so every later call fails with the reason', async () => {
    const one = await open()
    const sampler = await one.engine.sampler(one.engine.base)
    await one.trainer.forwardBackward(datums, crossEntropy)
    failOnce('commit', 1)
    const reason = 'there is no model folder /no/such/folder'
    await expect(one.trainer.optimStep(adam)).rejects.toThrow(reason)
    vi.restoreAllMocks()
    for (const call of [
      () => sampler.sample(Int32Array.of(1), { n: 1, maxTokens: 1, temperature: 1, seed: 1 }),
      () => one.trainer.forwardBackward(datums, crossEntropy),
      () => one.trainer.optimStep(adam),
      () => one.trainer.snapshot(),
      () => one.engine.scorer(one.engine.base),
    ])
      await expect(call()).rejects.toThrow(reason)
    await sampler.close()
  })

  test('a gradient that only one of them can clear: every later call fails with the reason', async () => {
    const one = await open()
    failOnce('abandon', 1)
    const wrong = { ...datums[0]!, tokens: Int32Array.of(1_000_000) }
    await expect(one.trainer.forwardBackward([wrong], crossEntropy)).rejects.toThrow('datum 0')
    vi.restoreAllMocks()
    for (const call of [
      () => one.trainer.forwardBackward(datums, crossEntropy),
      () => one.trainer.optimStep(adam),
      () => one.engine.sampler(one.engine.base),
    ])
      await expect(call()).rejects.toThrow('there is no model folder /no/such/folder')
  })

  test('weights that one replica can neither read nor drop: the reason is why it cannot read them', async () => {
    const { engine } = await open()
    const original = Replica.prototype.call
    vi.spyOn(Replica.prototype, 'call').mockImplementation(function (this: Replica, ...args) {
      if (args[0] === 'drop') return Promise.reject(new Error('cannot drop')) as never
      return original.apply(this, args)
    })
    await expect(engine.scorer(engine.saved('/no/such/folder'))).rejects.toThrow(
      'no model folder /no/such/folder',
    )
  })

  test('a trainer that cannot be opened is not the only trainer', async () => {
    const engine = await openLocalEngine({ model: small, threads: 1 })
    engines.push(engine)
    failOnce('openTrainer', 0)
    await expect(engine.trainer()).rejects.toThrow('/no/such/folder')
    await expect(engine.trainer()).resolves.toBeDefined()
  })

  test('a checkpoint that one replica cannot read is loaded by neither', async () => {
    const one = await open()
    const folder = mkdtempSync(join(tmpdir(), 'ruminate-failure-'))
    try {
      await one.trainer.save(folder, { optimizer: true })
      await one.trainer.forwardBackward(datums, crossEntropy)
      await one.trainer.optimStep(adam)
      const before = await logprobs(one)
      failOnce('prepareLoad', 1)
      await expect(one.trainer.load(folder)).rejects.toThrow('/no/such/folder')
      expect(await logprobs(one)).toEqual(before)
      await one.trainer.load(folder)
      expect(await logprobs(one)).not.toEqual(before)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('saved weights that one replica cannot read are held by neither', async () => {
    const { engine } = await open()
    const folder = mkdtempSync(join(tmpdir(), 'ruminate-failure-'))
    try {
      await engine.save(engine.base, folder)
      for (let i = 0; i < 6; i++) {
        failOnce('hold', 1)
        await expect(engine.scorer(engine.saved(folder))).rejects.toThrow('/no/such/folder')
        vi.restoreAllMocks()
      }
      await expect(engine.scorer(engine.saved(folder))).resolves.toBeDefined()
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('the runtime', () => {
  const config = tinyConfig('qwen3', {
    vocab_size: 5000,
    hidden_size: 96,
    intermediate_size: 256,
    num_attention_heads: 6,
    head_dim: 16,
    max_position_embeddings: 512,
  })
  const model = { config, parameters: initParameters(config, 1) }
  const sequence = (length: number, token: number): Sequence => ({
    tokens: new Int32Array(length).fill(token),
    targets: new Int32Array(length),
    weights: new Float32Array(length).fill(1),
  })
  const long = Array.from({ length: 12 }, () => sequence(500, 1))
  const unknown = [sequence(5, 1_000_000)]
  const openReplicas = async () => {
    const { replicas } = await Replicas.open(2, { model, threads: 1 })
    engines.push(replicas)
    return replicas
  }

  test('an error in one reaches the caller once the other is done, and both keep working', async () => {
    const replicas = await openReplicas()
    for (const work of [
      [unknown, long],
      [long, unknown],
      [unknown, unknown],
    ])
      await expect(
        replicas.each(
          'logprobs',
          work.map((sequences) => [sequences, 0]),
        ),
      ).rejects.toThrow(/indices element out of data bounds/)
    expect(await replicas.all('logprobs', [sequence(3, 1)], 0)).toHaveLength(1)
  })

  test.each([
    ['one failed and the other computes', [unknown, long]],
    ['both fail', [unknown, unknown]],
    ['both compute', [long, long]],
  ])('an engine is closed while %s', async (_, work) => {
    for (const wait of [0, 30, 120]) {
      const replicas = await openReplicas()
      const call = replicas.each(
        'logprobs',
        work.map((sequences) => [sequences, 0]),
      )
      const outcome = call.then(
        () => 'computed',
        (error: Error) => error.message,
      )
      await new Promise((resolve) => setTimeout(resolve, wait))
      await Promise.all([replicas.close(), replicas.close()])
      // a fast machine has computed before the engine is closed
      expect(await outcome).toMatch(
        wait === 0 ? /was closed|out of data bounds/ : /was closed|out of data bounds|computed/,
      )
      await expect(replicas.all('abandon')).rejects.toThrow('the engine was closed')
    }
  })
})

test.each([0, 80, 320])(
  'a program that fails %d ms after the replicas begin to compute shows its own error',
  async (ms) => {
    const program = `
      import { openSampler } from ${JSON.stringify(join(packageRoot(), 'src', 'index.ts'))}
      const model = ${JSON.stringify(join(packageRoot(), 'models', 'miniature-base'))}
      const sampler = await openSampler({ model, threads: 2 })
      setTimeout(() => { throw new Error('the message') }, ${ms})
      for (;;) await sampler.sample(Int32Array.of(5), { n: 32, maxTokens: 200, temperature: 1, seed: 1 })`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
      cwd: packageRoot(),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let errors = ''
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk
    })
    const [code, signal] = await once(child, 'close')
    expect({ code, signal }).toEqual({ code: 1, signal: null })
    expect(errors).toContain('Error: the message')
  },
)

test('a thread that dies fails its calls, and every later one, with the reason', async () => {
  const { engine, trainer } = await open()
  const sampler = await engine.sampler(engine.base)
  const options = { n: 4, maxTokens: 40, temperature: 1, seed: 1 }
  const waiting = sampler.sample(Int32Array.of(1), options)
  started.at(-1)!.port.postMessage(null)
  const reason = /the engine's thread ended: .*null/
  await expect(trainer.forwardBackward(datums, crossEntropy)).rejects.toThrow(reason)
  await waiting.catch((error) => expect(error.message).toMatch(reason))
  await expect(sampler.sample(Int32Array.of(1), options)).rejects.toThrow(reason)
  await expect(trainer.optimStep(adam)).rejects.toThrow(reason)
  await sampler.close()
  await Promise.all([engine.close(), engine.close()])
})

test('a thread that dies fails the calls of a continuous sampler, and every later one, with the reason', async () => {
  const { engine } = await open()
  const sampler = await engine.sampler(engine.base, { schedule: 'continuous' })
  const options = { n: 1, maxTokens: 40, temperature: 1, seed: 1 }
  const waiting = Array.from({ length: 8 }, (_, i) => sampler.sample(Int32Array.of(1, i), options))
  const outcomes = Promise.allSettled(waiting)
  started.at(-1)!.port.postMessage(null)
  const reason = /the engine's thread ended: .*null/
  const failed = (await outcomes).filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  for (const { reason: error } of failed) expect(error.message).toMatch(reason)
  await expect(sampler.sample(Int32Array.of(1), options)).rejects.toThrow(reason)
  await sampler.close()
})

describe('a model that cannot be read fails when it is opened', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-damaged-'))
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test('a folder without weights', async () => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(tinyConfigJson('qwen3')))
    await expect(openLocalEngine({ model: folder, threads: 2 })).rejects.toThrow(/has no weights/)
  })

  test('weights in memory of another model', async () => {
    const parameters = new Map(small.parameters).set('model.norm.weight', new Float32Array(3))
    await expect(openLocalEngine({ model: { config: tiny, parameters }, threads: 2 })).rejects.toThrow(
      /model\.norm\.weight is missing or has another size/,
    )
  })
})

test('a checkpoint of an older version, with the reference policy inside, is refused', async () => {
  const { trainer } = await open()
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-older-'))
  try {
    await trainer.save(folder, { optimizer: true })
    const path = join(folder, 'optimizer.safetensors')
    const file = new SafetensorsFile(path)
    const tensors = new Map(
      [...file.tensors].map(([name, { shape }]) => [name, { shape, data: file.read(name) }]),
    )
    const [name, tensor] = [...tensors][0]!
    tensors.set(name.replace('m.', 'reference.'), tensor)
    writeSafetensors(path, tensors, { dtype: 'F32', metadata: file.metadata })
    file.close()
    await expect(trainer.load(folder)).rejects.toThrow(/older version .* start the run again/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
