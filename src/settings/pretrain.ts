import { z } from 'zod'
import { MODEL_TYPES } from '../models/families.ts'
import { checkpointSecondsSetting, engineSetting, threadsSetting, whole, withThreads } from './fields.ts'
import { checkSettings, type Tree } from './layers.ts'

/** Settings of `pretrain`; the defaults make the base model of the package. */
export const pretrainSettings = z.strictObject({
  engine: engineSetting,
  seed: whole(0).default(0),
  /** Number of tokens to train on; every document is seen once. */
  tokens: whole(1).default(15_000_000),
  /** Share of documents with general text: small talk, facts, writing, requests. */
  general: z.number().min(0).max(1).default(0),
  /** Share of the answers, outside R1-Zero's template, that are in a LaTeX box. */
  boxed: z.number().min(0).max(1).default(0),
  vocabulary: whole(262).default(512),
  /** Number of documents to train the tokenizer on. */
  tokenizerDocuments: whole(1).default(4000),
  model: z
    .strictObject({
      type: z.enum(MODEL_TYPES).default('qwen3'),
      hiddenSize: whole(1).default(96),
      numLayers: whole(1).default(4),
      numHeads: whole(1).default(4),
      numKvHeads: whole(1).default(2),
      headDim: whole(2).multipleOf(2).default(24),
      intermediateSize: whole(1).default(264),
      ropeTheta: z.number().positive().default(10_000),
      maxPositions: whole(16).default(1024),
      /** Positions that a layer with a window attends to; gemma3_text needs it. */
      slidingWindow: whole(1).nullable().default(null),
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
  checkpointSeconds: checkpointSecondsSetting,
  threads: threadsSetting,
})
export type PretrainSettings = z.output<typeof pretrainSettings> & { readonly threads: number }

/**
 * Merges the given settings over the defaults and checks them.
 *
 * @throws UserError for a setting that is unknown or not allowed.
 */
export function resolvePretrainSettings(given: Tree): PretrainSettings {
  return withThreads(checkSettings(pretrainSettings, given))
}
