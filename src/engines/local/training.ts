import type { Objective } from '../../algorithms/objectives.ts'
import { UserError } from '../../common/errors.ts'
import type { ModelConfig } from '../../models/config.ts'
import { checkAdam, checkObjective } from '../checks.ts'
import type { Trainable, Trainer } from '../contract.ts'
import { checkComparisons, checkDatums, checkForObjective } from '../validate.ts'
import type { BaseFolder } from './base-folder.ts'
import {
  comparisonSequences,
  datumSequence,
  pairSequences,
  rewardIn,
  type Sequence,
  type SequencesResult,
} from './model/batches/sequences.ts'
import { gradientVectors } from './model/exchange.ts'
import { trainableShapes } from './model/trainable.ts'
import { gather, partitionSequences } from './partition.ts'
import type { Exclusive } from './threads/exclusive.ts'
import type { Replicas } from './threads/replicas.ts'
import type { Versions } from './versions.ts'

const NO_REWARD_MODEL = 'this is not a reward model: it cannot be trained with comparisons'

/** Opens the trainer of all replicas, which allocate gradients and optimizer state. */
export async function localTrainer(
  { replicas, config, baseFolder, versions, exclusive }: TrainerParts,
  trainable: Trainable,
): Promise<Trainer> {
  const exchange =
    replicas.count > 1 ? gradientVectors(size(trainableShapes(config, trainable)), replicas.count) : []
  await versions.open(trainable !== 'all', (next) =>
    replicas.each(
      'openTrainer',
      Array.from({ length: replicas.count }, (_, replica) => [trainable, exchange, replica, next]),
    ),
  )
  let steps = 0
  /** Have the replicas published gradients since the last step? */
  let published = false

  /** Runs one call at a time; a call that fails clears the accumulated gradient. */
  const guarded = <T>(work: () => Promise<T>): Promise<T> =>
    exclusive.run(async () => {
      try {
        return await work()
      } catch (error) {
        published = false
        await replicas.abandon()
        throw error
      }
    })

  const backward = async (sequences: readonly Sequence[], objective: Objective): Promise<SequencesResult> => {
    const parts = partitionSequences(sequences, replicas.count)
    const results = await replicas.each(
      'forwardBackward',
      parts.map((part) => [part.map((i) => sequences[i]!), objective]),
    )
    published = true
    const of = (name: 'logprobs' | 'entropies' | 'clipped') =>
      gather(
        parts,
        results.map((result) => result[name]),
      )
    return {
      loss: results.reduce((sum, { loss }) => sum + loss, 0),
      flops: results.reduce((sum, { flops }) => sum + flops, 0),
      logprobs: of('logprobs'),
      entropies: of('entropies'),
      clipped: of('clipped'),
    }
  }

  return {
    forwardBackward: (datums, objective) =>
      guarded(async () => {
        checkObjective(objective)
        if (config.head === 'score')
          throw new UserError(
            `this is a reward model: it cannot be trained with ${objective.kind}, only with comparisons`,
          )
        if (objective.kind === 'preference') throw new UserError(NO_REWARD_MODEL)
        checkDatums(datums, config)
        checkForObjective(datums, objective)
        return backward(
          objective.kind === 'dpo' ? pairSequences(datums, objective) : datums.map(datumSequence),
          objective,
        )
      }),
    compare: (comparisons) =>
      guarded(async () => {
        if (config.head !== 'score') throw new UserError(NO_REWARD_MODEL)
        checkComparisons(comparisons, config)
        const sequences = comparisons.flatMap((comparison, i) =>
          comparisonSequences(comparison, i, config.padTokenId!),
        )
        const { loss, flops, logprobs } = await backward(sequences, { kind: 'preference' })
        const rewards = logprobs.map(rewardIn).values()
        return {
          loss,
          flops,
          rewards: comparisons.map(({ texts }) => texts.map(() => rewards.next().value!)),
        }
      }),
    optimStep: (adam) =>
      guarded(async () => {
        checkAdam(adam)
        const result = await versions.change((change) =>
          replicas.change('prepareStep', adam, { ...change, published }),
        )
        published = false
        steps++
        return result
      }),
    snapshot: () => exclusive.run(async () => versions.snapshot(`step ${steps}`)),
    save: (directory, options) =>
      exclusive.run(async () => {
        baseFolder?.checkTarget(directory)
        await replicas.one('save', directory, versions.current, options)
      }),
    load: (directory, { optimizer = true } = {}) =>
      guarded(async () => {
        const loaded = await versions.change((change) =>
          replicas.change('prepareLoad', directory, { ...change, optimizer }),
        )
        published = false
        steps = loaded.steps
      }),
  }
}

interface TrainerParts {
  readonly replicas: Replicas
  readonly config: ModelConfig
  readonly baseFolder: BaseFolder | null
  readonly versions: Versions
  readonly exclusive: Exclusive
}

const size = (shapes: ReadonlyMap<string, readonly number[]>): number =>
  [...shapes.values()].reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0)
