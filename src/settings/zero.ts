import { z } from 'zod'
import { EMBEDDED_BASE } from '../hub/find-model.ts'
import { COSINE } from '../rewards/length.ts'
import { NGRAM } from '../rewards/repetition.ts'
import { algorithmNames, baseNames, type RlPreset, rlPreset } from './presets.ts'

const whole = (least: number) => z.int().min(least)
const positive = z.number().positive()
const klPenalty = z.strictObject({ beta: z.number().min(0), estimator: z.enum(['k1', 'k2', 'k3']) })
const decay = { warmup: whole(0) }
const final = z.number().min(0).max(1)

/** The course of the learning rate: see `Schedule`. */
export const scheduleSettings = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant'), ...decay }),
  z.strictObject({ kind: z.literal('linear'), final, ...decay }),
  z.strictObject({ kind: z.literal('cosine'), final, ...decay }),
  z.strictObject({
    kind: z.literal('warmup_stable_decay'),
    stable: z.number().min(0).max(1),
    final,
    ...decay,
  }),
])

/** Everything of `RlPreset` but the weights of the rewards; each may be set on its own. */
const rl = z.strictObject({
  objective: z.strictObject({
    kind: z.literal('policy'),
    ratio: z.enum(['token', 'sequence']),
    surrogate: z.enum(['clip', 'importance', 'cispo', 'reinforce']),
    clipLow: z.number().min(0),
    clipHigh: z.number().min(0),
    dualClip: z.number().gt(1).nullable(),
    kl: klPenalty,
  }),
  advantage: z.enum(['group', 'mean', 'batch', 'leave_one_out', 'batch_normalised']),
  normalisation: z.enum(['sequence_mean', 'token_mean', 'fixed_length', 'sequence_sum']),
  groupSize: whole(2),
  questionsPerStep: whole(1),
  minibatches: whole(1),
  epochs: whole(1),
  learningRate: z.number().min(0),
  schedule: scheduleSettings,
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]),
  gradClip: z.number().min(0),
  temperature: positive,
  maxTokens: whole(1),
  referenceRefresh: whole(1).nullable(),
  klInReward: klPenalty.nullable(),
  importanceCap: positive.nullable(),
  maskTruncated: z.boolean(),
  dynamicSampling: z.boolean(),
  overlong: z.strictObject({ buffer: whole(1) }).nullable(),
})

/** A reward's weight in the total; 0 measures it only, null does not run it. */
const weight = z.number().nullable()
const off = weight.default(null)
/** A weight alone, or together with the reward's numbers. */
const weighted = <S extends z.ZodRawShape>(numbers: S) =>
  z
    .preprocess(
      (given: number | null | Record<string, unknown>) =>
        typeof given === 'number' ? { weight: given } : given,
      z.strictObject(
        { weight: z.number(), ...numbers },
        {
          error: ({ code }) =>
            code === 'invalid_type'
              ? `expected a weight, null or {${['weight', ...Object.keys(numbers)].join(', ')}}`
              : undefined,
        },
      ),
    )
    .nullable()
    .default(null)
const fromTo = z.tuple([z.number(), z.number()])

/** The columns of a table; `answer: null` where the questions have no gold. */
export const columnSettings = z.strictObject({
  question: z.string().min(1).optional(),
  answer: z.string().min(1).nullable().optional(),
  choices: z.union([z.string().min(1), z.array(z.string().min(1)).min(2)]).optional(),
  kind: z.string().min(1).optional(),
  tests: z.string().min(1).optional(),
})

/** Settings of `zero`. What a preset decides (`rl`, the rewards' weights) is filled in by `withPreset`. */
export const zeroSettings = z.strictObject({
  /** A Hugging Face folder, a run, the name of an embedded model, or a model of the hub. */
  model: z.string().min(1).default(EMBEDDED_BASE),
  /** A task's name, or a table: a file, a folder, a dataset of the hub. */
  task: z.string().min(1).default('miniature'),
  /** Which columns of a table hold what. */
  columns: columnSettings.prefault({}),
  /** How the model is asked: in R1-Zero's words, or in its own chat template, to think and then to sum up, as R1 does. */
  template: z.enum(['r1-zero', 'chat']).default('r1-zero'),
  engine: z.literal('local').default('local'),
  seed: whole(0).default(0),
  steps: whole(0).default(200),
  /** Scale: the paper's R1-Zero or the miniature's. */
  preset: z.enum(baseNames).default('miniature'),
  algorithm: z.enum(algorithmNames).default('grpo'),
  rl,
  rewards: z.strictObject({
    accuracy: weight,
    format: weight,
    language: weight,
    /** The share of a program's tests that are passed; accuracy asks for all. */
    code: off,
    summary: off,
    boxed: off,
    /** n: length of an n-gram in words. */
    repetition: weighted({ n: whole(1).default(NGRAM) }),
    /** buffer: tokens before the limit from which on it punishes; null: a fifth of rl.maxTokens. */
    overlong: weighted({ buffer: whole(1).nullable().default(null) }),
    /** Each [short, long]: for an answer of no length and of rl.maxTokens; exceeded: for one cut off. */
    cosine: weighted({
      correct: fromTo.default([...COSINE.correct]),
      wrong: fromTo.default([...COSINE.wrong]),
      exceeded: z.number().default(COSINE.exceeded),
    }),
    /** A control: deals the rewards of a step out among its rollouts at random. Nothing can be learned. */
    shuffle: z.boolean().default(false),
  }),
  eval: z
    .strictObject({
      questions: whole(1).default(300),
      samples: whole(1).default(1),
      /** Steps between evaluations; 0: only before and after. */
      every: whole(0).default(40),
      temperature: z.number().min(0).default(1),
    })
    .prefault({}),
  checkpointEvery: whole(1).default(20),
  /** What the alarm against reward hacking does besides warning: `stop` ends the training, with the model as it is then. */
  alarm: z.enum(['warn', 'stop']).default('warn'),
  /** Of the runtime; null: one a core. Results depend on it in the last bits. */
  threads: whole(1).nullable().default(null),
})

export type ZeroSettings = z.output<typeof zeroSettings>

export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T
/** What may be given: any part of the settings. */
export type ZeroInput = DeepPartial<z.input<typeof zeroSettings>>

/** What the preset decides, as the layer below the given settings. */
export function presetLayer(
  preset: string,
  algorithm: string,
): { rl: Omit<RlPreset, 'rewards'>; rewards: RlPreset['rewards'] } {
  const { rewards, ...rl } = rlPreset(preset, algorithm)
  return { rl, rewards }
}
