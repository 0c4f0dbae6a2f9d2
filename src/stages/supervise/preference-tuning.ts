import { type DpoObjective, dpoLoss } from '../../algorithms/dpo.ts'
import {
  type PreferenceQuality,
  preferenceQuality,
  type ScoredComparison,
} from '../../algorithms/preference.ts'
import { counted, type Progress } from '../../common/progress.ts'
import type { AdamSettings, Datum, Engine, Scorer, Trainer } from '../../engines/contract.ts'
import { withPolicyScorer } from '../../engines/policy.ts'
import type { Pair } from './encode-preferences.ts'
import { type Epochs, type EvaluationRecord, type ExampleTraining, trainEpochs } from './epochs.ts'
import { nextTokenDatum } from './learn.ts'
import { optimizerStep } from './optimizer-step.ts'
import { type PreferenceStep, qualityRecord } from './preference-quality.ts'

/** How well a policy does on pairs that it has not seen. The reward of an answer is β h: see `DpoObjective`. */
export interface DpoQuality extends PreferenceQuality {
  /** Mean reward of the chosen and of the rejected answers. */
  readonly chosen: number
  readonly rejected: number
}

export type DpoStep = PreferenceStep<DpoQuality>

interface DpoTraining extends ExampleTraining<Pair, DpoQuality, DpoStep> {
  readonly objective: DpoObjective
}

/** The two answers of a pair as datums, with log π_ref at each position if there is a reference. */
type PairDatums = readonly [chosen: Datum, rejected: Datum]

/**
 * Direct preference optimization, from the run's next step to the end. The reference policy is the base model, which scores all
 * answers once before the training (of adapters: with the adapters off).
 */
export async function trainDpo({
  engine,
  objective,
  onStep,
  ...job
}: DpoTraining): Promise<Epochs<DpoQuality>> {
  const { trainer, run } = job
  const { progress } = run
  const referencing = { engine, objective, progress }
  const training = await referenced(job.training, referencing)
  // in the same batches as in an evaluation, so that both have the same bits
  const heldOut = await referenced(job.heldOut, referencing)
  return trainEpochs(
    { ...job, training, heldOut },
    {
      name: 'dpo',
      learn: async (batch, adam, step) => {
        const { quality, ...outcome } = await learnPairs(trainer, batch, objective, adam, step)
        const { accuracy, margin, chosen, rejected } = quality
        return {
          ...outcome,
          metrics: {
            accuracy,
            margin,
            'reward/chosen': chosen,
            'reward/rejected': rejected,
            'batch/pairs': batch.length,
          },
        }
      },
      evaluate: () =>
        withPolicyScorer({ engine, trainer }, async (scorer) =>
          qualityOf(heldOut, await scored(scorer, heldOut.flat(), progress), objective),
        ),
      record: dpoRecord,
      onStep: (step, { accuracy }) => onStep?.({ ...step, accuracy: accuracy! }),
    },
  )
}

/**
 * One optimizer step on the mean loss of the pairs of a batch.
 *
 * @throws UserError if the loss is not finite; the weights are then unchanged.
 */
export async function learnPairs(
  trainer: Trainer,
  batch: readonly PairDatums[],
  objective: DpoObjective,
  adam: AdamSettings,
  step: number,
) {
  const datums = batch.flat().map((datum) => ({
    ...datum,
    weights: datum.weights.map((weight) => weight / batch.length),
  }))
  const { loss, flops, logprobs, gradNorm, seconds } = await optimizerStep(trainer, adam, step, () =>
    trainer.forwardBackward(datums, objective),
  )
  const tokens = datums.reduce((sum, datum) => sum + datum.tokens.length, 0)
  return { loss, gradNorm, flops, tokens, seconds, quality: qualityOf(batch, logprobs, objective) }
}

interface Referencing {
  readonly engine: Pick<Engine, 'scorer' | 'base'>
  readonly objective: DpoObjective
  readonly progress: Progress
}

/** Pairs as datums of weight 1, with the reference policy's log-probs. */
export async function referenced(
  pairs: readonly Pair[],
  { engine, objective, progress }: Referencing,
): Promise<PairDatums[]> {
  const datums = pairs.flat().map((sequence) => nextTokenDatum(sequence, 1))
  if (objective.referenceFree) return pairs.map((_, k) => [datums[2 * k]!, datums[2 * k + 1]!])
  const scorer = await engine.scorer(engine.base)
  try {
    const logprobs = await scored(scorer, datums, progress)
    const known = datums.map((datum, i) => ({
      ...datum,
      reference: logprobs[i]!.map((value) => (Number.isNaN(value) ? 0 : value)),
    }))
    return pairs.map((_, k) => [known[2 * k]!, known[2 * k + 1]!])
  } finally {
    await scorer.close()
  }
}

/** Answers sent to the engine at once. */
const AT_ONCE = 256

async function scored(scorer: Scorer, datums: readonly Datum[], progress: Progress): Promise<Float32Array[]> {
  const logprobs: Float32Array[] = []
  const done = counted(progress, 'scoring answers', datums.length)
  for (let from = 0; from < datums.length; from += AT_ONCE) {
    const batch = datums.slice(from, from + AT_ONCE)
    logprobs.push(...(await scorer.logprobs(batch)))
    for (const _ of batch) done()
  }
  return logprobs
}

/** The quality on pairs, from log π_θ of their answers. */
function qualityOf(
  pairs: readonly PairDatums[],
  logprobs: readonly Float32Array[],
  objective: DpoObjective,
): DpoQuality {
  const h = pairs.flat().map((datum, i) => ratioOf(datum, logprobs[i]!, objective))
  const comparisons = pairs.map((pair, k): ScoredComparison & { readonly z: number } => ({
    rewards: [objective.beta * h[2 * k]!, objective.beta * h[2 * k + 1]!],
    lengths: pair.map(({ weights }) => weights.reduce((count, w) => count + Number(w !== 0), 0)),
    good: null,
    z: h[2 * k]! - h[2 * k + 1]!,
  }))
  const mean = (of: (comparison: (typeof comparisons)[number]) => number): number =>
    comparisons.reduce((sum, comparison) => sum + of(comparison), 0) / comparisons.length
  return {
    ...preferenceQuality(comparisons),
    loss: mean(({ z }) => dpoLoss(objective, z)),
    chosen: mean(({ rewards }) => rewards[0]!),
    rejected: mean(({ rewards }) => rewards[1]!),
  }
}

/** h: the sum, or the mean, of log π_θ − log π_ref over the tokens of an answer. */
function ratioOf(
  { weights, reference }: Datum,
  logprobs: Float32Array,
  { lengthNormalised }: DpoObjective,
): number {
  let [sum, tokens] = [0, 0]
  for (const [t, weight] of weights.entries()) {
    if (weight === 0) continue
    sum += logprobs[t]! - (reference?.[t] ?? 0)
    tokens++
  }
  return lengthNormalised ? sum / tokens : sum
}

const dpoRecord: EvaluationRecord<DpoQuality> = {
  toNumbers: ({ chosen, rejected, ...quality }) => ({
    ...qualityRecord.toNumbers(quality),
    chosen,
    rejected,
  }),
  fromNumbers: (numbers) => {
    const { chosen = Number.NaN, rejected = Number.NaN } = numbers
    return { ...qualityRecord.fromNumbers(numbers), chosen, rejected }
  },
}
