import { withPolicyScorer } from '../../engines/policy.ts'
import {
  type EpochStep,
  type Epochs,
  type EvaluationRecord,
  type ExampleTraining,
  trainEpochs,
} from './epochs.ts'
import { type HeldOutLoss, heldOutLoss, learn, type Sequence } from './learn.ts'

export type Finetuning = ExampleTraining<Sequence, HeldOutLoss>
export type FinetuneStep = EpochStep<HeldOutLoss>
export type Finetuned = Epochs<HeldOutLoss>

/**
 * Supervised fine-tuning: next-token prediction on demonstrations, with the loss on their learned tokens only. Trains
 * from the run's next step to the end.
 */
export function finetune({ engine, onStep, ...job }: Finetuning): Promise<Finetuned> {
  const { trainer, heldOut } = job
  return trainEpochs(job, {
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
    evaluate: () => withPolicyScorer({ engine, trainer }, (scorer) => heldOutLoss(scorer, heldOut)),
    record: lossRecord,
    onStep,
  })
}

const lossRecord: EvaluationRecord<HeldOutLoss> = {
  toNumbers: (evaluation) => ({ ...evaluation }),
  fromNumbers: ({ loss, tokens = Number.NaN, sequences = Number.NaN }) => ({ loss, tokens, sequences }),
}
