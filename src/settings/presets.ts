import type { AdvantageKind } from '../algorithms/advantages.ts'
import type { KlPenalty } from '../algorithms/kl.ts'
import type { PolicyObjective } from '../algorithms/objectives.ts'
import type { Schedule } from '../algorithms/schedules.ts'
import type { Normalisation } from '../algorithms/weights.ts'
import { UserError } from '../common/errors.ts'

/** Every number of a reinforcement-learning run that is not the model, the task or the number of steps. */
export interface RlPreset {
  readonly objective: PolicyObjective
  readonly advantage: AdvantageKind
  readonly normalisation: Normalisation
  /** Responses a question. */
  readonly groupSize: number
  /** Questions a step. A step samples responses once and may make several optimizer steps of them. */
  readonly questionsPerStep: number
  /** Parts into which a step's responses are split, one optimizer step each. */
  readonly minibatches: number
  /** Passes over a step's responses. */
  readonly epochs: number
  readonly learningRate: number
  readonly schedule: Schedule
  /** Adam's β₁ and β₂. */
  readonly betas: readonly [number, number]
  /** Global norm to which gradients are clipped; 0 does not clip. */
  readonly gradClip: number
  readonly temperature: number
  /** Longest response in tokens. */
  readonly maxTokens: number
  /** Steps after which the reference becomes a copy of the policy; null keeps it for ever. */
  readonly referenceRefresh: number | null
  /** KL subtracted from the reward. null: none. */
  readonly klInReward: KlPenalty | null
  /** Cap of the truncated importance weights for a sampler that differs from the trainer. null: off. */
  readonly importanceCap: number | null
  /** Leave responses that were cut off out of the update. */
  readonly maskTruncated: boolean
  /** Leave groups of equal rewards out and sample others in their place. */
  readonly dynamicSampling: boolean
  /** Soft overlong punishment over the last `buffer` tokens. null: off. */
  readonly overlong: { readonly buffer: number } | null
  /** Weights of the rewards in their sum. */
  readonly rewards: { readonly accuracy: number; readonly format: number; readonly language: number }
}

/** Optimizer steps from one rollout in the paper, where a "step" is one of these. */
const MINIBATCHES = 16

/**
 * R1-Zero as published (Nature 645, 633, Methods; arXiv 2501.12948 v2). Not published: the clip range (.2 as in PPO),
 * Adam's betas, the warm-up and the clipping of gradients (usual values).
 */
const r1Zero: RlPreset = {
  objective: {
    kind: 'policy',
    ratio: 'token',
    surrogate: 'clip',
    clipLow: 0.2,
    clipHigh: 0.2,
    dualClip: null,
    kl: { beta: 0.001, estimator: 'k3' },
  },
  advantage: 'group',
  normalisation: 'sequence_mean',
  groupSize: 16,
  questionsPerStep: 32 * MINIBATCHES,
  minibatches: MINIBATCHES,
  epochs: 1,
  learningRate: 3e-6,
  schedule: { kind: 'constant', warmup: 0 },
  betas: [0.9, 0.999],
  gradClip: 1,
  temperature: 1,
  maxTokens: 32_768,
  referenceRefresh: 400 / MINIBATCHES,
  klInReward: null,
  importanceCap: null,
  maskTruncated: false,
  dynamicSampling: false,
  overlong: null,
  rewards: { accuracy: 1, format: 1, language: 0 },
}

/** Both bounds of the ratio that reinforcement learning of R1 has; the lower one, 1 − 10, bounds no ratio. */
const R1_CLIP = { clipLow: 10, clipHigh: 10 }

/**
 * DeepSeek-R1's first reinforcement learning, on reasoning (arXiv 2501.12948 v2, supplement): as R1-Zero, but clip
 * ε = 10, which "plays a crucial role", and the reward for one language, added to the others.
 */
const deepseekR1: RlPreset = {
  ...r1Zero,
  objective: { ...r1Zero.objective, ...R1_CLIP },
  rewards: { accuracy: 1, format: 1, language: 1 },
}

/**
 * Its second, on all scenarios: the same at temperature 0.7. Of its 1,700 steps only the last 400 have general data and
 * reward models: which questions and learned rewards a step has is up to the recipe.
 */
const deepseekR1General: RlPreset = { ...deepseekR1, temperature: 0.7 }

/** R1-Zero for a model of half a million parameters on a laptop. */
const miniature: RlPreset = {
  ...r1Zero,
  groupSize: 8,
  questionsPerStep: 10,
  minibatches: 1,
  learningRate: 5e-4,
  schedule: { kind: 'constant', warmup: 5 },
  betas: [0.9, 0.99],
  maxTokens: 260,
  referenceRefresh: null,
  rewards: { accuracy: 1, format: 0.1, language: 0 },
}

/** R1's reinforcement learning for the miniature. */
const miniatureR1: RlPreset = {
  ...miniature,
  objective: { ...miniature.objective, ...R1_CLIP },
  rewards: { ...miniature.rewards, language: 0.1 },
}

const bases = {
  'r1-zero': r1Zero,
  'deepseek-r1': deepseekR1,
  'deepseek-r1-general': deepseekR1General,
  miniature,
  'miniature-r1': miniatureR1,
}
const noKl: KlPenalty = { beta: 0, estimator: 'k3' }

/** What each algorithm changes in a base. */
const algorithms = {
  grpo: () => ({}),
  // Liu et al., arXiv 2503.20783: no division by std or length, no KL
  'dr-grpo': ({ objective }: RlPreset) => ({
    advantage: 'mean',
    normalisation: 'fixed_length',
    objective: { ...objective, kl: noKl },
  }),
  // Yu et al., arXiv 2503.14476: clip-higher, token mean, dynamic sampling, overlong shaping (4,096 of 20,480 tokens)
  dapo: ({ objective, maxTokens }: RlPreset) => ({
    objective: { ...objective, clipLow: 0.2, clipHigh: 0.28, kl: noKl },
    normalisation: 'token_mean',
    dynamicSampling: true,
    overlong: { buffer: Math.ceil(maxTokens / 5) },
  }),
  // Zheng et al., arXiv 2507.18071, §5.1
  gspo: ({ objective }: RlPreset) => ({
    objective: { ...objective, ratio: 'sequence', clipLow: 3e-4, clipHigh: 4e-4, kl: noKl },
  }),
  // MiniMax-M1, arXiv 2506.13585: no lower bound; the upper bound of 5 is ScaleRL's (arXiv 2510.13786)
  cispo: ({ objective }: RlPreset) => ({
    objective: { ...objective, surrogate: 'cispo', clipLow: 1, clipHigh: 4, kl: noKl },
    normalisation: 'token_mean',
  }),
  // Ahmadian et al., arXiv 2402.14740: on-policy REINFORCE on whole responses, the base's β in the reward
  rloo: ({ objective }: RlPreset) => ({
    objective: { ...objective, surrogate: 'reinforce', kl: noKl },
    advantage: 'leave_one_out',
    normalisation: 'sequence_sum',
    minibatches: 1,
    epochs: 1,
    klInReward: { beta: objective.kl.beta, estimator: 'k1' },
  }),
  // Hu et al., arXiv 2501.03262: PPO's clip, advantages normalised over the batch, the base's β in the reward
  'reinforce++': ({ objective }: RlPreset) => ({
    objective: { ...objective, kl: noKl },
    advantage: 'batch_normalised',
    normalisation: 'token_mean',
    klInReward: { beta: objective.kl.beta, estimator: 'k1' },
  }),
} satisfies Record<string, (base: RlPreset) => Partial<RlPreset>>

export type BaseName = keyof typeof bases
export type AlgorithmName = keyof typeof algorithms
export const baseNames = Object.keys(bases) as BaseName[]
export const algorithmNames = Object.keys(algorithms) as AlgorithmName[]

/**
 * The settings of an algorithm at the scale of a base.
 *
 * @example rlPreset('miniature', 'dapo')
 * @throws UserError for an unknown name
 */
export function rlPreset(base: string, algorithm = 'grpo'): RlPreset {
  const from = lookUp('preset', bases, base)
  return {
    ...from,
    ...lookUp<(base: RlPreset) => Partial<RlPreset>>('algorithm', algorithms, algorithm)(from),
  }
}

function lookUp<T>(what: string, table: Readonly<Record<string, T>>, name: string): T {
  if (!Object.hasOwn(table, name))
    throw new UserError(`unknown ${what} "${name}"; choose one of ${Object.keys(table).join(', ')}`, 2)
  return table[name]!
}
