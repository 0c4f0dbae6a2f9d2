import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import type { Trainer } from '../engines/contract.ts'
import { openLocalTrainer } from '../engines/local/index.ts'
import { trainBpe } from '../models/bpe.ts'
import { chatTemplate } from '../models/chat-template.ts'
import type { ModelConfig } from '../models/config.ts'
import { initParameters } from '../models/parameters.ts'
import { Tokenizer } from '../models/tokenizer.ts'
import { SPECIAL_TOKENS, saveTokenizer, specialTokenList } from '../models/tokenizer-files.ts'
import { modelCard } from '../report/model-card.ts'
import { finishRun, type Trained } from '../runs/finish.ts'
import { Interrupted } from '../runs/interrupted.ts'
import { RunStore } from '../runs/store.ts'
import { checkSettings, type Tree } from '../settings/layers.ts'
import { type PretrainingStep, pretraining } from '../stages/supervise/pretraining.ts'
import { corpusDocuments } from '../tasks/miniature/index.ts'
import { R1_ZERO_TEMPLATE } from '../thinking/template.ts'

const whole = (least: number) => z.int().min(least)

/** Settings of `pretrain`; the defaults make the base that comes with the package. */
export const pretrainSettings = z.strictObject({
  seed: whole(0).default(0),
  /** To train on; every document is seen once. */
  tokens: whole(1).default(15_000_000),
  /** Share of the documents that is general text: small talk, facts, writing, requests. */
  general: z.number().min(0).max(1).default(0),
  /** Share of the answers, outside R1-Zero's template, that stand in a LaTeX box. */
  boxed: z.number().min(0).max(1).default(0),
  vocabulary: whole(262).default(512),
  /** From which the tokenizer is learned. */
  tokenizerDocuments: whole(1).default(4000),
  model: z
    .strictObject({
      hiddenSize: whole(1).default(96),
      numLayers: whole(1).default(4),
      numHeads: whole(1).default(4),
      numKvHeads: whole(1).default(2),
      headDim: whole(2).multipleOf(2).default(24),
      intermediateSize: whole(1).default(264),
      ropeTheta: z.number().positive().default(10_000),
      maxPositions: whole(16).default(1024),
    })
    .refine(({ numHeads, numKvHeads }) => numHeads % numKvHeads === 0, {
      path: ['numHeads'],
      error: 'must be a multiple of model.numKvHeads',
    })
    .prefault({}),
  batchTokens: whole(1).default(2048),
  maxLength: whole(2).default(400),
  windowDocuments: whole(1).default(2048),
  learningRate: z.number().positive().default(4e-3),
  warmupSteps: whole(1).default(60),
  finalShare: z.number().min(0).max(1).default(0.03),
  beta1: z.number().min(0).lt(1).default(0.9),
  beta2: z.number().min(0).lt(1).default(0.98),
  eps: z.number().positive().default(1e-8),
  weightDecay: z.number().min(0).default(0.05),
  gradClipNorm: z.number().min(0).default(1),
  checkpointEvery: whole(1).default(500),
  threads: whole(1).nullable().default(null),
})
export type PretrainSettings = z.output<typeof pretrainSettings>

export interface PretrainResult extends Trained {
  readonly tokens: number
  /** Mean of the last 100 steps. */
  readonly loss: number
}

export interface PretrainWatch {
  readonly signal?: AbortSignal | undefined
  readonly onStart?: ((run: string, model: { vocabulary: number; parameters: number }) => void) | undefined
  readonly onStep?: ((step: PretrainingStep) => void) | undefined
}

/** Makes the miniature's base model: corpus → tokenizer → decoder → next-token prediction. */
export async function pretrain(
  settings: Tree = {},
  { out, ...watch }: PretrainWatch & { out?: string | undefined } = {},
): Promise<PretrainResult> {
  const checked = checkSettings(pretrainSettings, settings)
  const fixed = { ...checked, threads: checked.threads ?? Math.min(availableParallelism(), 8) }
  const store = RunStore.create({
    recipe: 'pretrain',
    seed: fixed.seed,
    settings: fixed,
    ...(out ? { out } : {}),
  })
  return train(store, fixed, watch)
}

/** Goes on with a pretraining run from its last checkpoint. */
export async function resumePretrain(directory: string, watch: PretrainWatch = {}): Promise<PretrainResult> {
  const store = RunStore.open(directory, { write: true })
  return train(store, checkSettings(pretrainSettings, store.info().settings as Tree), watch)
}

async function train(
  store: RunStore,
  settings: PretrainSettings,
  watch: PretrainWatch,
): Promise<PretrainResult> {
  const started = performance.now()
  let trainer: Trainer | null = null
  try {
    const { seed, general, boxed } = settings
    const from = store.checkpoints().at(-1)
    store.truncateAfter(from?.step ?? -1)
    store.setStatus('running')

    // corpus → tokenizer
    const folder = join(store.directory, 'tokenizer')
    const bpe = trainBpe(corpusDocuments(seed, settings.tokenizerDocuments, { general, boxed }), {
      vocabSize: settings.vocabulary,
      specialTokens: specialTokenList(SPECIAL_TOKENS),
    })
    saveTokenizer(folder, {
      ...bpe,
      specialTokens: SPECIAL_TOKENS,
      chatTemplate: chatTemplate(R1_ZERO_TEMPLATE.replace(/ User: .*$/, '')),
      maxLength: settings.model.maxPositions,
    })
    const tokenizer = Tokenizer.load(folder)

    // a decoder with random weights, or those of the checkpoint
    const config = decoderConfig(settings, tokenizer)
    const parameters = initParameters(config, seed)
    trainer = await openLocalTrainer({
      model: { config, parameters, tokenizerFrom: folder },
      threads: settings.threads!,
    })
    if (from) await trainer.load(from.path)
    const count = [...parameters.values()].reduce((sum, { length }) => sum + length, 0)
    watch.onStart?.(store.directory, { vocabulary: tokenizer.vocabSize, parameters: count })

    // fresh documents throughout → next-token prediction
    const last = await pretraining({
      trainer,
      codec: tokenizer,
      documents: (index, n) => corpusDocuments(seed, n, { from: index * n, general, boxed }),
      settings,
      store,
      signal: watch.signal,
      onStep: watch.onStep,
    })

    const losses = store
      .metric('loss')
      .slice(-100)
      .map(({ value }) => value)
    const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length
    const open = trainer
    const outcome = { tokens: last.tokens, loss }
    return await finishRun(store, started, outcome, async (directory) => {
      await open.save(directory)
      const card = modelCard({
        settings,
        tokens: last.tokens,
        dropped: last.dropped,
        loss,
        parameters: count,
        vocabulary: tokenizer.vocabSize,
      })
      writeFileSync(join(directory, 'README.md'), card)
    })
  } catch (error) {
    if (!(error instanceof Interrupted)) store.fail()
    throw error
  } finally {
    await trainer?.close()
    store.close()
  }
}

function decoderConfig({ model }: PretrainSettings, tokenizer: Tokenizer): ModelConfig {
  return {
    ...model,
    modelType: 'qwen3',
    vocabSize: tokenizer.vocabSize,
    rmsNormEps: 1e-6,
    ropeScaling: null,
    tieEmbeddings: true,
    qkvBias: false,
    qkNorm: true,
    bosTokenId: null,
    eosTokenIds: [tokenizer.eosId],
    padTokenId: tokenizer.padId,
    head: 'tokens',
  }
}
