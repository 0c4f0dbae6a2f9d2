import type { Objective } from '../algorithms/objectives.ts'
import type { AdamSettings, Datum, Trainer } from '../engines/contract.ts'
import { Random } from '../random.ts'
import { toDatum } from './datums.ts'
import type { Judged } from './judge.ts'
import type { TrainedSequence } from './metrics.ts'

export interface UpdateSettings {
  readonly seed: number
  readonly objective: Objective
  /** A step's rollouts are split at random into this many minibatches, one optimizer step each. */
  readonly minibatches: number
  /** Passes over a step's rollouts. */
  readonly epochs: number
  /** Leave responses that were cut off out of the loss. */
  readonly maskTruncated: boolean
  /** Replace the reference by the policy every so many steps; 0: never. */
  readonly referenceEvery: number
  readonly adam: Omit<AdamSettings, 'learningRate'>
  readonly learningRateAt: (step: number) => number
}

export interface Updated {
  readonly sequences: TrainedSequence[]
  readonly loss: number
  /** Mean over the optimizer steps. */
  readonly gradNorm: number
  readonly learningRate: number
  readonly flops: number
  /** Positions that went through the trainer, prompts included. */
  readonly tokens: number
}

/** A rollout with its advantage; `null`: it has no reward, and is left out. */
export interface Example extends Judged {
  readonly advantage: number | null
}

/** A step's optimizer steps: rollouts → datums → minibatches × epochs → new weights. */
export async function update(
  trainer: Trainer,
  examples: readonly Example[],
  settings: UpdateSettings,
  step: number,
): Promise<Updated> {
  const usable = examples.filter(({ advantage, rollout }) => advantage !== null && !(settings.maskTruncated && rollout.stopReason === 'length'))
  const datums = usable.map(({ rollout, advantage }) => toDatum(rollout, advantage!))
  const { logprobs: reference } = await trainer.forward(datums, { weights: 'reference' })
  const learningRate = settings.learningRateAt(step)
  const sequences: TrainedSequence[] = []
  const sum = { loss: 0, gradNorm: 0, flops: 0, tokens: 0, updates: 0 }
  for (let epoch = 0; epoch < settings.epochs; epoch++) {
    const order = [...datums.keys()]
    if (settings.minibatches > 1) new Random(settings.seed, 'minibatches', step, epoch).shuffle(order)
    for (const part of split(order, settings.minibatches)) {
      const minibatch = part.map((i) => ({ ...datums[i]!, reference: reference[i]! }))
      const result = await trainer.forwardBackward(minibatch, settings.objective)
      const { gradNorm } = await trainer.optimStep({ ...settings.adam, learningRate })
    }
  }
}
