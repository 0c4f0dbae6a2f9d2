import { resolve } from 'node:path'
import { UserError } from '../../common/errors.ts'
import { onDisk } from '../../common/files/disk.ts'
import { makeFolder } from '../../common/files/files.ts'
import { warner } from '../../common/warnings.ts'
import { copyModel, loadConfig } from '../../models/checkpoint/directory.ts'
import { isPeftFolder } from '../../models/checkpoint/peft/adapter-config.ts'
import { baseFolder } from '../../models/checkpoint/peft/find-base.ts'
import { Tokenizer } from '../../models/tokenizer/tokenizer.ts'
import { TinkerClient, TinkerError, type TinkerModel, type TinkerSession } from '../../tinker/index.ts'
import { checkTrainable, requireOneOf } from '../checks.ts'
import type { Capabilities, Engine, EngineSpec, Trainer, Weights } from '../contract.ts'
import { isKept, type Kept, readKept, writeKept } from './checkpoint.ts'
import { downloadWeights } from './export.ts'
import { SURROGATES } from './loss.ts'
import { type Measured, measure } from './probe.ts'
import { type Reading, tinkerSampler, tinkerScorer } from './reading.ts'
import { Remote } from './remote.ts'
import { servedModel } from './served-model.ts'
import { alphaOf, namer, tinkerTrainer } from './trainer.ts'
import { type TinkerWeights, Versions } from './versions.ts'

const NO_REWARD_MODELS = 'the engine tinker has no reward model: train one with --engine local'

/**
 * Opens a model on a Tinker server. The folder is that of its tokenizer and configuration, and of the base of the adapters
 * that come back; its weights stay unread. What the server's loss means is measured first, with a model of its own.
 *
 * @throws UserError for settings that the server cannot honour; TinkerError if it does not answer.
 */
export async function openTinkerEngine({
  model,
  rewardHead,
  tinker: given,
  onWarning,
}: EngineSpec): Promise<Engine> {
  const tinker = given ?? {}
  if (rewardHead) throw new UserError(NO_REWARD_MODELS)
  if (typeof model !== 'string')
    throw new UserError('the engine tinker opens folders alone: a model in memory is not on the server')
  const config = loadConfig(model)
  if (config.head === 'score') throw new UserError(NO_REWARD_MODELS)
  const warn = warner(onWarning)
  const client = new TinkerClient({
    ...(tinker.url && { baseUrl: tinker.url }),
    ...(tinker.patience !== undefined && { patience: tinker.patience }),
    ...(tinker.concurrency !== undefined && { concurrency: tinker.concurrency }),
    onNotice: warn,
  })
  const kept = isKept(model) ? readKept(model) : null
  const base = kept?.base ?? resolve(isPeftFolder(model) ? baseFolder(model) : model)
  const baseModel = servedModel({
    server: client.server,
    served: await client.models(),
    named: tinker.model ?? kept?.baseModel ?? null,
    folder: base,
  })
  const remote = await Remote.open(client, warn)
  const limits = { vocabulary: config.vocabSize, maxTokens: config.maxPositions }
  let measured: Measured
  try {
    measured = await remote.run((session) => probe(session, baseModel, limits, tinker.probeRank ?? 1))
  } catch (error) {
    await remote.close()
    throw error
  }
  const versions = new Versions(measured.sharesWeights, namer('sampler'), (uri) => remote.discard(uri))
  const tokenizer = tokenizerOf(model)
  const can: Capabilities = {
    objectives: ['cross_entropy', 'policy'],
    surrogates: SURROGATES,
    ratios: ['token'],
    dualClip: false,
    klCov: false,
    klInLoss: false,
    temperature: false,
    samplingLogprobs: false,
    topLogprobs: false,
    sequenceSeeds: false,
    trainable: ['all', 'lora'],
    rewardHead: false,
    bitExactResume: false,
    maxTokens: config.maxPositions,
    vocabulary: config.vocabSize,
    heldVersions: measured.sharesWeights ? 0 : null,
  }
  const baseWeights: TinkerWeights = { kind: 'base', name: model, source: { kind: 'base' } }
  let hasTrainer = false
  let trainerOf: () => Trainer
  let closed: Promise<void> | null = null

  /** The sampler of a folder's weights, from a model that is loaded with them. */
  const samplerOfFolder = async (
    session: TinkerSession,
    { uri, sampler, rank, alpha, baseModel: base }: Kept,
  ) => {
    if (sampler !== undefined) return session.sampler({ path: sampler }, limits)
    if (uri === null) return session.sampler({ baseModel: base }, limits)
    const model = { baseModel: base, rank, ...alphaOf(alpha), trainUnembed: false, ...limits }
    const loaded = await session.createModel(model)
    await loaded.load(uri, { optimizer: false })
    return loaded.saveForSampling(folderNames())
  }
  const folderNames = namer('folder')
  const open = async (weights: Weights): Promise<Reading> => {
    remote.check()
    const { source } = weights as TinkerWeights
    const common = { remote, config, tokenizer, model: () => null }
    const directory =
      source.kind === 'folder' ? source.directory : source.kind === 'base' && kept ? model : null
    if (directory !== null) {
      const held = readKept(directory)
      return { ...common, open: (session) => samplerOfFolder(session, held), release: () => {} }
    }
    if (source.kind !== 'version')
      return { ...common, open: (session) => session.sampler({ baseModel }, limits), release: () => {} }
    const release = versions.hold(source.version)
    return {
      ...common,
      open: async (session) => session.sampler(await versions.path(source.version), limits),
      release,
      model: () => (source.version === versions.current ? versions.model : null),
    }
  }
  const saveModel = async (directory: string, trained: TinkerModel): Promise<void> => {
    const uri = await trained.saveSamplerWeights(folderNames())
    if (!(await downloadWeights(client, uri, { base, settings: model, directory })))
      warn(`${client.server} does not give its weights away: they stay there as ${uri}`)
  }

  return {
    can,
    base: baseWeights,
    saved(directory) {
      const weights: TinkerWeights = {
        kind: 'checkpoint',
        name: directory,
        source: { kind: 'folder', directory },
      }
      return weights
    },
    async save(weights, directory) {
      const { source } = weights as TinkerWeights
      if (source.kind === 'base') {
        await copyModel(model, directory)
        const nothing = { server: client.server, baseModel, uri: null, rank: 0, alpha: null, steps: 0 }
        writeKept(directory, kept && (kept.uri ?? kept.sampler) ? kept : { ...nothing, base: '.' })
        return
      }
      if (source.kind !== 'version')
        throw new UserError(`${weights.name} is a checkpoint already: copy the folder`)
      if (source.version === versions.current) return trainerOf().save(directory)
      const { version } = source
      onDisk('create', directory, () => makeFolder(directory))
      const sampler = await remote.run(() => versions.keep(version), false)
      writeKept(directory, {
        server: client.server,
        baseModel,
        uri: null,
        sampler,
        rank: 0,
        alpha: null,
        base,
        steps: 0,
      })
    },
    async sampler(weights, { schedule = 'batch' } = {}) {
      requireOneOf('the schedule of a sampler', schedule, ['batch', 'continuous'])
      return tinkerSampler(await open(weights))
    },
    async scorer(weights) {
      return tinkerScorer(await open(weights))
    },
    async rewardScorer() {
      throw new UserError(`this is not a reward model; ${NO_REWARD_MODELS}`)
    },
    async trainer({ trainable = 'all' } = {}) {
      checkTrainable(trainable, can)
      remote.check()
      if (hasTrainer)
        throw new Error('this engine already has a trainer; open a second engine for a second trainer')
      const rank = trainable === 'all' ? 0 : trainable.lora.rank
      if (kept?.uri && kept.rank !== rank)
        throw new UserError(
          `${model} was trained with ${kept.rank === 0 ? 'all weights: set lora=null' : `adapters of rank ${kept.rank}: set lora.rank=${kept.rank}`}`,
        )
      hasTrainer = true
      try {
        const start = kept?.uri ?? null
        const trainer = await tinkerTrainer(
          { remote, config, measured, versions, baseModel, base, start, export: saveModel },
          trainable,
        )
        trainerOf = () => trainer
        return trainer
      } catch (error) {
        hasTrainer = false
        throw error
      }
    },
    cancel: (reason) => remote.stop(reason),
    close() {
      remote.stop(new Error('the engine was closed'))
      closed ??= remote.close()
      return closed
    },
  }
}

async function probe(
  session: TinkerSession,
  baseModel: string,
  limits: { vocabulary: number; maxTokens: number },
  rank: number,
): Promise<Measured> {
  const model = await session.createModel({ baseModel, rank, seed: 1, trainUnembed: false, ...limits })
  try {
    return await measure(session, model, limits.vocabulary)
  } finally {
    await model.unload().catch((error: unknown) => {
      if (!(error instanceof TinkerError)) throw error
    })
  }
}

function tokenizerOf(model: string): Tokenizer | null {
  try {
    return Tokenizer.load(model)
  } catch (error) {
    if (error instanceof UserError) return null
    throw error
  }
}
