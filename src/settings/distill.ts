import { availableParallelism } from 'node:os'
import { z } from 'zod'
import { UserError } from '../common/errors.ts'
import { EMBEDDED_STUDENT } from '../hub/find-model.ts'
import type { SftSettings } from '../recipes/sft.ts'
import { generatorSettings, providerSettings } from './generators.ts'
import { checkSettings, merge, type Tree } from './layers.ts'
import { evalSettings, r1Settings, readableSettings, resolveR1Settings, stageResolvers } from './r1.ts'
import type { ZeroSettings } from './zero.ts'

const whole = (least: number) => z.int().min(least)
/** Settings of a stage that stands alone too (`sft`, `zero`), on top of what the preset says. */
const stage = z.record(z.string(), z.unknown()).default({})

const teacherSettings = z.union(
  [
    /** A model here: a folder, a run, or a model of the hub. It is asked through its chat template. */
    z.string().min(1),
    providerSettings.extend({
      /** Added to reasoning questions, so that rules find the answer; null: nothing is. */
      instruction: z
        .string()
        .min(1)
        .nullable()
        .default(
          'Reason step by step, in the language of the question, and put the final answer into \\boxed{}.',
        ),
    }),
  ],
  {
    error:
      "expected a model's name, or a provider's model: baseUrl (an http address), model, and where needed keyVariable, maxTokens, temperature, concurrency, timeout, instruction",
  },
)

/** Settings of `distill`. What a preset decides is filled in by `resolveDistillSettings`. */
export const distillSettings = z.strictObject({
  teacher: teacherSettings.nullable().default(null),
  /** Demonstrations that are there already, e.g. an R1 run's data/mixture.jsonl: the teacher is asked nothing. */
  data: z.string().min(1).nullable().default(null),
  /** The base model of the student. */
  student: z.string().min(1).default(EMBEDDED_STUDENT),
  /** Reasoning questions, which rules can check. */
  task: z.string().min(1).default('miniature'),
  /** General prompts. */
  general: z.string().min(1).default('miniature/general'),
  /** Compares answers with the truth where no rule can, and the answers of the models with each other. */
  judge: generatorSettings.default('miniature'),
  engine: z.literal('local').default('local'),
  seed: whole(0).default(0),
  preset: r1Settings.shape.preset,
  threads: whole(1).nullable().default(null),
  /** What a response must keep to, to be taught and to count as readable. */
  readable: readableSettings,
  sampling: z.strictObject({
    /** Reasoning questions, so many responses to each, and the most that are kept of them. */
    questions: whole(1),
    samples: whole(1),
    perQuestion: whole(1),
    /** General prompts, one response to each; 0: reasoning alone is taught. */
    general: whole(0),
    /** Reasoning rows to a general one. */
    ratio: z.number().positive(),
  }),
  sft: stage,
  /** Whether the same student is trained by RL too, from its base. */
  compare: z.boolean().default(true),
  zero: stage,
  eval: evalSettings,
})

type Settings = z.output<typeof distillSettings>
/** Settings of `distill`, those of its stages included. */
export type DistillSettings = Settings & { readonly threads: number }

/** The scale is that of R1's own distillation, whose data are step 3's. */
function presetLayer(preset: Settings['preset']): Tree {
  const { readable, mixture, student, eval: evaluation } = resolveR1Settings({ preset })
  const { questions, samples, perQuestion, reused, synthetic, ratio } = mixture
  return {
    readable,
    sampling: { questions, samples, perQuestion, general: reused + synthetic, ratio },
    sft: student.sft,
    zero: student.zero,
    eval: evaluation,
  }
}

/** Given settings on top of what their preset says, checked: those of its stages too, before anything is done. */
export function resolveDistillSettings(given: Tree): DistillSettings {
  const { preset } = checkSettings(
    distillSettings.pick({ preset: true }),
    given.preset === undefined ? {} : { preset: given.preset },
  )
  const settings = checkSettings(distillSettings, merge(presetLayer(preset), given))
  const { teacher, data, threads } = settings
  if (teacher === null && data === null)
    throw new UserError(
      "who teaches? Give --teacher with a model, a provider's model (--set teacher.baseUrl=… --set teacher.model=…), or demonstrations with --data",
      2,
    )
  if (data !== null && teacher !== null && typeof teacher !== 'string')
    throw new UserError(
      `the provider's ${teacher.model} would be asked nothing: the student learns from ${data}; leave out teacher or data`,
      2,
    )
  const fixed = { ...settings, threads: threads ?? Math.min(availableParallelism(), 8) }
  distillStages(fixed)
  return fixed
}

/** Settings of the stages as `sft` and `zero` take them, but for model and data, which come on the way. */
export function distillStages(settings: DistillSettings): {
  readonly sft: SftSettings
  readonly zero: ZeroSettings
} {
  const { sft, zero } = stageResolvers(settings)
  return { sft: sft('sft', settings.sft), zero: zero('zero', settings.zero) }
}
