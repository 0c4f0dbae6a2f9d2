import { z } from 'zod'
import { advantageKinds } from '../algorithms/advantages.ts'
import { klEstimators } from '../algorithms/kl.ts'
import { LEAST_TEMPERATURE, ratioKinds, SAPO_GATE, surrogateNames } from '../algorithms/objectives.ts'
import { normalisations } from '../algorithms/weights.ts'
import { UserError } from '../common/errors.ts'
import { EMBEDDED_BASE } from '../hub/find-model.ts'
import { namedRewards, rewardShape } from '../rewards/index.ts'
import { isTruncated, type RlSettings } from '../stages/reinforce/rl-settings.ts'
import { INTERRUPTION_PHRASE } from '../stages/sample/interruption.ts'
import {
  betasSetting,
  chatSettings,
  checkpointSecondsSetting,
  columnSettings,
  type DeepPartial,
  engineSetting,
  heldOutShareSetting,
  loraSetting,
  modelSetting,
  scheduleSettings,
  temperatureSetting,
  templateSetting,
  threadsSetting,
  truncationSettings,
  whole,
  withThreads,
} from './fields.ts'
import { checkSettings, merge, type Tree } from './layers.ts'
import { refuseIdle } from './no-effect.ts'
import { algorithmNames, baseNames, type RlPreset, rlPreset } from './presets.ts'
import { remoteRl, remoteTrainee, tinkerSetting } from './tinker.ts'
import { isTree } from './tree.ts'
import { idleInZero } from './zero-idle.ts'

const positive = z.number().positive()
const share = z.number().gt(0).max(1)
const klPenalty = z.strictObject({ beta: z.number().min(0), estimator: z.enum(klEstimators) })

/** The schema of `RlSettings`. */
const rl = z.strictObject({
  objective: z.strictObject({
    kind: z.literal('policy'),
    ratio: z.enum(ratioKinds),
    surrogate: z.enum(surrogateNames),
    clipLow: z.number().min(0),
    clipHigh: z.number().min(0),
    dualClip: z.number().gt(1).nullable(),
    gate: z
      .strictObject({
        positive: positive.default(SAPO_GATE.positive),
        negative: positive.default(SAPO_GATE.negative),
      })
      .optional(),
    kl: klPenalty,
  }),
  covariance: z
    .discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('clip'),
        share: share.default(2e-4),
        from: z.number().default(1),
        to: z.number().default(5),
      }),
      z.strictObject({
        kind: z.literal('kl'),
        share: share.default(2e-3),
        beta: z.number().min(0).default(1),
      }),
    ])
    .nullable(),
  advantage: z.enum(advantageKinds),
  normalisation: z.enum(normalisations),
  groupSize: whole(2),
  questionsPerStep: whole(1),
  minibatches: whole(1),
  epochs: whole(1),
  learningRate: z.number().min(0),
  schedule: scheduleSettings,
  betas: betasSetting,
  gradClip: z.number().min(0),
  temperature: z.number().min(LEAST_TEMPERATURE),
  ...truncationSettings,
  maxTokens: whole(1),
  referenceRefresh: whole(1).nullable(),
  klInReward: klPenalty.nullable(),
  importanceCap: positive.nullable(),
  maskTruncated: z.boolean(),
  dynamicSampling: z.boolean(),
  dropZeroVariance: z.boolean(),
  curriculum: z
    .strictObject({
      solved: z.number().min(0).max(1).nullable().default(1),
      unsolvable: z.number().min(0).max(1).nullable().default(0),
      draws: whole(1).default(2),
      rest: whole(1).nullable().default(20),
    })
    .nullable(),
  interruption: z
    .strictObject({ after: whole(1), phrase: z.string().min(1).default(INTERRUPTION_PHRASE) })
    .nullable(),
  overlong: z.strictObject({ buffer: whole(1) }).nullable(),
})

/** Settings of `zero`. `resolveZeroSettings` fills in `rl` and the rewards' weights from the preset and the algorithm. */
export const zeroSettings = z.strictObject({
  model: modelSetting.default(EMBEDDED_BASE),
  /** A task's name, or a table: a file, a folder, a dataset of the hub. */
  task: z.string().min(1).default('miniature'),
  /** Names of a table's columns. */
  columns: columnSettings.prefault({}),
  template: templateSetting,
  /** On-policy distillation: a model that scores each token of the responses, with the weight of its scores. */
  teacher: z
    .strictObject({ model: modelSetting, weight: z.number().positive().default(1) })
    .nullable()
    .default(null),
  /** Arguments and date of the chat template. */
  chat: chatSettings,
  engine: engineSetting,
  tinker: tinkerSetting,
  lora: loraSetting,
  seed: whole(0).default(0),
  steps: whole(0).default(200),
  /**
   * Sample coming steps while the policy is updated, with weights that are at most `staleness` updates old. Importance weights
   * correct for their age: rl.importanceCap is then 2 unless it is given. null: each step samples with the newest weights.
   */
  async: z
    .strictObject({ staleness: whole(1).max(16).default(1) })
    .nullable()
    .default(null),
  /** Scale: the paper's R1-Zero or the miniature's. */
  preset: z.enum(baseNames).default('miniature'),
  algorithm: z.enum(algorithmNames).default('grpo'),
  rl,
  rewards: z.strictObject({
    ...rewardShape,
    /** A control experiment: the rewards of a step are shuffled among its rollouts, so nothing can be learned. */
    shuffle: z.boolean().default(false),
  }),
  eval: z
    .strictObject({
      share: heldOutShareSetting,
      questions: whole(1).default(300),
      samples: whole(1).default(1),
      /** Steps between evaluations; 0: only before and after. */
      every: whole(0).default(40),
      temperature: temperatureSetting.default(1),
      ...truncationSettings,
    })
    .prefault({}),
  checkpointEvery: whole(1).default(20),
  checkpointSeconds: checkpointSecondsSetting,
  /**
   * Which checkpoints are kept: the last two and the best; or also all those of every `checkpointEvery` steps, so that
   * `ruminate eval --checkpoints` can measure them.
   */
  keepCheckpoints: z.enum(['newest', 'all']).default('newest'),
  /** The alarm for reward hacking warns, or also stops the training and keeps the model at that step. */
  alarm: z.enum(['warn', 'stop']).default('warn'),
  /**
   * A run in which no step has anything to learn from, because the rewards within each group are equal or no reward is
   * known, stops as failed after a few steps, or goes on.
   */
  whenNothingToLearn: z.enum(['stop', 'continue']).default('stop'),
  threads: threadsSetting,
})

export type ZeroSettings = z.output<typeof zeroSettings> & { readonly threads: number }

/** Settings as they are given: any may be missing. */
export type ZeroInput = DeepPartial<z.input<typeof zeroSettings>>

/**
 * Merges the given settings over their preset and checks them.
 *
 * @throws UserError for a setting that is unknown or not allowed, or for settings that contradict each other.
 */
export function resolveZeroSettings(asked: Tree): ZeroSettings {
  const given = remoteTrainee(asked)
  const { preset, algorithm } = zeroSettings.pick({ preset: true, algorithm: true }).loose().parse({})
  const names = [String(given.preset ?? preset), String(given.algorithm ?? algorithm)] as const
  const maxTokens = (given.rl as Tree | undefined)?.maxTokens
  const usualRl = rlPreset(...names, typeof maxTokens === 'number' ? maxTokens : undefined)
  const { rewards, ...rl } = withStaleness(given, remoteRl(given, usualRl))
  const usual = { rl, rewards } as unknown as Tree
  const below = { rl: withKindsOf((given.rl ?? {}) as Tree, rl), rewards } as unknown as Tree
  const settings = checkSettings(zeroSettings, merge(below, given))
  // fails if settings of the rewards contradict each other
  namedRewards(settings.rewards, { ...settings.rl, template: settings.template })
  const { overlong, maxTokens: limit } = settings.rl
  if (overlong && overlong.buffer > limit)
    throw new UserError(
      `setting rl.overlong.buffer is ${overlong.buffer}: it must be at most rl.maxTokens, ${limit}`,
      2,
    )
  if (overlong && settings.rewards.overlong?.weight)
    throw new UserError(
      'rewards.overlong and rl.overlong would both punish length: set one of them to null',
      2,
    )
  if (isTruncated(settings.rl) && settings.rl.objective.ratio === 'sequence')
    throw new UserError(
      'rl.topK, rl.topP and rl.minP need a correction for each token, which is not possible with a ratio of whole sequences: set rl.objective.ratio=token, or leave them out',
      2,
    )
  checkAlgorithm(settings)
  checkTeacher(settings)
  refuseIdle(settings, checkSettings(zeroSettings, usual), idleInZero(settings.rl, settings.eval))
  return withThreads(settings)
}

/** The cap of truncated importance sampling, where the sampler's weights may be older than the trainer's. */
const STALE_CAP = 2

const withStaleness = (given: Tree, rl: RlPreset): RlPreset =>
  given.async == null ? rl : { ...rl, importanceCap: STALE_CAP }

/**
 * The preset's settings without what only its own kind of schedule, or of control of covariances, has, where another kind is
 * given.
 */
function withKindsOf(given: Tree, { schedule, covariance, ...rl }: RlSettings): object {
  const isOther = (one: unknown, usual: { readonly kind: string } | null): boolean =>
    isTree(one) && one.kind !== undefined && one.kind !== usual?.kind
  return {
    ...rl,
    schedule: isOther(given.schedule, schedule) ? { warmup: schedule.warmup } : schedule,
    covariance: isOther(given.covariance, covariance) ? null : covariance,
  }
}

/** @throws UserError for settings that a teacher contradicts. */
function checkTeacher({ teacher, rl }: Pick<ZeroSettings, 'teacher' | 'rl'>): void {
  if (teacher === null) return
  const dropping = (['dynamicSampling', 'dropZeroVariance'] as const).find((name) => rl[name])
  if (dropping !== undefined)
    throw new UserError(
      `rl.${dropping} leaves out responses with equal rewards, of which a teacher also teaches: set rl.${dropping}=false, or leave out the teacher`,
      2,
    )
}

/** @throws UserError for settings of the algorithm that contradict each other. */
function checkAlgorithm({ rl }: Pick<ZeroSettings, 'rl'>): void {
  const refuse = (message: string): never => {
    throw new UserError(message, 2)
  }
  const { objective, covariance, curriculum, minibatches, epochs, maxTokens, interruption } = rl
  if (covariance !== null && objective.ratio === 'sequence')
    refuse(
      'rl.covariance selects single tokens, which is not possible with a ratio of whole sequences: set rl.objective.ratio=token, or rl.covariance=null',
    )
  if (covariance?.kind === 'clip' && covariance.from >= covariance.to)
    refuse(
      `setting rl.covariance.from is ${covariance.from}: it must be below rl.covariance.to, ${covariance.to}`,
    )
  if (covariance?.kind === 'kl' && minibatches * epochs === 1)
    refuse(
      'rl.covariance.kind=kl penalises the change since the sampling, so it has no effect with one optimizer step per step: set rl.minibatches or rl.epochs to 2 or more, or rl.covariance.kind=clip',
    )
  if (curriculum !== null) {
    const { solved, unsolvable } = curriculum
    if (solved === null && unsolvable === null)
      refuse(
        'rl.curriculum drops nothing: set rl.curriculum.solved or rl.curriculum.unsolvable, or rl.curriculum=null',
      )
    if (solved !== null && unsolvable !== null && solved <= unsolvable)
      refuse(
        `setting rl.curriculum.solved is ${solved}: it must be above rl.curriculum.unsolvable, ${unsolvable}`,
      )
  }
  if (interruption !== null && interruption.after >= maxTokens)
    refuse(
      `setting rl.interruption.after is ${interruption.after}: it must be below rl.maxTokens, ${maxTokens}`,
    )
}
