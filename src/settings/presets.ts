import type { KlPenalty } from '../algorithms/kl.ts'
import { SAPO_GATE } from '../algorithms/objectives.ts'
import { UserError } from '../common/errors.ts'
import { nearest } from '../common/nearest.ts'
import { NO_POSITIVE_RESAMPLING } from '../stages/reinforce/curriculum.ts'
import type { RlSettings } from '../stages/reinforce/rl-settings.ts'
import { INTERRUPTION_PHRASE } from '../stages/sample/interruption.ts'

/** All settings of reinforcement learning except the model, the task and the number of steps. */
export interface RlPreset extends RlSettings {
  /** Weights of the rewards in the total. */
  readonly rewards: { readonly accuracy: number; readonly format: number; readonly language: number }
}

/** Optimizer steps per rollout in the paper, which calls each of them a "step". */
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
  covariance: null,
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
  topK: 0,
  topP: 1,
  minP: 0,
  maxTokens: 32_768,
  referenceRefresh: 400 / MINIBATCHES,
  klInReward: null,
  importanceCap: null,
  maskTruncated: false,
  dynamicSampling: false,
  dropZeroVariance: false,
  curriculum: null,
  interruption: null,
  overlong: null,
  rewards: { accuracy: 1, format: 1, language: 0 },
}

/**
 * After how many tokens ScaleRL ends thinking: six sevenths of the longest response, but so early that 100 tokens, or half of
 * a response that is shorter than 200, are left for the phrase and the answer.
 */
const thinkingLength = (maxTokens: number): number =>
  Math.floor(Math.min((6 * maxTokens) / 7, Math.max(maxTokens - 100, maxTokens / 2)))

/** R1's clip range of the ratio; the lower bound, 1 − 10, has no effect. */
const R1_CLIP = { clipLow: 10, clipHigh: 10 }

/**
 * DeepSeek-R1's first reinforcement learning, on reasoning (arXiv 2501.12948 v2, supplement): like R1-Zero, but with clip
 * ε = 10, which "plays a crucial role", and with the language reward added to the others.
 */
const deepseekR1: RlPreset = {
  ...r1Zero,
  objective: { ...r1Zero.objective, ...R1_CLIP },
  rewards: { accuracy: 1, format: 1, language: 1 },
}

/**
 * DeepSeek-R1's second reinforcement learning, in all scenarios: the same at temperature 0.7. Only the last 400 of its
 * 1,700 steps have general data and reward models; the recipe decides which questions and learned rewards a step has.
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

/** The settings that each algorithm changes in a base. */
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
  // Qwen, arXiv 2511.20347: τ_pos = 1, τ_neg = 1.05; the mean over the tokens of each response
  sapo: ({ objective }: RlPreset) => ({
    objective: { ...objective, surrogate: 'sapo', gate: SAPO_GATE, kl: noKl },
    normalisation: 'sequence_mean',
  }),
  // Cui et al., arXiv 2505.22617, §4.3: r = 2e-4 of the tokens, of those with a covariance between 1 and 5; their code clips
  // ratios above 2 alone
  'clip-cov': ({ objective }: RlPreset) => ({
    objective: { ...objective, clipLow: 1, clipHigh: 1, kl: noKl },
    normalisation: 'token_mean',
    covariance: { kind: 'clip', share: 2e-4, from: 1, to: 5 },
  }),
  // The same paper: k = 2e-3 of the tokens (2e-4 for its 32B model), β = 1, no clipping. The penalty has a gradient only from
  // the second optimizer step on the same responses.
  'kl-cov': ({ objective, minibatches }: RlPreset) => ({
    objective: { ...objective, surrogate: 'importance', kl: noKl },
    normalisation: 'token_mean',
    minibatches: Math.max(2, minibatches),
    covariance: { kind: 'kl', share: 2e-3, beta: 1 },
  }),
  // Khatri et al., arXiv 2510.13786, §4, "ScaleRL": CISPO with an upper bound of 5, the mean over the tokens of each question,
  // advantages divided by their std over the batch, groups of equal rewards left out, questions with a pass rate of 0.9 or
  // more not drawn again, thinking ended after 12,288 of 14,336 tokens. Its FP32 head needs no setting: we compute everything
  // in float32. Its asynchronous sampling (PipelineRL) is not part of it.
  scalerl: ({ objective, maxTokens }: RlPreset) => ({
    objective: { ...objective, surrogate: 'cispo', clipLow: 1, clipHigh: 4, kl: noKl },
    advantage: 'centred_batch',
    normalisation: 'question_mean',
    dropZeroVariance: true,
    curriculum: NO_POSITIVE_RESAMPLING,
    interruption: { after: thinkingLength(maxTokens), phrase: INTERRUPTION_PHRASE },
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

type BaseName = keyof typeof bases
type AlgorithmName = keyof typeof algorithms
/** The names of all bases. */
export const baseNames = Object.keys(bases) as BaseName[]
/** The names of all algorithms. */
export const algorithmNames = Object.keys(algorithms) as AlgorithmName[]

/**
 * The settings of an algorithm, at the scale of a base. `maxTokens` replaces the base's longest response, by which some
 * algorithms scale.
 *
 * @example rlPreset('miniature', 'dapo')
 * @throws UserError for an unknown name
 */
export function rlPreset(base: string, algorithm = 'grpo', maxTokens?: number): RlPreset {
  const preset = lookUp('preset', bases, base)
  const from = maxTokens === undefined ? preset : { ...preset, maxTokens }
  return {
    ...from,
    ...lookUp<(base: RlPreset) => Partial<RlPreset>>('algorithm', algorithms, algorithm)(from),
  }
}

function lookUp<T>(what: string, table: Readonly<Record<string, T>>, name: string): T {
  if (!Object.hasOwn(table, name)) {
    const near = nearest(name, Object.keys(table))
    throw new UserError(
      `unknown ${what} "${name}"; choose one of ${Object.keys(table).join(', ')}${near === null ? '' : `; did you mean "${near}"?`}`,
      2,
    )
  }
  return table[name]!
}
