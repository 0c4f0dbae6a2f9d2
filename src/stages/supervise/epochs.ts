import { learningRateAt, type Schedule } from '../../algorithms/schedules.ts'
import { Random } from '../../common/random.ts'
import { type Warn, warner } from '../../common/warnings.ts'
import { plural } from '../../common/words.ts'
import type { AdamSettings, Engine, Trainer } from '../../engines/contract.ts'
import type { RunEvent, StepRecord } from '../../runs/rows.ts'
import type { RunStore } from '../../runs/store.ts'
import type { Run } from '../../runs/with-run.ts'
import { runningTotal } from '../watch/metrics.ts'
import { checkFinite } from './optimizer-step.ts'
import { alreadyLearned, notLearned, tooLittle } from './too-little.ts'

export interface EpochSettings {
  readonly seed: number
  /** Passes over the training examples, each in its own random order. */
  readonly epochs: number
  /** Examples per step; fewer in the last step of an epoch. */
  readonly batchSize: number
  readonly learningRate: number
  readonly schedule: Schedule
  /** Adam's β₁ and β₂. */
  readonly betas: readonly [number, number]
  readonly weightDecay: number
  readonly gradClip: number
  /** Steps between evaluations; null: once per epoch. */
  readonly evalEvery: number | null
  readonly checkpointEvery: number
  /** See `StepEnd.seconds`. */
  readonly checkpointSeconds: number | null
}

/** An evaluation as numbers by name; the evaluation with the lowest `loss` is the best. */
export type EvaluationNumbers = Readonly<Record<string, number>> & { readonly loss: number }

/** How the evaluations of a training are recorded. */
export interface EvaluationRecord<E> {
  readonly toNumbers: (evaluation: E) => EvaluationNumbers
  /** Reads an evaluation back. A number that is missing is unknown (NaN). */
  readonly fromNumbers: (numbers: EvaluationNumbers) => E
}

/** The results of one optimizer step; the loss is from before the update. */
interface StepLoss {
  readonly loss: number
  /** Null if the engine does not report it. */
  readonly gradNorm: number | null
  readonly flops: number | null
  readonly seconds: number
  /** Tokens, for the speed. */
  readonly tokens: number
  /** Further metrics to record. */
  readonly metrics: Readonly<Record<string, number>>
}

/** What is told of a step; `E` is an evaluation. */
export interface EpochStep<E> {
  readonly step: number
  readonly steps: number
  readonly epoch: number
  /** The mean over the batch, before the update. */
  readonly loss: number
  readonly learningRate: number
  /** Learned tokens; of preferences, all tokens of their texts. */
  readonly tokensPerSecond: number
  /** On held-out examples; null if this step was not evaluated. */
  readonly heldOut: E | null
}

/** A training on examples, which continues from the run's last step. `Step` is what is told of each step. */
export interface ExampleTraining<Example, E, Step = EpochStep<E>> {
  readonly run: Run
  readonly engine: Engine
  /** Holds the weights of the run's last checkpoint, or the base weights. */
  readonly trainer: Trainer
  readonly training: readonly Example[]
  readonly heldOut: readonly Example[]
  readonly settings: EpochSettings
  /** Called with the evaluation before the training. */
  readonly onStart?: ((before: E, steps: number) => void) | undefined
  readonly onStep?: ((step: Step) => void) | undefined
  /**
   * Receives warnings that there is too little to learn from, or that nothing was learned. By default they go to standard
   * error.
   */
  readonly onWarning?: Warn | undefined
}

/** How a method learns from examples. */
interface Method<Example, E> {
  /** Name of the random stream that orders the examples. */
  readonly name: string
  /** One optimizer step on a batch. */
  readonly learn: (batch: readonly Example[], adam: AdamSettings, step: number) => Promise<StepLoss>
  /** Evaluates the trainer's weights on the held-out examples. */
  readonly evaluate: () => Promise<E>
  readonly record: EvaluationRecord<E>
  /** Called after each step, with the metrics that `learn` returned. */
  readonly onStep?: ((step: EpochStep<E>, metrics: StepLoss['metrics']) => void) | undefined
}

export interface Epochs<E> {
  readonly steps: number
  readonly before: E
  readonly after: E
  /** The evaluated step with the lowest loss, and its checkpoint. */
  readonly best: { readonly step: number; readonly loss: number; readonly checkpoint: string }
}

/**
 * Trains on examples for several epochs from the run's next step, with evaluations and checkpoints. Everything is a
 * function of (weights, seed, step).
 */
export async function trainEpochs<Example, E>(
  job: Omit<ExampleTraining<Example, E>, 'engine' | 'onStep'>,
  { name, learn, record, onStep, ...method }: Method<Example, E>,
): Promise<Epochs<E>> {
  const { run, trainer, training, settings } = job
  const { store } = run
  const perEpoch = Math.ceil(training.length / settings.batchSize)
  const steps = settings.epochs * perEpoch

  // evaluation before training
  const evaluate = async (step: number): Promise<EvaluationNumbers> => {
    run.progress('measuring the loss on the held-out rows')
    const evaluation = record.toNumbers(await method.evaluate())
    checkFinite(step, evaluation.loss)
    return evaluation
  }
  const evaluationAt = (step: number): E => record.fromNumbers(recordedAt(store, step))
  const warn = warner(job.onWarning)
  const warned = (messages: readonly string[]): Omit<RunEvent, 'step'>[] => {
    for (const message of messages) warn(message)
    return messages.map((message) => ({ level: 'warning', message }))
  }
  await run.baseline(async () => {
    const sizes = { training: training.length, heldOut: job.heldOut.length, steps }
    const events = warned(tooLittle(sizes, settings))
    const evaluation = await evaluate(0)
    return {
      metrics: evaluationMetrics(evaluation),
      events: [...events, ...warned(alreadyLearned(evaluation.loss))],
    }
  })
  job.onStart?.(evaluationAt(0), steps)

  const save = (directory: string): Promise<void> => trainer.save(directory, { optimizer: true })
  const evaluationAfter = async (step: number): Promise<EvaluationNumbers | null> =>
    step === steps || step % (settings.evalEvery ?? perEpoch) === 0 ? evaluate(step) : null
  /** The record of an evaluation. The last one also tells whether anything was learned. */
  const afterEvaluation = (step: number, evaluation: EvaluationNumbers): StepRecord => ({
    metrics: evaluationMetrics(evaluation),
    events:
      step === steps
        ? warned(
            notLearned([...store.metric(`${EVALUATION}loss`), { step, value: evaluation.loss }], settings),
          )
        : [],
  })
  const endStep = (step: number, evaluation: EvaluationNumbers | null): Promise<void> =>
    run.endStep({
      // every evaluated step has a checkpoint, so that the best one is kept
      due: evaluation !== null || step % settings.checkpointEvery === 0,
      seconds: settings.checkpointSeconds,
      last: step === steps,
      score: evaluation ? -evaluation.loss : null,
    })

  // a run that was stopped during the evaluation after a step begins with that evaluation
  const done = store.info().step
  if (done > 0 && store.metricsAt(done)[`${EVALUATION}loss`] === undefined) {
    const evaluation = await evaluationAfter(done)
    if (evaluation) {
      run.complete(done, afterEvaluation(done, evaluation), save)
      await endStep(done, evaluation)
    }
  }

  for (let step = done + 1; step <= steps; step++) {
    // a batch of this epoch's order → new weights
    const epoch = Math.floor((step - 1) / perEpoch)
    const at = ((step - 1) % perEpoch) * settings.batchSize
    const order = Uint32Array.from({ length: training.length }, (_, i) => i)
    new Random(settings.seed, name, epoch).shuffle(order)
    const batch = Array.from(order.subarray(at, at + settings.batchSize), (i) => training[i]!)
    const learningRate = learningRateAt(settings.schedule, settings.learningRate, step - 1, steps)
    run.progress(`learning from ${plural(batch.length, 'row')}`)
    const { loss, gradNorm, flops, seconds, tokens, metrics } = await learn(
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

    // record the step
    const before = store.metricsAt(step - 1)
    const tokensPerSecond = tokens / seconds
    const recorded = {
      loss,
      grad_norm: gradNorm ?? Number.NaN,
      learning_rate: learningRate,
      epoch: step / perEpoch,
      ...metrics,
      'total/tokens': runningTotal(before, 'total/tokens', step, tokens),
      'total/flops': runningTotal(before, 'total/flops', step, flops),
      'speed/training': tokensPerSecond,
      'time/training': seconds,
    }
    run.complete(step, { metrics: recorded }, save)

    // evaluation during and after training
    const evaluation = await evaluationAfter(step)
    if (evaluation) store.record(step, afterEvaluation(step, evaluation))
    const heldOut = evaluation && record.fromNumbers(evaluation)
    onStep?.({ step, steps, epoch: step / perEpoch, loss, learningRate, tokensPerSecond, heldOut }, metrics)
    await endStep(step, evaluation)
  }
  return { steps, before: evaluationAt(0), after: evaluationAt(steps), best: bestOf(store) }
}

const EVALUATION = 'eval/'

function evaluationMetrics(evaluation: EvaluationNumbers): Record<string, number> {
  return Object.fromEntries(Object.entries(evaluation).map(([name, value]) => [EVALUATION + name, value]))
}

/** The evaluation recorded at a step, without the numbers that are unknown (NaN). */
function recordedAt(store: RunStore, step: number): EvaluationNumbers {
  const recorded = Object.entries(store.metricsAt(step)).filter(([name]) => name.startsWith(EVALUATION))
  const numbers = recorded.map(([name, value]) => [name.slice(EVALUATION.length), value])
  return Object.fromEntries(numbers) as EvaluationNumbers
}

function bestOf(store: RunStore): Epochs<never>['best'] {
  const scored = store.checkpoints().flatMap(({ step, path, score }) => {
    return score === null ? [] : [{ step, loss: -score, checkpoint: path }]
  })
  return scored.reduce((best, other) => (other.loss < best.loss ? other : best))
}
