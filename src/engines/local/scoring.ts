import type { ModelConfig } from '../../models/config.ts'
import { checkTemperature } from '../checks.ts'
import type { RewardScorer, Scorer } from '../contract.ts'
import { checkDatums, checkTexts } from '../validate.ts'
import type { Hold } from './hold.ts'
import { rewardIn, type Sequence, textSequence } from './model/batches/sequences.ts'
import { gather, partitionSequences } from './partition.ts'
import type { Replicas } from './threads/replicas.ts'

/** Texts sent to the replicas at once. */
const TEXTS_AT_ONCE = 256

/** A scorer with the version of the weights that `hold` holds. */
export function localScorer(replicas: Replicas, config: ModelConfig, hold: Hold): Scorer {
  return {
    logprobs: (datums, { temperature = 1 } = {}) =>
      hold.use(async () => {
        checkDatums(datums, config)
        checkTemperature(temperature)
        return compute(
          replicas,
          datums.map(({ tokens, targets, weights }) => ({ tokens, targets, weights })),
          hold.version,
          temperature,
        )
      }),
    close: () => hold.release(),
  }
}

/** A reward scorer with the version of the weights that `hold` holds. */
export function localRewardScorer(replicas: Replicas, config: ModelConfig, hold: Hold): RewardScorer {
  return {
    rewards: (texts) =>
      hold.use(async () => {
        checkTexts(texts, config)
        const sequences = texts.map((tokens) => textSequence(tokens, config.padTokenId!))
        const rewards: number[] = []
        for (let from = 0; from < sequences.length; from += TEXTS_AT_ONCE) {
          const part = sequences.slice(from, from + TEXTS_AT_ONCE)
          const values = await compute(replicas, part, hold.version, 1)
          rewards.push(...values.map(rewardIn))
        }
        return rewards
      }),
    close: () => hold.release(),
  }
}

async function compute(
  replicas: Replicas,
  sequences: readonly Sequence[],
  version: number,
  temperature: number,
): Promise<Float32Array[]> {
  const parts = partitionSequences(sequences, replicas.count)
  const results = await replicas.each(
    'logprobs',
    parts.map((part) => [part.map((i) => sequences[i]!), version, temperature]),
  )
  return gather(parts, results)
}
