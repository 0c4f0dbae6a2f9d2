import { ratioKinds, surrogateNames } from '../../algorithms/objectives.ts'
import { UserError } from '../../common/errors.ts'
import { defaultThreads } from '../../common/threads.ts'
import { loadConfig } from '../../models/checkpoint/directory.ts'
import { checkThreads, checkTrainable, requireOneOf } from '../checks.ts'
import type { Capabilities, Engine, EngineSpec } from '../contract.ts'
import { BaseFolder } from './base-folder.ts'
import { continuousSampler } from './continuous/continuous.ts'
import { isSmall } from './model/size.ts'
import { localSampler } from './sampling.ts'
import { localRewardScorer, localScorer } from './scoring.ts'
import { Exclusive } from './threads/exclusive.ts'
import { Replicas } from './threads/replicas.ts'
import { localTrainer } from './training.ts'
import { HELD_VERSIONS, Versions } from './versions.ts'

/**
 * Opens a model in worker threads of this process. Results are the same bit for bit for the same number of threads.
 *
 * @throws UserError if the model cannot be read, or `threads` is not a whole number of at least 1.
 */
export async function openLocalEngine({
  model,
  rewardHead,
  threads = defaultThreads(),
}: EngineSpec): Promise<Engine> {
  checkThreads(threads)
  const base = typeof model === 'string' ? loadConfig(model) : model.config
  const baseFolder = typeof model === 'string' ? new BaseFolder(model) : null
  const count = isSmall(rewardHead ? { ...base, head: 'score' } : base) ? threads : 1
  const { replicas, opened } = await Replicas.open(count, { model, rewardHead, threads: threads / count })
  const { config } = opened
  const exclusive = new Exclusive()
  const versions = new Versions(replicas, exclusive, baseFolder)
  const scores = config.head === 'score'
  const can: Capabilities = {
    objectives: scores ? ['preference'] : ['cross_entropy', 'policy', 'dpo'],
    surrogates: scores ? [] : surrogateNames,
    ratios: scores ? [] : ratioKinds,
    dualClip: !scores,
    klCov: !scores,
    klInLoss: !scores,
    temperature: !scores,
    samplingLogprobs: !scores,
    topLogprobs: !scores,
    sequenceSeeds: true,
    trainable: ['all', 'lora'],
    rewardHead: scores,
    bitExactResume: true,
    maxTokens: config.maxPositions,
    vocabulary: config.vocabSize,
    heldVersions: HELD_VERSIONS,
  }
  let hasTrainer = false

  return {
    can,
    base: versions.base,
    saved: (directory) => versions.saved(directory),
    async save(weights, directory) {
      baseFolder?.checkTarget(directory)
      const hold = await versions.hold(weights, 'save')
      try {
        await replicas.one('save', directory, hold.version)
      } finally {
        await hold.release()
      }
    },
    async sampler(weights, { schedule = 'batch' } = {}) {
      if (scores) throw new UserError('this is a reward model: it cannot be sampled from')
      requireOneOf('the schedule of a sampler', schedule, ['batch', 'continuous'])
      const open = schedule === 'batch' ? localSampler : continuousSampler
      return open(replicas, opened, await versions.hold(weights, 'sampler'))
    },
    async scorer(weights) {
      if (scores) throw new UserError('this is a reward model: it has no log-probabilities of tokens')
      return localScorer(replicas, config, await versions.hold(weights, 'scorer'))
    },
    async rewardScorer(weights) {
      if (!scores)
        throw new UserError('this is not a reward model; `ruminate reward` makes one from a language model')
      return localRewardScorer(replicas, config, await versions.hold(weights, 'reward scorer'))
    },
    async trainer({ trainable = 'all' } = {}) {
      checkTrainable(trainable, can)
      if (hasTrainer)
        throw new Error('this engine already has a trainer; open a second engine for a second trainer')
      hasTrainer = true
      try {
        return await localTrainer({ replicas, config, baseFolder, versions, exclusive }, trainable)
      } catch (error) {
        hasTrainer = false
        throw error
      }
    },
    cancel: (reason) => replicas.cancel(reason),
    close: () => replicas.close(),
  }
}
