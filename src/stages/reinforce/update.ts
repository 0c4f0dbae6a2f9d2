import { learningRateAt } from '../../algorithms/schedules.ts'
import { maskTruncated, tokenWeights, truncatedImportance } from '../../algorithms/weights.ts'
import { UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import type { Datum, Trainer } from '../../engines/contract.ts'
import type { RlPreset } from '../../settings/presets.ts'
import type { SampledRollout } from '../sample/rollouts.ts'
import type { TrainedSequence } from '../watch/metrics.ts'
import { toDatum } from './datums.ts'

/** The numbers of the algorithm; the rewards and their weights come as functions. */
export type RlSettings = Omit<RlPreset, 'rewards'>

/** A rollout to learn from. */
export interface Example {
  readonly rollout: SampledRollout
  readonly advantage: number
  /** log π_ref of each position. */
  readonly reference: Float32Array
}

export interface UpdateSettings {
  readonly rl: RlSettings
  readonly seed: number
  readonly steps: number
}

export interface Updated {
  readonly sequences: TrainedSequence[]
  /** Mean over the optimizer steps. */
  readonly loss: number
  readonly gradNorm: number
  readonly learningRate: number
  readonly flops: number
  /** Positions that went through the trainer, prompts included. */
  readonly tokens: number
}

/** A step's training: examples → minibatches × epochs → datums → new weights. */
export async function update(
  trainer: Trainer,
  examples: readonly Example[],
  { rl, seed, steps }: UpdateSettings,
  step: number,
): Promise<Updated> {
  const learningRate = learningRateAt(rl.schedule, rl.learningRate, step - 1, steps)
  const old = await oldPolicy(trainer, examples, rl)
  const sequences: TrainedSequence[] = []
  const sum = { loss: 0, gradNorm: 0, flops: 0, tokens: 0, updates: 0 }
  for (let epoch = 0; epoch < rl.epochs; epoch++) {
    for (const part of minibatches(
      examples.length,
      rl.minibatches,
      new Random(seed, 'minibatches', step, epoch),
    )) {
      const datums = toDatums(
        part.map((i) => examples[i]!),
        part.map((i) => old[i]!),
        rl,
      )
      const result = await trainer.forwardBackward(datums, rl.objective)
      const { gradNorm } = await trainer.optimStep({
        learningRate,
        beta1: rl.betas[0],
        beta2: rl.betas[1],
        eps: 1e-8,
        weightDecay: 0,
        gradClipNorm: rl.gradClip,
      })
      if (!Number.isFinite(result.loss + gradNorm))
        throw new UserError(
          `step ${step} diverged (loss ${result.loss}, gradient norm ${gradNorm}); lower rl.learningRate`,
        )
      for (const [i, datum] of datums.entries())
        sequences.push({
          weights: datum.weights,
          trainer: result.logprobs[i]!,
          old: datum.logprobs!,
          sampler: toDatum(examples[part[i]!]!.rollout, 1).logprobs!,
          entropies: result.entropies[i]!,
          clipped: result.clipped[i]!,
          reference: datum.reference!,
          onPolicy: sum.updates === 0,
        })
      sum.loss += result.loss
      sum.gradNorm += gradNorm
      sum.flops += result.flops
      sum.tokens += datums.reduce((total, datum) => total + datum.tokens.length, 0)
      sum.updates++
    }
  }
  return {
    ...sum,
    sequences,
    learningRate,
    loss: sum.loss / sum.updates,
    gradNorm: sum.gradNorm / sum.updates,
  }
}

interface OldPolicy {
  readonly logprobs: Float32Array
  /** Factor of each position's advantage. */
  readonly importance: Float32Array | null
}

/**
 * log π_old: the sampler's own numbers, or, with truncated importance sampling, those of the trainer before the update,
 * with the weights that correct for the sampler.
 */
async function oldPolicy(
  trainer: Trainer,
  examples: readonly Example[],
  rl: RlSettings,
): Promise<OldPolicy[]> {
  const datums = examples.map(({ rollout }) => toDatum(rollout, 1))
  if (rl.importanceCap === null)
    return datums.map(({ logprobs }) => ({ logprobs: logprobs!, importance: null }))
  const { logprobs } = await trainer.forward(datums)
  return datums.map((datum, i) => {
    const known = logprobs[i]!.map((value) => (Number.isNaN(value) ? 0 : value))
    return { logprobs: known, importance: truncatedImportance(known, datum.logprobs!, rl.importanceCap!) }
  })
}

/** A minibatch: the weights make the loss the mean that the normalisation asks for. */
function toDatums(examples: readonly Example[], old: readonly OldPolicy[], rl: RlSettings): Datum[] {
  const lengths = examples.map(({ rollout }) => rollout.tokens)
  const truncated = examples.map(({ rollout }) => rollout.stopReason === 'length')
  const counted = rl.maskTruncated ? maskTruncated(lengths, truncated) : lengths
  const weights = tokenWeights(rl.normalisation, counted, rl.maxTokens)
  return examples.map(({ rollout, advantage, reference }, i) => {
    const datum = toDatum(rollout, weights[i]!)
    const { logprobs, importance } = old[i]!
    const advantages = new Float32Array(datum.tokens.length).fill(advantage)
    return {
      ...datum,
      logprobs,
      reference,
      advantages: importance ? advantages.map((a, t) => a * importance[t]!) : advantages,
    }
  })
}

/** 0 … count − 1 in `parts` parts of equal size (±1), at random when there are several. */
function minibatches(count: number, parts: number, random: Random): number[][] {
  const order = Array.from({ length: count }, (_, i) => i)
  if (parts > 1) random.shuffle(order)
  const cut = (part: number): number => Math.round((part * count) / parts)
  return Array.from({ length: parts }, (_, part) => order.slice(cut(part), cut(part + 1))).filter(
    (p) => p.length > 0,
  )
}
