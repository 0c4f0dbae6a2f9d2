import { z } from 'zod'
import { UserError } from '../common/errors.ts'
import { EMBEDDED_STUDENT } from '../hub/find-model.ts'
import {
  chatSettings,
  engineSetting,
  loraSetting,
  modelSetting,
  threadsSetting,
  whole,
  withThreads,
} from './fields.ts'
import { generatorSettings, providerSettings } from './generators.ts'
import { checkSettings, merge, type Tree } from './layers.ts'
import { idleIfGreedy, refuseIdle } from './no-effect.ts'
import {
  evalSettings,
  r1Settings,
  readableSettings,
  resolveR1Settings,
  sameRates,
  stageResolvers,
} from './r1.ts'
import type { SftSettings } from './sft.ts'
import { checkOneModel, remoteStages, remoteTrainee, tinkerSetting } from './tinker.ts'
import type { ZeroSettings } from './zero.ts'

/**
 * On-policy distillation as Thinking Machines do it: no rewards, log-ratios to the teacher as advantages, the ratio to the
 * policy that sampled without clipping, every token with the same weight, few responses per question.
 */
const ON_POLICY: Tree = {
  // the run's own
  teacher: { model: 'teacher' },
  template: 'chat',
  rewards: { accuracy: 0, format: 0, language: 0 },
  rl: {
    objective: { surrogate: 'importance', kl: { beta: 0 } },
    advantage: 'mean',
    normalisation: 'token_mean',
    groupSize: 4,
  },
}

/** Settings of a stage that is its own recipe (`sft`, `zero`), merged over the preset's. */
const stage = z.record(z.string(), z.unknown()).default({})

const teacherSettings = z.union(
  [
    providerSettings({
      /** Added to reasoning questions so that rules can find the answer; null adds nothing. */
      instruction: z
        .string()
        .min(1)
        .nullable()
        .default(
          'Reason step by step, in the language of the question, and put the final answer into \\boxed{}.',
        ),
    }),
    /** A local model, prompted in its chat template: a folder, a run, or a model of the hub. */
    z.string().min(1),
  ],
  {
    error:
      "expected a model's name, or a provider's model: PROVIDER:NAME alone, or model and if needed baseUrl (an http address), keyVariable, maxTokens, temperature, concurrency, timeout, prices, instruction",
  },
)

/** Settings of `distill`. What a preset decides is filled in by `resolveDistillSettings`. */
export const distillSettings = z.strictObject({
  teacher: teacherSettings.nullable().default(null),
  /** Existing demonstrations, e.g. data/mixture.jsonl of a run of R1. The teacher is then not used. */
  data: z.string().min(1).nullable().default(null),
  /** The base model of the student. */
  student: modelSetting.default(EMBEDDED_STUDENT),
  /** Task of the reasoning questions, which rules can check. */
  task: z.string().min(1).default('miniature'),
  /** Task of the general prompts. */
  general: z.string().min(1).default('miniature/general'),
  /** Compares answers with the gold answer if no rule can, and the answers of the models with each other. */
  judge: generatorSettings.default('miniature'),
  /** Arguments and date of the models' chat templates. */
  chat: chatSettings,
  engine: engineSetting,
  tinker: tinkerSetting,
  lora: loraSetting,
  seed: whole(0).default(0),
  preset: r1Settings.shape.preset,
  threads: threadsSetting,
  /** Limits of a readable response: only readable responses are trained on. */
  readable: readableSettings,
  sampling: z.strictObject({
    /** Number of reasoning questions. */
    questions: whole(1),
    /** Responses per reasoning question, and how many of them are kept at most. */
    samples: whole(1),
    perQuestion: whole(1),
    /** Number of general prompts, with one response each; 0 teaches reasoning only. */
    general: whole(0),
    /** Reasoning rows per general row. */
    ratio: z.number().positive(),
  }),
  sft: stage,
  /** Also train the same student by RL from its base, for comparison? */
  compare: z.boolean().default(true),
  zero: stage,
  /**
   * On-policy distillation after the fine-tuning: the student answers, and the teacher scores each token. Settings of that stage,
   * merged over the preset's; null: it is left out.
   */
  onPolicy: z.record(z.string(), z.unknown()).nullable().default(null),
  eval: evalSettings,
})

type Settings = z.output<typeof distillSettings>
/** Settings of `distill`, checked and complete. */
export type DistillSettings = Settings & { readonly threads: number }

/** The scale of R1's own distillation, which uses the data of step 3. */
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

/**
 * Merges settings over their preset, and checks them and the settings of the stages.
 *
 * @throws UserError for a setting that is unknown or wrong, or without a teacher and data.
 */
export function resolveDistillSettings(asked: Tree): DistillSettings {
  const given = remoteTrainee(asked)
  const { preset } = checkSettings(
    distillSettings.pick({ preset: true }),
    given.preset === undefined ? {} : { preset: given.preset },
  )
  const usual = remoteStages(given, presetLayer(preset))
  const settings = checkSettings(distillSettings, merge(usual, given))
  const { teacher, data } = settings
  if (teacher === null && data === null)
    throw new UserError(
      "there is no teacher: give --teacher with a model, a provider's model (--set teacher.baseUrl=… --set teacher.model=…), or demonstrations with --data",
      2,
    )
  if (data !== null && teacher !== null && typeof teacher !== 'string')
    throw new UserError(
      `the provider's ${teacher.model} would not be used, since the student learns from ${data}; leave out teacher or data`,
      2,
    )
  if (settings.onPolicy !== null && typeof teacher !== 'string')
    throw new UserError(
      `on-policy distillation needs a teacher on this machine that scores each token${teacher === null ? '' : `, which the provider's ${teacher.model} does not`}: give --teacher with a model's folder or a run, or leave out --on-policy (onPolicy=null)`,
      2,
    )
  refuseIdle(settings, usual, [
    ...idleIfGreedy('eval', settings.eval),
    ...(data === null
      ? [
          {
            setting: 'sft.columns',
            where: 'on the answers of a teacher, which the run writes itself',
            instead: 'give existing demonstrations (data)',
          },
        ]
      : []),
  ])
  if (typeof teacher === 'string') checkOneModel(settings.tinker, 'the teacher')
  const complete = withThreads(settings)
  distillStages(complete)
  return complete
}

/**
 * The complete settings of the stages for `sft` and `zero`. Models and data are placeholders: they are known only during
 * the run.
 */
export function distillStages(settings: DistillSettings): {
  readonly sft: SftSettings
  readonly zero: ZeroSettings
  readonly onPolicy: ZeroSettings | null
} {
  const { sft, zero } = stageResolvers(settings, { model: 'student', data: 'data' })
  const { preset, steps } = settings.zero
  if ((settings.onPolicy?.teacher as Tree | undefined)?.model !== undefined)
    throw new UserError('setting onPolicy.teacher.model is set by the run: set teacher instead', 2)
  return {
    sft: sft('sft', settings.sft),
    zero: zero('zero', settings.zero),
    onPolicy:
      settings.onPolicy && zero('onPolicy', settings.onPolicy, merge({ preset, steps } as Tree, ON_POLICY)),
  }
}

/** The learning rates that are the preset's: the paths of these settings. */
export function usualDistillRates(settings: DistillSettings): string[] {
  const { sft, zero } = distillStages(settings)
  const usual = distillStages(resolveDistillSettings({ preset: settings.preset, teacher: 'teacher' }))
  const paths = sameRates(
    { sft, zero },
    { sft: usual.sft, zero: usual.zero },
    {
      sft: 'sft.learningRate',
      zero: 'zero.rl.learningRate',
    },
  )
  return paths.filter((path) => settings.compare || !path.startsWith('zero'))
}
