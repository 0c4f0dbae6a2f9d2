import type { AdvantageKind } from '../../algorithms/advantages.ts'
import type { CovarianceControl } from '../../algorithms/covariance.ts'
import type { KlPenalty } from '../../algorithms/kl.ts'
import { needsReference, type PolicyObjective } from '../../algorithms/objectives.ts'
import type { Schedule } from '../../algorithms/schedules.ts'
import type { Normalisation } from '../../algorithms/weights.ts'
import type { Truncation } from '../../engines/contract.ts'
import type { Interruption } from '../sample/interruption.ts'
import type { Curriculum } from './curriculum.ts'

/** All settings of reinforcement learning except the model, the task, the rewards and the number of steps. */
export interface RlSettings extends Readonly<Record<keyof Truncation, number>> {
  /** Its temperature is the one of the sampling: see `policyObjective`. */
  readonly objective: Omit<PolicyObjective, 'temperature' | 'klCov'>
  /** What is done about the tokens whose log-prob and advantage vary together most; null: nothing. */
  readonly covariance: CovarianceControl | null
  readonly advantage: AdvantageKind
  readonly normalisation: Normalisation
  /** Responses per question. */
  readonly groupSize: number
  /** Questions per step. A step samples responses once and may make several optimizer steps with them. */
  readonly questionsPerStep: number
  /** Number of parts that the responses of a step are split into, with one optimizer step each. */
  readonly minibatches: number
  /** Passes over the responses of a step. */
  readonly epochs: number
  readonly learningRate: number
  readonly schedule: Schedule
  /** Adam's β₁ and β₂. */
  readonly betas: readonly [number, number]
  /** Gradients are clipped to this global norm; 0 does not clip. */
  readonly gradClip: number
  /** Of the policy: responses are sampled at it, and ratios, KL, entropies and gradients are those of it. */
  readonly temperature: number
  /** Longest response in tokens. */
  readonly maxTokens: number
  /** Steps after which the policy becomes the new reference; null keeps the base model as the reference. */
  readonly referenceRefresh: number | null
  /** KL penalty subtracted from the reward; null: none. */
  readonly klInReward: KlPenalty | null
  /**
   * Cap of the truncated importance weights that correct for differences between sampler and trainer; null: only what
   * `topK`, `topP` and `minP` leave out is corrected, with weights of at most 1.
   */
  readonly importanceCap: number | null
  /** Leave truncated responses out of the update. */
  readonly maskTruncated: boolean
  /** Drop groups whose rewards are all equal and sample other questions instead. */
  readonly dynamicSampling: boolean
  /** Leave groups whose rewards are all equal out of the update and of its averages. */
  readonly dropZeroVariance: boolean
  /** Which questions are not drawn for a while; null: all are drawn. */
  readonly curriculum: Curriculum | null
  /** How thinking that is too long is ended; null: it is not. */
  readonly interruption: Interruption | null
  /** Soft overlong punishment over the last `buffer` tokens; null: off. */
  readonly overlong: { readonly buffer: number } | null
}

/** The objective for the policy that is sampled. */
export const policyObjective = ({ objective, temperature, covariance }: RlSettings): PolicyObjective => ({
  ...objective,
  temperature,
  ...(covariance?.kind === 'kl' && { klCov: covariance.beta }),
})

/** Are the log-probs of the reference policy read, by the loss or by the rewards? */
export const usesReference = (rl: RlSettings): boolean =>
  needsReference(policyObjective(rl)) || (rl.klInReward !== null && rl.klInReward.beta !== 0)

/** Can some tokens not be drawn? */
export const isTruncated = ({ topK, topP, minP }: Pick<RlSettings, keyof Truncation>): boolean =>
  topK > 0 || topP < 1 || minP > 0
