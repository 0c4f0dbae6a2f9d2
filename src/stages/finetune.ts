import { learningRateAt, type Schedule } from '../algorithms/schedules.ts'
import type { Trainer } from '../engines/contract.ts'
import { Random } from '../random.ts'
import type { RunStore } from '../runs/store.ts'
import { checkpointOrStop } from './checkpoint.ts'
import { type HeldOutLoss, heldOutLoss, learn, type Sequence } from './learn.ts'

export interface FinetuneSettings {
  readonly seed: number
  /** Passes over the training sequences, each in an order of its own. */
  readonly epochs: number
  /** Sequences a step. The last step of an epoch has what is left. */
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

export interface FinetuneStep {
  readonly step: number
  readonly steps: number
  readonly epoch: number
  readonly loss: number
  readonly learningRate: number
  /** Learned tokens. */
  readonly tokensPerSecond: number
  /** On held-out sequences, where this step was evaluated. */
  readonly heldOut: HeldOutLoss | null
}

export interface Finetuning {
  readonly trainer: Trainer
  readonly training: readonly Sequence[]
  readonly heldOut: readonly Sequence[]
  readonly settings: FinetuneSettings
  readonly store: RunStore
  readonly signal?: AbortSignal | undefined
  readonly onStart?: ((before: HeldOutLoss, steps: number) => void) | undefined
  readonly onStep?: ((step: FinetuneStep) => void) | undefined
}

export interface Finetuned {
  readonly steps: number
  readonly before: HeldOutLoss
  readonly after: HeldOutLoss
  /** The evaluated step with the least loss, and its checkpoint. */
  readonly best: { readonly step: number; readonly loss: number; readonly checkpoint: string }
}

/**
 * Supervised fine-tuning: next-token prediction on what demonstrations say, with the loss on their learned tokens alone.
 * Everything derives from (weights, seed, step). Goes on after the store's last step, whose weights the trainer holds.
 */
export async function finetune(job: Finetuning): Promise<Finetuned> {
  const { trainer, training, settings, store } = job
  const perEpoch = Math.ceil(training.length / settings.batchSize)
  const steps = settings.epochs * perEpoch

  // held-out loss before
  if (store.metric('eval/loss').length === 0)
    store.record(0, { metrics: evaluationMetrics(await heldOutLoss(trainer, job.heldOut)) })
  job.onStart?.(evaluationAt(store, 0), steps)

  for (let step = store.info().step + 1; step <= steps; step++) {
    // a batch of this epoch's order → new weights
    const epoch = Math.floor((step - 1) / perEpoch)
    const at = ((step - 1) % perEpoch) * settings.batchSize
    const order = epochOrder(training.length, settings.seed, epoch)
    const batch = Array.from(order.subarray(at, at + settings.batchSize), (i) => training[i]!)
    const learningRate = learningRateAt(settings.schedule, settings.learningRate, step - 1, steps)
    const { loss, gradNorm, entropy, learned, flops, seconds } = await learn(
      trainer,
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

    // held-out loss during and after
    const last = step === steps
    const heldOut =
      last || step % (settings.evalEvery ?? perEpoch) === 0 ? await heldOutLoss(trainer, job.heldOut) : null

    // what happened → the run
    const before = store.metricsAt(step - 1)
    store.record(step, {
      metrics: {
        loss,
        entropy,
        grad_norm: gradNorm,
        learning_rate: learningRate,
        epoch: step / perEpoch,
        'batch/sequences': batch.length,
        'batch/learned_tokens': learned,
        'total/tokens': (before['total/tokens'] ?? 0) + learned,
        'total/flops': (before['total/flops'] ?? 0) + flops,
        'speed/training': learned / seconds,
        'time/training': seconds,
        ...(heldOut ? evaluationMetrics(heldOut) : {}),
      },
    })
    const tokensPerSecond = learned / seconds
    job.onStep?.({ step, steps, epoch: step / perEpoch, loss, learningRate, tokensPerSecond, heldOut })
    // every evaluation has a checkpoint, so that the best one is kept
    await checkpointOrStop(job, step, {
      due: heldOut !== null || step % settings.checkpointEvery === 0,
      last,
      score: heldOut ? -heldOut.loss : null,
    })
  }
  return { steps, before: evaluationAt(store, 0), after: evaluationAt(store, steps), best: bestOf(store) }
}

/** The order of an epoch's sequences. */
function epochOrder(count: number, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  return new Random(seed, 'finetuning', epoch).shuffle(order)
}

function evaluationMetrics({ loss, tokens, sequences }: HeldOutLoss): Record<string, number> {
  return { 'eval/loss': loss, 'eval/tokens': tokens, 'eval/sequences': sequences }
}

function evaluationAt(store: RunStore, step: number): HeldOutLoss {
  const metrics = store.metricsAt(step)
  const read = (name: string): number => metrics[`eval/${name}`] ?? Number.NaN
  return { loss: read('loss'), tokens: read('tokens'), sequences: read('sequences') }
}

function bestOf(store: RunStore): Finetuned['best'] {
  const scored = store.checkpoints().flatMap(({ step, path, score }) => {
    return score === null ? [] : [{ step, loss: -score, checkpoint: path }]
  })
  return scored.reduce((best, other) => (other.loss < best.loss ? other : best))
}
