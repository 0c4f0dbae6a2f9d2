import { type DpoObjective, dpoLoss } from '../../algorithms/dpo.ts'
import {
  type PreferenceQuality,
  preferenceQuality,
  type ScoredComparison,
} from '../../algorithms/preference.ts'
import { UserError } from '../../common/errors.ts'
import { counted, type Progress } from '../../common/progress.ts'
import { stopwatch } from '../../common/stopwatch.ts'
import type { Warn } from '../../common/warnings.ts'
import type { AdamSettings, Datum, Engine, Scorer, Trainer } from '../../engines/contract.ts'
import { withPolicyScorer } from '../../engines/policy.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import type { ScoredText } from '../../rewards/preference.ts'
import type { Run } from '../../runs/with-run.ts'
import type { Preference } from '../../tasks/preferences.ts'
import {
  checkFinite,
  type EpochSettings,
  type Epochs,
  type EvaluationNumbers,
  trainEpochs,
} from './epochs.ts'
import { nextTokenDatum, type Sequence } from './learn.ts'
import { supervise } from './masks.ts'
import { qualityFrom, qualityNumbers } from './reward-model.ts'

/** A pair of answers as tokens, each with its prompt, of which nothing is learned: the better one, then the worse one. */
export type Pair = readonly [chosen: Sequence, rejected: Sequence]

/**
 * Encodes a pair. Only the last answer of a conversation is compared; of a text, what follows its prompt or, if the prompt is
 * unknown, the beginning that both texts share.
 *
 * @throws UserError for labelled answers, for answers that are the same to the model, or if something of one would not be learned.
 */
export function encodePair(renderer: Renderer, preference: Preference): Pair {
  if ('response' in preference)
    throw new UserError('it is one answer with a label, and not a pair; `ruminate reward` learns from labels')
  const { chosen, rejected } = preference
  const shared = sharedLength(chosen, rejected)
  const [better, worse] = [chosen, rejected].map((scored) => encodeAnswer(renderer, scored, shared))
  if (better!.tokens.join() === worse!.tokens.join())
    throw new UserError('its two answers are the same to the model, so there is no preference')
  return [better!, worse!]
}

function encodeAnswer(renderer: Renderer, scored: ScoredText, shared: number): Sequence {
  if ('text' in scored) {
    const at = scored.promptLength ?? shared
    const [sequence] = supervise(renderer, {
      prompt: scored.text.slice(0, at),
      completion: scored.text.slice(at),
    })
    return sequence!
  }
  const { messages, tools } = scored
  const learned = messages.map((message, i) =>
    message.role === 'assistant' && i < messages.length - 1 ? { ...message, weight: 0 as const } : message,
  )
  const [sequence] = supervise(renderer, { messages: learned, ...(tools && { tools }) })
  return sequence!
}

/** The length of the beginning that two texts share, without a space before the first difference, as in TRL. */
function sharedLength(a: ScoredText, b: ScoredText): number {
  if (!('text' in a && 'text' in b)) return 0
  let at = 0
  while (at < a.text.length && at < b.text.length && a.text[at] === b.text[at]) at++
  return a.text[at - 1] === ' ' ? at - 1 : at
}

/** How well a policy does on pairs that it has not seen. The reward of an answer is β h: see `DpoObjective`. */
export interface DpoQuality extends PreferenceQuality {
  /** Mean reward of the chosen and of the rejected answers. */
  readonly chosen: number
  readonly rejected: number
}

export interface DpoStep {
  readonly step: number
  readonly steps: number
  readonly epoch: number
  readonly loss: number
  /** Share of the batch's pairs whose chosen answer had the higher reward before the step. */
  readonly accuracy: number
  readonly learningRate: number
  readonly tokensPerSecond: number
  readonly heldOut: DpoQuality | null
}

interface DpoTraining {
  readonly run: Run
  readonly engine: Engine
  /** Holds the weights of the run's last checkpoint, or the base weights. */
  readonly trainer: Trainer
  readonly training: readonly Pair[]
  readonly heldOut: readonly Pair[]
  readonly settings: EpochSettings
  readonly objective: DpoObjective
  readonly onStart?: ((before: DpoQuality, steps: number) => void) | undefined
  readonly onStep?: ((step: DpoStep) => void) | undefined
  readonly onWarning?: Warn | undefined
}

/** The two answers of a pair as datums, with log π_ref at each position if there is a reference. */
type PairDatums = readonly [chosen: Datum, rejected: Datum]

/**
 * Direct preference optimization, from the run's next step to the end. The reference policy is the base model, which scores all
 * answers once before the training (of adapters: with the adapters off).
 */
export async function trainDpo(job: DpoTraining): Promise<Epochs<DpoQuality>> {
  const { engine, trainer, training, heldOut, objective, onStart, onStep, ...rest } = job
  const { progress } = job.run
  const referencing = { engine, objective, progress }
  const learnedPairs = await referenced(training, referencing)
  // in the same batches as in an evaluation, so that both have the same bits
  const heldOutPairs = await referenced(heldOut, referencing)
  const { before, after, ...trained } = await trainEpochs<PairDatums, EvaluationNumbers>({
    ...rest,
    trainer,
    training: learnedPairs,
    heldOut: heldOutPairs.length,
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
        dpoNumbers(qualityOf(heldOutPairs, await scored(scorer, heldOutPairs.flat(), progress), objective)),
      ),
    onStart: (numbers, steps) => onStart?.(fromNumbers(numbers), steps),
    onStep: ({ step, steps, epoch, loss, learningRate, metrics, tokens, seconds, evaluation }) =>
      onStep?.({
        step,
        steps,
        epoch,
        loss,
        accuracy: metrics.accuracy!,
        learningRate,
        tokensPerSecond: tokens / seconds,
        heldOut: evaluation && fromNumbers(evaluation),
      }),
  })
  return { ...trained, before: fromNumbers(before), after: fromNumbers(after) }
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
  const seconds = stopwatch()
  const datums = batch.flat().map((datum) => ({
    ...datum,
    weights: datum.weights.map((weight) => weight / batch.length),
  }))
  const { loss, flops, logprobs } = await trainer.forwardBackward(datums, objective)
  checkFinite(step, loss)
  const { gradNorm } = await trainer.optimStep(adam)
  const tokens = datums.reduce((sum, datum) => sum + datum.tokens.length, 0)
  return { loss, gradNorm, flops, tokens, seconds: seconds(), quality: qualityOf(batch, logprobs, objective) }
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

const dpoNumbers = ({ chosen, rejected, ...quality }: DpoQuality): EvaluationNumbers => ({
  ...qualityNumbers(quality),
  chosen,
  rejected,
})

function fromNumbers({ chosen, rejected, ...numbers }: EvaluationNumbers): DpoQuality {
  const known = (value: number | undefined): number => value ?? Number.NaN
  return { ...qualityFrom(numbers as EvaluationNumbers), chosen: known(chosen), rejected: known(rejected) }
}
