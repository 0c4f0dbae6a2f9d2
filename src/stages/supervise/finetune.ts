import type { Warn } from '../../common/warnings.ts'
import type { Engine, Trainer } from '../../engines/contract.ts'
import { withPolicyScorer } from '../../engines/policy.ts'
import type { Run } from '../../runs/with-run.ts'
import { type EpochSettings, type Epochs, trainEpochs } from './epochs.ts'
import { type HeldOutLoss, heldOutLoss, learn, type Sequence } from './learn.ts'

export interface FinetuneStep {
  readonly step: number
  readonly steps: number
  readonly epoch: number
  readonly loss: number
  readonly learningRate: number
  /** Learned tokens. */
  readonly tokensPerSecond: number
  /** On held-out sequences; null if this step was not evaluated. */
  readonly heldOut: HeldOutLoss | null
}

export interface Finetuning {
  readonly run: Run
  readonly engine: Engine
  /** Holds the weights of the run's last checkpoint, or the base weights. */
  readonly trainer: Trainer
  readonly training: readonly Sequence[]
  readonly heldOut: readonly Sequence[]
  readonly settings: EpochSettings
  readonly onStart?: ((before: HeldOutLoss, steps: number) => void) | undefined
  readonly onStep?: ((step: FinetuneStep) => void) | undefined
  /** Receives warnings that there is too little to learn from, or that nothing was learned. By default they go to standard error. */
  readonly onWarning?: Warn | undefined
}

export type Finetuned = Epochs<HeldOutLoss>

/**
 * Supervised fine-tuning: next-token prediction on demonstrations, with the loss on their learned tokens only. Trains
 * from the run's next step to the end.
 */
export function finetune({ engine, heldOut, onStep, ...job }: Finetuning): Promise<Finetuned> {
  const { trainer } = job
  return trainEpochs({
    ...job,
    heldOut: heldOut.length,
    name: 'finetuning',
    learn: async (batch, adam, step) => {
      const { entropy, learned, ...outcome } = await learn(trainer, batch, adam, step)
      return {
        ...outcome,
        tokens: learned,
        metrics: {
          entropy: entropy ?? Number.NaN,
          'batch/sequences': batch.length,
          'batch/learned_tokens': learned,
        },
      }
    },
    evaluate: () =>
      withPolicyScorer({ engine, trainer }, async (scorer) => ({ ...(await heldOutLoss(scorer, heldOut)) })),
    onStep: ({ step, steps, epoch, loss, learningRate, tokens, seconds, evaluation }) =>
      onStep?.({
        step,
        steps,
        epoch,
        loss,
        learningRate,
        tokensPerSecond: tokens / seconds,
        heldOut: evaluation,
      }),
  })
}
