import { learningRateAt, type Schedule } from '../../algorithms/schedules.ts'
import { UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import type { AdamSettings, Trainer } from '../../engines/contract.ts'
import { checkpointOrStop } from '../../runs/checkpoint-or-stop.ts'
import type { RunStore } from '../../runs/store.ts'

export interface EpochSettings {
  readonly seed: number
  /** Passes over the training examples, each in an order of its own. */
  readonly epochs: number
  /** Examples a step. The last step of an epoch has what is left. */
  readonly batchSize: number
  readonly learningRate: number
  readonly schedule: Schedule
  /** Adam's β₁ and β₂. */
  readonly betas: readonly [number, number]
  readonly weightDecay: number
  readonly gradClip: number
  /** Steps between evaluations; null: once an epoch. */
  readonly evalEvery: number | null
  readonly checkpointEvery: number
}

/** An evaluation as numbers by name; `loss` decides which one is best. */
export type EvaluationNumbers = Readonly<Record<string, number>> & { readonly loss: number }

/** What a step did, before the update of the weights. */
export interface StepLoss {
  readonly loss: number
  readonly gradNorm: number
  readonly flops: number
  readonly seconds: number
  /** That count for the speed. */
  readonly tokens: number
  /** More to record. */
  readonly metrics: Readonly<Record<string, number>>
}

export interface EpochStep<E> extends StepLoss {
  readonly step: number
  readonly steps: number
  readonly epoch: number
  readonly learningRate: number
  /** On held-out examples, where this step was evaluated. */
  readonly evaluation: E | null
}

export interface EpochTraining<Example, E> {
  readonly trainer: Trainer
  readonly training: readonly Example[]
  readonly settings: EpochSettings
  readonly store: RunStore
  readonly signal?: AbortSignal | undefined
  /** Names the random order. */
  readonly name: string
  /** One optimizer step towards a batch. */
  readonly learn: (batch: readonly Example[], adam: AdamSettings, step: number) => Promise<StepLoss>
  /** The held-out examples by the present weights. */
  readonly evaluate: () => Promise<E>
  readonly onStart?: ((before: E, steps: number) => void) | undefined
  readonly onStep?: ((step: EpochStep<E>) => void) | undefined
}

export interface Epochs<E> {
  readonly steps: number
  readonly before: E
  readonly after: E
  /** The evaluated step with the least loss, and its checkpoint. */
  readonly best: { readonly step: number; readonly loss: number; readonly checkpoint: string }
}

/**
 * Epochs over examples, with evaluations and checkpoints. Everything derives from (weights, seed, step). Goes on after the
 * store's last step, whose weights the trainer holds.
 */
export async function trainEpochs<Example, E extends EvaluationNumbers>(
  job: EpochTraining<Example, E>,
): Promise<Epochs<E>> {
  const { training, settings, store } = job
  const perEpoch = Math.ceil(training.length / settings.batchSize)
  const steps = settings.epochs * perEpoch

  // held-out examples before
  if (store.metric('eval/loss').length === 0)
    store.record(0, { metrics: evaluationMetrics(await job.evaluate()) })
  job.onStart?.(evaluationAt(store, 0), steps)

  for (let step = store.info().step + 1; step <= steps; step++) {
    // a batch of this epoch's order → new weights
    const epoch = Math.floor((step - 1) / perEpoch)
    const at = ((step - 1) % perEpoch) * settings.batchSize
    const order = Uint32Array.from({ length: training.length }, (_, i) => i)
    new Random(settings.seed, job.name, epoch).shuffle(order)
    const batch = Array.from(order.subarray(at, at + settings.batchSize), (i) => training[i]!)
    const learningRate = learningRateAt(settings.schedule, settings.learningRate, step - 1, steps)
    const learned = await job.learn(
      batch,
      {
        learningRate,
        beta1: settings.betas[0],
        beta2: settings.betas[1],
        eps: 1e-8,
        weightDecay: settings.weightDecay,
        gradClipNorm: settings.gradClip,
      },
      step,
    )

    // held-out examples during and after
    const last = step === steps
    const evaluation = last || step % (settings.evalEvery ?? perEpoch) === 0 ? await job.evaluate() : null

    // what happened → the run
    const before = store.metricsAt(step - 1)
    const { loss, gradNorm, flops, seconds, tokens } = learned
    store.record(step, {
      metrics: {
        loss,
        grad_norm: gradNorm,
        learning_rate: learningRate,
        epoch: step / perEpoch,
        ...learned.metrics,
        'total/tokens': (before['total/tokens'] ?? 0) + tokens,
        'total/flops': (before['total/flops'] ?? 0) + flops,
        'speed/training': tokens / seconds,
        'time/training': seconds,
        ...(evaluation ? evaluationMetrics(evaluation) : {}),
      },
    })
    job.onStep?.({ ...learned, step, steps, epoch: step / perEpoch, learningRate, evaluation })
    // every evaluation has a checkpoint, so that the best one is kept
    await checkpointOrStop(job, step, {
      due: evaluation !== null || step % settings.checkpointEvery === 0,
      last,
      score: evaluation ? -evaluation.loss : null,
    })
  }
  return { steps, before: evaluationAt(store, 0), after: evaluationAt(store, steps), best: bestOf(store) }
}

/** @throws UserError where loss or gradient are no numbers any more. */
export function refuseDivergence(step: number, loss: number, gradNorm: number): void {
  if (!Number.isFinite(loss + gradNorm))
    throw new UserError(
      `training has diverged at step ${step} (loss ${loss}, gradient norm ${gradNorm}); lower learningRate`,
    )
}

const EVALUATION = 'eval/'

function evaluationMetrics(evaluation: EvaluationNumbers): Record<string, number> {
  return Object.fromEntries(Object.entries(evaluation).map(([name, value]) => [EVALUATION + name, value]))
}

/** As it was recorded: numbers that were unknown (NaN) are not among them. */
function evaluationAt<E extends EvaluationNumbers>(store: RunStore, step: number): E {
  const recorded = Object.entries(store.metricsAt(step)).filter(([name]) => name.startsWith(EVALUATION))
  return Object.fromEntries(recorded.map(([name, value]) => [name.slice(EVALUATION.length), value])) as E
}

function bestOf(store: RunStore): Epochs<never>['best'] {
  const scored = store.checkpoints().flatMap(({ step, path, score }) => {
    return score === null ? [] : [{ step, loss: -score, checkpoint: path }]
  })
  return scored.reduce((best, other) => (other.loss < best.loss ? other : best))
}
