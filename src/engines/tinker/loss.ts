import { type Objective, temperatureOf } from '../../algorithms/objectives.ts'
import { UserError } from '../../common/errors.ts'
import type { LossName, Tensor, Datum as WireDatum } from '../../tinker/index.ts'
import type { Datum, ForwardBackwardResult } from '../contract.ts'

/*
 * Objectives as losses of a server. With weights w, advantages A and q = log π_old, a server's loss of one token is
 *
 *   cross_entropy  −w·log π        importance_sampling  −ρA      ppo  −min(ρA, clip(ρ)A)      cispo  −sg(clip ρ)·A·log π
 *
 * All but the first are homogeneous in A, so that the weight of a token is a factor of its advantage.
 */

/** What the gradient of a server's loss is. */
export interface LossScale {
  /**
   * `sum`: over all tokens. `sequence-mean`: each sequence's sum divided by the sum of its weights, and all divided by the
   * number of sequences since the last step (SkyRL's JAX backend).
   */
  readonly reduction: 'sum' | 'sequence-mean'
}

export interface WireLoss {
  readonly loss: LossName
  readonly config: Readonly<Record<string, number>>
  readonly data: WireDatum[]
}

/**
 * The request whose gradient is that of Σ weight·loss.
 *
 * @param sequences The number of sequences since the last step, these included, by which a `sequence-mean` divides.
 * @throws UserError for an objective that no loss of the protocol computes.
 */
export function toWire(
  datums: readonly Datum[],
  objective: Objective,
  { reduction }: LossScale,
  sequences: number,
): WireLoss {
  const means = reduction === 'sequence-mean'
  /** The factor that undoes the division. */
  const undone = ({ weights }: Datum) => (means ? sequences * count(weights) : 1)
  const policy = (
    loss: LossName,
    config: Record<string, number>,
    advantage: (d: Datum, t: number) => number,
  ): WireLoss => ({
    loss,
    config,
    data: datums.map((datum) => {
      const factor = undone(datum)
      return wireDatum(datum, {
        logprobs: floats(datum.weights.map((w, t) => (w === 0 ? 0 : (datum.logprobs?.[t] ?? 0)))),
        advantages: floats(datum.weights.map((w, t) => (w === 0 ? 0 : factor * w * advantage(datum, t)))),
        // a server that divides by their sum takes missing ones to be 1; others may refuse them
        ...(means && { weights: floats(datum.weights.map((w) => Number(w !== 0))) }),
      })
    }),
  })
  // −sg(clip(ρ, 1, 1))·A·log π = −A·log π
  const linear = (advantage: (datum: Datum, t: number) => number): WireLoss =>
    means
      ? policy('cispo', { clip_low_threshold: 1, clip_high_threshold: 1 }, advantage)
      : {
          loss: 'cross_entropy',
          config: {},
          data: datums.map((datum) =>
            wireDatum(datum, {
              weights: floats(datum.weights.map((w, t) => (w === 0 ? 0 : w * advantage(datum, t)))),
            }),
          ),
        }
  checkExpressible(objective)
  if (objective.kind !== 'policy') return linear(() => 1)
  const advantage = ({ advantages }: Datum, t: number) => advantages![t]!
  const clip = {
    clip_low_threshold: Math.max(0, 1 - objective.clipLow),
    clip_high_threshold: 1 + objective.clipHigh,
  }
  if (objective.surrogate === 'reinforce') return linear(advantage)
  if (objective.surrogate === 'importance') return policy('importance_sampling', {}, advantage)
  return policy(objective.surrogate === 'clip' ? 'ppo' : 'cispo', clip, advantage)
}

/** The surrogates that losses of the protocol compute. */
export const SURROGATES = ['clip', 'importance', 'cispo', 'reinforce'] as const

/** @throws UserError for an objective that no loss of the protocol computes. */
export function checkExpressible(objective: Objective): void {
  const { kind } = objective
  if (kind !== 'cross_entropy' && kind !== 'policy')
    throw new UserError(`the engine tinker cannot train with ${kind}, only with cross_entropy, policy`)
  if (kind !== 'policy') return
  const { surrogate, ratio, dualClip, kl, klCov } = objective
  if (!(SURROGATES as readonly string[]).includes(surrogate))
    throw new UserError(
      `the engine tinker cannot train with the surrogate ${surrogate}, only with ${SURROGATES.join(', ')}`,
    )
  if (ratio !== 'token')
    throw new UserError(
      `the engine tinker has ratios of tokens alone: set rl.objective.ratio=token, not ${ratio}`,
    )
  if (dualClip !== null)
    throw new UserError('the engine tinker has no dual clipping: set rl.objective.dualClip=null')
  if (klCov !== undefined)
    throw new UserError('the engine tinker cannot penalise single tokens, as KL-Cov needs')
  if (kl.beta !== 0)
    throw new UserError(
      'the engine tinker has no KL term in its loss: set rl.objective.kl.beta=0, and rl.klInReward',
    )
  if (temperatureOf(objective) !== 1)
    throw new UserError('the engine tinker can train only at temperature 1: set rl.temperature=1')
}

/** The loss Σ weight·loss, and where it was clipped, from the log-probs that the server reports. */
export function lossOf(
  datums: readonly Datum[],
  logprobs: readonly Float32Array[],
  objective: Objective,
): Pick<ForwardBackwardResult, 'loss' | 'clipped'> {
  let loss = 0
  const clipped = datums.map((datum, i) =>
    datum.weights.map((w, t) => {
      if (w === 0) return Number.NaN
      const lp = logprobs[i]![t]!
      if (objective.kind !== 'policy') {
        loss -= w * lp
        return 0
      }
      const [A, ratio] = [datum.advantages![t]!, Math.exp(lp - datum.logprobs![t]!)]
      const bounded = Math.min(Math.max(ratio, 1 - objective.clipLow), 1 + objective.clipHigh)
      const { surrogate } = objective
      if (surrogate === 'reinforce') loss -= w * A * lp
      else if (surrogate === 'importance') loss -= w * ratio * A
      else if (surrogate === 'cispo') loss -= w * bounded * A * lp
      else loss -= w * Math.min(ratio * A, bounded * A)
      const isClipped =
        surrogate === 'cispo' ? bounded !== ratio : surrogate === 'clip' && bounded * A < ratio * A
      return isClipped ? (ratio > bounded ? 1 : -1) : 0
    }),
  )
  return { loss, clipped }
}

/** A datum of the protocol. Targets that are not learned are token 0. */
export function wireDatum(
  { tokens, targets, weights }: Pick<Datum, 'tokens' | 'targets' | 'weights'>,
  inputs: Readonly<Record<string, Tensor>>,
): WireDatum {
  return {
    model_input: { chunks: [{ type: 'encoded_text', tokens }] },
    loss_fn_inputs: {
      target_tokens: {
        dtype: 'int64',
        data: targets.map((target, t) => (weights[t] === 0 ? 0 : target)),
        shape: [targets.length],
      },
      ...inputs,
    },
  }
}

export const floats = (data: Float32Array): Tensor => ({ dtype: 'float32', data, shape: [data.length] })

/** The number of positions with a loss. */
const count = (weights: Float32Array): number => weights.reduce((sum, w) => sum + Number(w !== 0), 0)
