import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach } from 'vitest'
import type { Engine, SampledSequence, Sampler, Trainer, Weights } from '../contract.ts'
import { adam, crossEntropy, data, options } from './data.ts'

/** The engine that is tested. */
export interface Subject {
  /** Opens the same model again. */
  readonly open: () => Promise<Engine>
  /** Size of the vocabulary; token 0 ends every prompt. */
  readonly vocabSize: number
}

/** What the tests of a language model use. */
export function languageModel(subject: Subject) {
  const { prompts, datums } = data(subject.vocabSize)
  /** The log-probs of the datums. */
  const logprobs = async (engine: Engine, weights: Weights): Promise<Float32Array[]> => {
    const scorer = await engine.scorer(weights)
    try {
      return await scorer.logprobs(datums)
    } finally {
      await scorer.close()
    }
  }
  /** The log-probs of the datums with the weights that the trainer has now. */
  const now = async (engine: Engine, trainer: Trainer) => logprobs(engine, await trainer.snapshot())
  /** Trains on the datums. */
  const step = async (trainer: Trainer) => {
    await trainer.forwardBackward(datums, crossEntropy)
    return trainer.optimStep(adam)
  }
  const sampleAll = (sampler: Sampler): Promise<SampledSequence[][]> =>
    Promise.all(prompts.map((prompt, i) => sampler.sample(prompt, { ...options, seed: i })))
  return {
    ...resources(subject),
    vocabSize: subject.vocabSize,
    prompts,
    datums,
    logprobs,
    now,
    step,
    sampleAll,
  }
}
export type LanguageModel = ReturnType<typeof languageModel>

/** What the tests use: engines, since most tests can share one, and a folder for each test. */
export function resources(subject: Pick<Subject, 'open'>) {
  let engines: Engine[] = []
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'ruminate-conformance-'))
  })
  afterEach(async () => {
    await Promise.all(engines.map((engine) => engine.close()))
    engines = []
    rmSync(directory, { recursive: true, force: true })
  })

  const start = mkdtempSync(join(tmpdir(), 'ruminate-conformance-start-'))
  let first: Promise<Engine> | null = null
  let second: Promise<{ engine: Engine; trainer: Trainer }> | null = null
  const openTrained = async () => {
    const engine = await subject.open()
    const trainer = await engine.trainer()
    await trainer.save(start, { optimizer: true })
    return { engine, trainer }
  }
  afterAll(async () => {
    await (await first)?.close()
    await (await second)?.engine.close()
    rmSync(start, { recursive: true, force: true })
  })
  return {
    /** A new engine, closed after the test. */
    open: async (): Promise<Engine> => {
      const engine = await subject.open()
      engines.push(engine)
      return engine
    },
    /** An engine shared by tests that do not change its weights. */
    untrained: (): Promise<Engine> => {
      first ??= subject.open()
      return first
    },
    /**
     * A trainer and its engine, shared by tests that train and do not need the base weights afterwards. Each test
     * starts from the same weights, without a gradient; a further call in a test goes back to them.
     */
    trained: async (): Promise<{ engine: Engine; trainer: Trainer }> => {
      second ??= openTrained()
      await (await second).trainer.load(start)
      return second
    },
    folder: () => directory,
  }
}
