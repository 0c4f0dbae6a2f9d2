import type { PolicyObjective } from '../../algorithms/objectives.ts'
import { RequestError } from '../problem.ts'

/** How a loss of the protocol is computed: what the engine optimises, and each token's term for the client. */
export interface Loss {
  /** What a datum must have besides `target_tokens`, and what it may have. */
  readonly needs: readonly Input[]
  readonly may: readonly Input[]
  /** The settings in `loss_fn_config`, with their defaults. */
  readonly config: Readonly<Record<string, number>>
  /**
   * What the engine optimises. Its advantage is the datum's `advantages` or, for cross-entropy, its `weights`.
   *
   * @throws RequestError for a setting outside its range.
   */
  objective(config: Readonly<Record<string, number>>): PolicyObjective
  /** A token's loss, without its weight, from lp = log π_θ, q = log π of the sampler, the advantage A and the ratio ρ. */
  term(token: LossToken, config: Readonly<Record<string, number>>): number
  /** ρ of every token is its sequence's, over the tokens whose advantage is not 0 (GSPO). */
  readonly sequenceRatio?: true
}

/** What a loss reads of a datum. */
export type Input = 'weights' | 'logprobs' | 'advantages'

export interface LossToken {
  readonly lp: number
  readonly q: number
  readonly A: number
  readonly ratio: number
}

const CLIP = { clip_low_threshold: 0.8, clip_high_threshold: 1.2 }

const policy = (fields: Partial<PolicyObjective>): PolicyObjective => ({
  kind: 'policy',
  ratio: 'token',
  surrogate: 'importance',
  clipLow: 0.2,
  clipHigh: 0.2,
  dualClip: null,
  kl: { beta: 0, estimator: 'k3' },
  ...fields,
})

/** The protocol gives the bounds of ρ themselves, the engine their distances from 1. */
function clipped(
  config: Readonly<Record<string, number>>,
  fields: Partial<PolicyObjective>,
): PolicyObjective {
  const { clip_low_threshold: low, clip_high_threshold: high } = config as typeof CLIP
  if (!(low >= 0 && low <= 1 && high >= 1))
    throw new RequestError(
      'invalid',
      `loss_fn_config: clip_low_threshold must be in [0, 1] and clip_high_threshold at least 1, not ${low} and ${high}`,
      { field: 'loss_fn_config' },
    )
  return policy({ clipLow: 1 - low, clipHigh: high - 1, ...fields })
}

const clip = (ratio: number, config: Readonly<Record<string, number>>): number =>
  Math.min(Math.max(ratio, config.clip_low_threshold!), config.clip_high_threshold!)

const ON_POLICY_DATA = { needs: ['logprobs', 'advantages'], may: ['weights'] } as const

/** The losses of the protocol that the engine can train on, summed over tokens and datums. */
export const losses = {
  // −Σ w lp, which is REINFORCE with A = w, so that weights may be negative
  cross_entropy: {
    needs: [],
    may: ['weights'],
    config: {},
    objective: () => policy({ surrogate: 'reinforce' }),
    term: ({ lp, A }) => -A * lp,
  },
  // −Σ ρ A,  ρ = e^(lp − q)
  importance_sampling: {
    ...ON_POLICY_DATA,
    config: {},
    objective: () => policy({}),
    term: ({ ratio, A }) => -ratio * A,
  },
  // −Σ min(ρ A, clip(ρ) A)
  ppo: {
    ...ON_POLICY_DATA,
    config: CLIP,
    objective: (config) => clipped(config, { surrogate: 'clip' }),
    term: ({ ratio, A }, config) => -Math.min(ratio * A, clip(ratio, config) * A),
  },
  // −Σ sg(clip(ρ)) A lp
  cispo: {
    ...ON_POLICY_DATA,
    config: CLIP,
    objective: (config) => clipped(config, { surrogate: 'cispo' }),
    term: ({ lp, ratio, A }, config) => -clip(ratio, config) * A * lp,
  },
  // −Σ (A lp − ½ β (lp − q)²), which is REINFORCE with the KL estimator k2 to the sampler's policy
  dro: {
    ...ON_POLICY_DATA,
    config: { beta: 0.05 },
    objective: ({ beta }) => {
      if (!(beta! >= 0))
        throw new RequestError('invalid', `loss_fn_config: beta must be at least 0, not ${beta}`, {
          field: 'loss_fn_config',
        })
      return policy({ surrogate: 'reinforce', kl: { beta: beta!, estimator: 'k2' } })
    },
    term: ({ lp, q, A }, { beta }) => -(A * lp - (beta! / 2) * (lp - q) ** 2),
  },
  // −Σ min(s A, clip(s) A),  s = e^(mean over the sequence of lp − q)
  gspo: {
    ...ON_POLICY_DATA,
    config: CLIP,
    objective: (config) => clipped(config, { surrogate: 'clip', ratio: 'sequence' }),
    term: ({ ratio, A }, config) => -Math.min(ratio * A, clip(ratio, config) * A),
    sequenceRatio: true,
  },
} satisfies Record<string, Loss>

/** @throws RequestError if there is no such loss, or it has no such setting. */
export function lossOf(
  name: string,
  given: Readonly<Record<string, number>>,
): { readonly loss: Loss; readonly config: Readonly<Record<string, number>> } {
  if (!Object.hasOwn(losses, name))
    throw new RequestError(
      'invalid',
      `loss_fn: there is no loss ${JSON.stringify(name)} here; there are ${Object.keys(losses).join(', ')}`,
      { field: 'loss_fn' },
    )
  const loss: Loss = losses[name as keyof typeof losses]
  for (const [key, value] of Object.entries(given)) {
    const has = Object.keys(loss.config)
    if (!has.includes(key))
      throw new RequestError(
        'invalid',
        `loss_fn_config: ${name} has no setting ${JSON.stringify(key)}; it has ${has.join(', ') || 'none'}`,
        { field: 'loss_fn_config' },
      )
    if (!Number.isFinite(value))
      throw new RequestError('invalid', `loss_fn_config: ${key} must be a finite number, not ${value}`, {
        field: 'loss_fn_config',
      })
  }
  return { loss, config: { ...loss.config, ...given } }
}
