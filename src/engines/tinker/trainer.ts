import { randomUUID } from 'node:crypto'
import type { Objective } from '../../algorithms/objectives.ts'
import { UserError } from '../../common/errors.ts'
import { onDisk } from '../../common/files/disk.ts'
import { makeFolder } from '../../common/files/files.ts'
import type { ModelConfig } from '../../models/config.ts'
import { withAdapters } from '../../models/lora.ts'
import type { LossName, TinkerModel, TinkerSession } from '../../tinker/index.ts'
import { checkAdam, checkObjective } from '../checks.ts'
import type { AdamSettings, Datum, ForwardBackwardResult, Trainable, Trainer } from '../contract.ts'
import { checkDatums, checkForObjective } from '../validate.ts'
import { readKept, writeKept } from './checkpoint.ts'
import { checkExpressible, lossOf, toWire } from './loss.ts'
import { type Measured, normOf } from './probe.ts'
import type { Remote } from './remote.ts'
import type { TinkerWeights, Versions } from './versions.ts'

/** Steps since the last saved state after which another is saved, which bounds what is kept here and replayed. */
const SAVED_EVERY = 8

/** The alpha of servers that have one of their own. They may refuse to be told any, so that this one is left out. */
const USUAL_ALPHA = 32
export const alphaOf = (alpha: number | null): { alpha?: number } =>
  alpha === null || alpha === USUAL_ALPHA ? {} : { alpha }

/** What happened to the weights since they were saved. */
type Event =
  | { readonly kind: 'batch'; readonly datums: readonly Datum[]; readonly objective: Objective }
  | { readonly kind: 'step'; readonly adam: AdamSettings }

export interface TrainerParts {
  readonly remote: Remote
  readonly config: ModelConfig
  readonly measured: Measured
  readonly versions: Versions
  readonly baseModel: string
  /** The local folder of the base model. */
  readonly base: string
  /** The saved weights to begin with; null: those of the base model. */
  readonly start: string | null
  /** Saves the weights for other programs. */
  readonly export: (directory: string, model: TinkerModel) => Promise<void>
}

/**
 * Opens the trainer. It keeps what happened since the state that the server saved last, so that a model that is lost is
 * created again, loaded, and trained on the same batches to where it was.
 */
export async function tinkerTrainer(parts: TrainerParts, trainable: Trainable): Promise<Trainer> {
  const { remote, config, measured, versions, baseModel, base, start } = parts
  const lora = trainable === 'all' ? null : trainable.lora
  if (lora) withAdapters(config, lora)
  if (lora && lora.targets !== 'all-linear')
    throw new UserError('a server chooses the layers of adapters itself: set lora.targets=all-linear')
  const rank = lora?.rank ?? 0
  let saved = start
  let events: Event[] = []
  /** Datums since the last step. */
  let pending = 0
  let steps = 0
  const names = namer('state')

  const create = async (
    session: TinkerSession,
    uri: string | null,
    optimizer: boolean,
  ): Promise<TinkerModel> => {
    const model = await session.createModel({
      baseModel,
      rank,
      ...alphaOf(lora?.alpha ?? null),
      seed: lora?.seed,
      trainUnembed: false,
      vocabulary: config.vocabSize,
      maxTokens: config.maxPositions,
    })
    if (lora && model.facts.alpha !== null && model.facts.alpha !== lora.alpha)
      throw new UserError(
        `the server trains adapters with alpha ${model.facts.alpha}, not ${lora.alpha}: set lora.alpha=${model.facts.alpha}`,
      )
    model.recognisesRepeats = measured.recognisesRepeats
    if (uri !== null) await model.load(uri, { optimizer })
    return model
  }
  const model = () => versions.model!

  const send = async (
    datums: readonly Datum[],
    objective: Objective,
    total: number,
  ): Promise<Float32Array[]> => {
    const { loss, config, data } = toWire(datums, objective, measured, total)
    const output = await model().forwardBackward(data, loss, { config, signal: remote.stopped })
    return output.loss_fn_outputs.map(({ logprobs }, i) => masked(logprobs?.data, datums[i]!, loss))
  }
  /** Adds a batch to the gradient. @throws UserError for a second one where the first would have needed its size. */
  const add = async (
    datums: readonly Datum[],
    objective: Objective,
    before: readonly Event[],
  ): Promise<Float32Array[]> => {
    if (measured.reduction === 'sequence-mean' && before.some(({ kind }) => kind === 'batch'))
      throw new UserError(
        'this server divides by the number of sequences of a step: give a step its data in one call of forwardBackward',
      )
    return send(datums, objective, datums.length)
  }
  const sinceStep = (): Event[] => events.slice(events.findLastIndex(({ kind }) => kind === 'step') + 1)
  const step = async (adam: AdamSettings): Promise<number | null> => {
    const metrics = await model().optimStep({
      learning_rate: adam.learningRate,
      beta1: adam.beta1,
      beta2: adam.beta2,
      // servers take no 0
      eps: Math.max(adam.eps, 1e-30),
      weight_decay: adam.weightDecay,
      grad_clip_norm: adam.gradClipNorm,
    })
    return normOf(metrics)
  }
  /** The state that was saved last, if no checkpoint of the run refers to it. */
  let unused: string | null = null
  const keep = async (): Promise<string> => {
    const uri = await model().save(names())
    if (unused !== null) remote.discard(unused)
    saved = uri
    unused = uri
    events = sinceStep()
    return uri
  }
  /** A model as it was: loaded from the last saved state, and trained on what came after it. */
  const restore = async (session: TinkerSession): Promise<void> => {
    versions.model = await create(session, saved, true)
    versions.forgetCurrent()
    const replayed: Event[] = []
    for (const event of events) {
      if (event.kind === 'step') await step(event.adam)
      else
        await add(
          event.datums,
          event.objective,
          replayed.slice(replayed.findLastIndex(({ kind }) => kind === 'step') + 1),
        )
      replayed.push(event)
    }
  }

  /** Forgets the gradient: the protocol has no request for it, so the model is created again. */
  const abandon = async (): Promise<void> => {
    if (pending === 0) return
    events = events.slice(0, events.length - sinceStep().length)
    pending = 0
    await remote.run(async (session) => {
      const old = model()
      await old.unload()
      await restore(session)
    }, false)
  }

  let turn: Promise<unknown> = Promise.resolve()
  /** One call at a time. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work)
    turn = result.catch(() => {})
    return result
  }
  /** A call that fails clears the accumulated gradient. */
  const guarded = <T>(work: () => Promise<T>): Promise<T> =>
    inTurn(async () => {
      remote.check()
      try {
        return await work()
      } catch (error) {
        if (!remote.stopped.aborted) await abandon()
        throw error
      }
    })

  await remote.run(async (session) => {
    versions.model = await create(session, start, false)
    // from here on the state does not depend on how the server makes new adapters
    saved = await model().save(names())
  })
  remote.rebuild = restore

  return {
    forwardBackward: (datums, objective): Promise<ForwardBackwardResult> =>
      guarded(async () => {
        checkObjective(objective)
        if (objective.kind === 'preference')
          throw new UserError('this is not a reward model: it cannot be trained with comparisons')
        checkExpressible(objective)
        checkDatums(datums, config)
        checkForObjective(datums, objective)
        // a failure may leave a part of the gradient on the server
        pending += datums.length
        const logprobs = await remote.run(() => add(datums, objective, sinceStep()))
        events.push({ kind: 'batch', datums, objective })
        return { ...lossOf(datums, logprobs, objective), logprobs, entropies: null, flops: null }
      }),
    async compare() {
      throw new UserError('this is not a reward model: it cannot be trained with comparisons')
    },
    optimStep: (adam) =>
      guarded(async () => {
        checkAdam(adam)
        if (pending === 0) return { gradNorm: 0 }
        await remote.run(() => versions.beforeChange())
        const gradNorm = await remote.run(() => step(adam))
        events.push({ kind: 'step', adam })
        pending = 0
        steps++
        versions.changed()
        if (events.filter(({ kind }) => kind === 'step').length >= SAVED_EVERY) await remote.run(keep, false)
        return { gradNorm }
      }),
    snapshot: () =>
      inTurn(async (): Promise<TinkerWeights> => {
        remote.check()
        return {
          kind: 'snapshot',
          name: `step ${steps}`,
          source: { kind: 'version', version: versions.current },
        }
      }),
    save: (directory, { optimizer = false } = {}) =>
      inTurn(async () => {
        onDisk('create', directory, () => makeFolder(directory))
        const uri =
          events.some(({ kind }) => kind === 'step') || saved === null ? await remote.run(keep, false) : saved
        unused = null
        writeKept(directory, {
          server: remote.client.server,
          baseModel,
          uri,
          rank,
          alpha: lora?.alpha ?? null,
          base,
          steps,
        })
        if (!optimizer) await remote.run(() => parts.export(directory, model()), false)
      }),
    load: (directory, { optimizer = true } = {}) =>
      guarded(async () => {
        const kept = readKept(directory)
        if (kept.rank !== rank)
          throw new UserError(`${directory} has other adapters: of rank ${kept.rank}, not ${rank}`)
        const { uri } = kept
        if (uri === null) throw new UserError(`${directory} holds the base model, and no state of a training`)
        events = []
        pending = 0
        steps = optimizer ? kept.steps : 0
        await remote.run(async (session) => {
          await versions.beforeChange()
          await model().unload()
          versions.model = await create(session, uri, optimizer)
          // what it began with, should it be lost
          saved = await model().save(names())
        })
        versions.changed()
      }),
  }
}

/** Names that no other run has given its checkpoints. */
export function namer(kind: string): () => string {
  const prefix = randomUUID().slice(0, 8)
  let count = 0
  return () => `${kind}-${prefix}-${++count}`
}

/** The server's log-probs, NaN where the weight is 0. @throws UserError if one is missing or not a number. */
function masked(values: ArrayLike<number> | undefined, { weights }: Datum, loss: LossName): Float32Array {
  if (values === undefined) throw new UserError(`the server returned no log-probs with ${loss}`)
  return weights.map((w, t) => {
    if (w === 0) return Number.NaN
    const value = values[t]!
    if (!Number.isFinite(value))
      throw new UserError(
        `the server computed a log-prob of ${value}: the training has diverged, or a token is unknown to its model`,
      )
    return value
  })
}
