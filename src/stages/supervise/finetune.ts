import type { Trainer } from '../../engines/contract.ts'
import type { RunStore } from '../../runs/store.ts'
import { type EpochSettings, type Epochs, trainEpochs } from './epochs.ts'
import { type HeldOutLoss, heldOutLoss, learn, type Sequence } from './learn.ts'

/** Its examples are sequences. */
export type FinetuneSettings = EpochSettings

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

export type Finetuned = Epochs<HeldOutLoss>

/**
 * Supervised fine-tuning: next-token prediction on what demonstrations say, with the loss on their learned tokens alone.
 * Goes on after the store's last step, whose weights the trainer holds.
 */
export function finetune({ trainer, heldOut, onStep, ...job }: Finetuning): Promise<Finetuned> {
  return trainEpochs({
    ...job,
    trainer,
    name: 'finetuning',
    learn: async (batch, adam, step) => {
      const { entropy, learned, ...outcome } = await learn(trainer, batch, adam, step)
      return {
        ...outcome,
        tokens: learned,
        metrics: { entropy, 'batch/sequences': batch.length, 'batch/learned_tokens': learned },
      }
    },
    evaluate: async () => ({ ...(await heldOutLoss(trainer, heldOut)) }),
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
