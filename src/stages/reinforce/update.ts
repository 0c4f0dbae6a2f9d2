import { type CovarianceControl, covarianceSelection } from '../../algorithms/covariance.ts'
import { learningRateAt } from '../../algorithms/schedules.ts'
import { maskTruncated, tokenWeights, truncatedImportance } from '../../algorithms/weights.ts'
import { UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import { stopwatch } from '../../common/stopwatch.ts'
import { plural } from '../../common/words.ts'
import type { ForwardBackwardResult, PolicyDatum } from '../../engines/contract.ts'
import { withPolicyScorer } from '../../engines/policy.ts'
import type { SampledRollout } from '../sample/rollouts.ts'
import type { TrainedSequence } from '../watch/metrics.ts'
import { perPosition, sampledTokens, toDatum } from './datums.ts'
import type { Reinforcement, ReinforceSettings } from './job.ts'
import { isTruncated, policyObjective, type RlSettings } from './rl-settings.ts'
import { taughtTerms } from './teacher.ts'

/** A rollout to learn from. */
export interface Example {
  readonly rollout: SampledRollout
  readonly advantage: number
  /** log π_ref of each position; null without a reference policy. */
  readonly reference: Float32Array | null
}

/** The part of a run that updates the policy. */
interface UpdateJob extends Pick<Reinforcement, 'engine' | 'trainer' | 'teacher'> {
  readonly run: Pick<Reinforcement['run'], 'progress'>
  readonly settings: Pick<ReinforceSettings, 'rl' | 'seed' | 'steps'>
}

/** The result of a step's update. */
export interface Updated {
  readonly sequences: TrainedSequence[]
  /**
   * Of each example, the entropies of the policy at its tokens, in nats, the first time that it was trained on: with several
   * minibatches, the weights are no longer quite those that it was sampled from. Null if the engine does not report them.
   */
  readonly entropies: readonly (Float32Array | null)[]
  /** Mean over the optimizer steps. */
  readonly loss: number
  /** Null if the engine does not report it. */
  readonly gradNorm: number | null
  readonly learningRate: number
  /** Mean over the tokens of log π_old − log π_teacher: the reverse KL in nats; null without a teacher. */
  readonly teacherKl: number | null
  /** The weights that correct for the distribution that was drawn from: their mean and greatest; null without such weights. */
  readonly importance: { readonly mean: number; readonly max: number } | null
  /** Null if the engine does not report it. */
  readonly flops: number | null
  /** Positions trained on, prompts included. */
  readonly tokens: number
  readonly seconds: number
}

/**
 * Trains on the rollouts of a step: examples → minibatches × epochs → datums → new weights.
 *
 * @param staleness How many updates older the weights are that the rollouts were sampled with.
 */
export async function update(
  job: UpdateJob,
  examples: readonly Example[],
  step: number,
  staleness = 0,
): Promise<Updated> {
  const { run, trainer, settings } = job
  const { rl, seed, steps } = settings
  run.progress(`learning from ${plural(examples.length, 'response')}`)
  const seconds = stopwatch()
  const learningRate = learningRateAt(rl.schedule, rl.learningRate, step - 1, steps)
  const old = await oldPolicy(job, examples, rl)
  const taught = await teaching(job, examples, old)
  const sequences: TrainedSequence[] = []
  const entropies = examples.map((): Float32Array | null => null)
  const losses: number[] = []
  const gradNorms: (number | null)[] = []
  const flops: (number | null)[] = []
  let tokens = 0
  for (let epoch = 0; epoch < rl.epochs; epoch++) {
    const random = new Random(seed, 'minibatches', step, epoch)
    for (const part of minibatches(examples.length, rl.minibatches, random)) {
      const datums = toDatums(
        part.map((i) => examples[i]!),
        part.map((i) => old[i]!),
        part.map((i) => taught.terms?.[i] ?? null),
        rl,
        new Random(seed, 'covariance', step, losses.length),
      )
      const result = await trainer.forwardBackward(datums, policyObjective(rl))
      if (!Number.isFinite(result.loss))
        throw new UserError(
          `training has diverged at step ${step} (loss ${result.loss}); lower rl.learningRate`,
        )
      const { gradNorm } = await trainer.optimStep({
        learningRate,
        beta1: rl.betas[0],
        beta2: rl.betas[1],
        eps: 1e-8,
        weightDecay: 0,
        gradClipNorm: rl.gradClip,
      })
      const rollouts = part.map((i) => examples[i]!.rollout)
      sequences.push(...trainedSequences(datums, rollouts, result, staleness === 0 && losses.length === 0))
      for (const [k, i] of part.entries())
        entropies[i] ??= result.entropies?.[k]?.subarray(examples[i]!.rollout.promptTokens.length - 1) ?? null
      losses.push(result.loss)
      gradNorms.push(gradNorm)
      flops.push(result.flops)
      tokens += datums.reduce((total, datum) => total + datum.tokens.length, 0)
    }
  }
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const sumKnown = (values: readonly (number | null)[]): number | null =>
    values.includes(null) ? null : sum(values as number[])
  const gradNorm = sumKnown(gradNorms)
  return {
    sequences,
    entropies,
    loss: sum(losses) / losses.length,
    gradNorm: gradNorm === null ? null : gradNorm / gradNorms.length,
    learningRate,
    teacherKl: taught.kl,
    importance: importanceOf(examples, old),
    flops: sumKnown(flops),
    tokens,
    seconds: seconds(),
  }
}

/** The datums of a minibatch with what the engine reported of them; `onPolicy`: before any optimizer step of this update. */
const trainedSequences = (
  datums: readonly PolicyDatum[],
  rollouts: readonly SampledRollout[],
  { logprobs, entropies, clipped }: ForwardBackwardResult,
  onPolicy: boolean,
): TrainedSequence[] =>
  datums.map((datum, i) => ({
    weights: datum.weights,
    trainer: logprobs[i]!,
    old: datum.logprobs,
    sampler: toDatum(rollouts[i]!, 1).logprobs,
    entropies: entropies?.[i] ?? null,
    clipped: clipped?.[i] ?? null,
    reference: datum.reference ?? null,
    onPolicy,
  }))

interface OldPolicy {
  readonly logprobs: Float32Array
  /** Factor of each position's advantage. */
  readonly importance: Float32Array | null
}

/**
 * log π_old from the sampler or, with an importance cap, from the trainer before the update, together with the weights
 * that correct for the difference from the distribution that was drawn from.
 */
async function oldPolicy(
  policy: Pick<UpdateJob, 'engine' | 'trainer'>,
  examples: readonly Example[],
  rl: RlSettings,
): Promise<OldPolicy[]> {
  const { importanceCap: cap, temperature } = rl
  const datums = examples.map(({ rollout }) => toDatum(rollout, 1))
  const sampled = datums.map(({ logprobs }) => logprobs)
  const truncated = isTruncated(rl)
  if (cap === null && !truncated) return sampled.map((logprobs) => ({ logprobs, importance: null }))
  const old =
    cap === null
      ? sampled
      : (await withPolicyScorer(policy, (scorer) => scorer.logprobs(datums, { temperature }))).map((values) =>
          values.map((value) => (Number.isNaN(value) ? 0 : value)),
        )
  return examples.map(({ rollout }, i) => {
    const drawnFrom = truncated ? perPosition(rollout, rollout.sequence.samplingLogprobs) : sampled[i]!
    return {
      logprobs: old[i]!,
      importance: truncatedImportance(old[i]!, drawnFrom, cap ?? Number.POSITIVE_INFINITY),
    }
  })
}

/** The mean and the greatest of the importance weights of the sampled tokens. */
function importanceOf(examples: readonly Example[], old: readonly OldPolicy[]): Updated['importance'] {
  const weights = examples.flatMap(({ rollout }, i) => {
    const sampled = toDatum(rollout, 1).weights
    return [...(old[i]!.importance ?? [])].filter((_, t) => sampled[t] !== 0)
  })
  if (weights.length === 0) return null
  return {
    mean: weights.reduce((sum, weight) => sum + weight, 0) / weights.length,
    max: weights.reduce((a, b) => Math.max(a, b)),
  }
}

/** What a teacher adds to the advantage of each position of each example, and how far the policy is from it. */
async function teaching(
  { teacher, settings: { rl } }: UpdateJob,
  examples: readonly Example[],
  old: readonly OldPolicy[],
): Promise<{ readonly terms: Float32Array[] | null; readonly kl: number | null }> {
  if (!teacher) return { terms: null, kl: null }
  const scored = await teacher.logprobs(
    examples.map(({ rollout }) => toDatum(rollout, 1)),
    rl.temperature,
  )
  const terms = scored.map((logprobs, i) => taughtTerms(teacher.weight, logprobs, old[i]!.logprobs))
  const sum = terms.flatMap((values) => [...values]).reduce((total, term) => total + term, 0)
  const tokens = examples.reduce((count, { rollout }) => count + sampledTokens(rollout), 0)
  return { terms, kl: -sum / teacher.weight / tokens }
}

/** The datums of a minibatch, with weights that make the summed loss the mean that the normalisation defines. */
function toDatums(
  examples: readonly Example[],
  old: readonly OldPolicy[],
  taught: readonly (Float32Array | null)[],
  rl: RlSettings,
  random: Random,
): PolicyDatum[] {
  const lengths = examples.map(({ rollout }) => sampledTokens(rollout))
  const truncated = examples.map(({ rollout }) => rollout.stopReason === 'length')
  const counted = rl.maskTruncated ? maskTruncated(lengths, truncated) : lengths
  const questions = examples.map(({ rollout }) => rollout.question)
  const weights = tokenWeights(rl.normalisation, counted, rl.maxTokens, questions)
  const datums = examples.map(({ rollout, advantage, reference }, i) => {
    const datum = toDatum(rollout, weights[i]!)
    const { logprobs, importance } = old[i]!
    const advantages =
      taught[i]?.map((term) => advantage + term) ?? new Float32Array(datum.tokens.length).fill(advantage)
    return {
      ...datum,
      logprobs,
      ...(reference && { reference }),
      advantages: importance ? advantages.map((a, t) => a * importance[t]!) : advantages,
    }
  })
  return rl.covariance === null ? datums : controlled(datums, rl.covariance, random)
}

/**
 * The datums of a minibatch under Clip-Cov (selected tokens have advantage 0, and so no policy gradient) or KL-Cov (selected
 * tokens are marked). Covariances are those of log π_old: in the first optimizer step after the sampling that is log π_θ, which
 * the paper and verl use in every step. Means are over the minibatch; verl's are over a microbatch.
 */
function controlled(
  datums: readonly PolicyDatum[],
  control: CovarianceControl,
  random: Random,
): PolicyDatum[] {
  const tokens = datums.flatMap(({ weights }, i) =>
    [...weights.keys()].filter((t) => weights[t] !== 0).map((t) => ({ i, t })),
  )
  const selected = covarianceSelection(
    control,
    tokens.map(({ i, t }) => datums[i]!.logprobs[t]!),
    tokens.map(({ i, t }) => datums[i]!.advantages[t]!),
    random,
  )
  const marked = datums.map(({ weights }) => new Float32Array(weights.length))
  for (const k of selected) marked[tokens[k]!.i]![tokens[k]!.t] = 1
  return datums.map((datum, i) =>
    control.kind === 'kl'
      ? { ...datum, marked: marked[i]! }
      : { ...datum, advantages: datum.advantages.map((a, t) => (marked[i]![t] === 1 ? 0 : a)) },
  )
}

/** Splits 0 … count − 1 into `parts` parts of equal size (±1), in random order if there are several. */
function minibatches(count: number, parts: number, random: Random): number[][] {
  const order = Array.from({ length: count }, (_, i) => i)
  if (parts > 1) random.shuffle(order)
  const edge = (part: number): number => Math.round((part * count) / parts)
  return Array.from({ length: parts }, (_, part) => order.slice(edge(part), edge(part + 1))).filter(
    (p) => p.length > 0,
  )
}
