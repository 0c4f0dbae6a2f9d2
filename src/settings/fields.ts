import { z } from 'zod'
import { LEAST_TEMPERATURE } from '../algorithms/objectives.ts'
import { defaultThreads } from '../common/threads.ts'
import { engineNames } from '../engines/open.ts'
import { today } from '../renderer/chat-template.ts'
import { HELD_OUT_SHARE } from '../tasks/split.ts'

/* Settings that several recipes share. */

/** An integer of at least `least`. */
export const whole = (least: number) => z.int().min(least)
const share = z.number().min(0).max(1)

/** A Hugging Face folder, a run, the name of an embedded model, or a model of the hub. */
export const modelSetting = z.string().min(1)

/** Where the model is trained and sampled. */
export const engineSetting = z.enum(engineNames).default('local')

/** Threads of the runtime; null: one per core, at most 8. Results depend on it in the last bits. */
export const threadsSetting = whole(1).nullable().default(null)

/**
 * A checkpoint is also written once so many seconds have passed since the last one, so that a process that is killed loses at
 * most these seconds and the current step; null: only every `checkpointEvery` steps. If writing takes long, such checkpoints are
 * rarer, so that at most 5 % of the time is spent on them.
 */
export const checkpointSecondsSetting = z.number().min(0).nullable().default(60)

/**
 * Low-rank adapters, which are trained in the place of all weights; null: all weights. Alpha is twice the rank by default, as in
 * TRL's and LLaMA-Factory's scripts (PEFT's own default is 8 whatever the rank), so that another rank needs no other
 * learning rate.
 */
export const loraSetting = z
  .strictObject(
    {
      rank: whole(1).default(16),
      alpha: z.number().positive().optional(),
      /** `all-linear`, or names of layers as in PEFT: `q_proj`, `self_attn.q_proj`, `model.layers.0.mlp.up_proj`. */
      targets: z
        .union([z.literal('all-linear'), z.array(z.string().min(1)).min(1)], {
          error: 'expected all-linear, or a list of layers such as [q_proj, v_proj]',
        })
        .default('all-linear'),
      dropout: z
        .literal(0, { error: 'adapters are trained without dropout: leave it out, or set it to 0' })
        .default(0),
    },
    {
      error: (issue) =>
        issue.code === 'invalid_type' ? 'expected a mapping such as {rank: 16}, or null' : undefined,
    },
  )
  .transform((lora) => ({ ...lora, alpha: lora.alpha ?? 2 * lora.rank }))
  .nullable()
  .default(null)

/** What the model's chat template is rendered with besides the messages. */
export const chatSettings = z
  .strictObject({
    /** Variables of the template, such as `enable_thinking`. */
    arguments: z.record(z.string(), z.unknown()).default({}),
    /** The date that templates print, YYYY-MM-DD: by default the day on which the run began. */
    date: z.iso.date().default(today),
  })
  .prefault({})

/** Settings with the number of threads filled in: one per core, at most 8, unless it is given. */
export function withThreads<S extends { threads: number | null }>(settings: S): S & { threads: number } {
  return { ...settings, threads: settings.threads ?? defaultThreads() }
}

/** Adam's β₁ and β₂. */
export const betasSetting = z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)])

const warmup = { warmup: whole(0) }

/** The learning-rate schedule: see `Schedule`. */
export const scheduleSettings = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('constant'), ...warmup }),
  z.strictObject({ kind: z.literal('linear'), final: share, ...warmup }),
  z.strictObject({ kind: z.literal('cosine'), final: share, ...warmup }),
  z.strictObject({ kind: z.literal('warmup_stable_decay'), stable: share, final: share, ...warmup }),
])

/** Share of the questions to hold out, the same ones for every command, unless the names of files decide. */
export const heldOutShareSetting = z.number().gt(0).lt(1).default(HELD_OUT_SHARE)

/**
 * The prompt: R1-Zero's template, or the model's own chat template, with thinking and then a summary, as in R1.
 */
export const templateSetting = z.enum(['r1-zero', 'chat']).default('r1-zero')

/**
 * The columns of a table of questions; `answer: null` if the questions have no gold answer, `thinking: null` if no column
 * says how the answers are found.
 */
export const columnSettings = z.strictObject({
  question: z.string().min(1).optional(),
  answer: z.string().min(1).nullable().optional(),
  choices: z.union([z.string().min(1), z.array(z.string().min(1)).min(2)]).optional(),
  kind: z.string().min(1).optional(),
  tests: z.string().min(1).optional(),
  thinking: z.string().min(1).nullable().optional(),
})

/** The temperature of sampling; 0 is greedy. */
export const temperatureSetting = z
  .number()
  .min(0)
  .refine((t) => t === 0 || t >= LEAST_TEMPERATURE, `expected 0 (greedy) or at least ${LEAST_TEMPERATURE}`)

/** Which tokens may be drawn: see `Truncation`. By default all. */
export const truncationSettings = {
  topK: whole(0).default(0),
  topP: z.number().gt(0).max(1).default(1),
  minP: share.default(0),
}

/** Settings of which any may be missing. */
export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T
