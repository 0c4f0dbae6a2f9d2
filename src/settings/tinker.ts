import { z } from 'zod'
import { UserError } from '../common/errors.ts'
import type { RlPreset } from './presets.ts'
import { isTree, merge, type Tree } from './tree.ts'

/* What --engine tinker changes in the usual settings. */

/** The server of the engine tinker, for what the environment does not say. Its key is in TINKER_API_KEY alone. */
export const tinkerSetting = z
  .strictObject({
    /** Its address; null: TINKER_BASE_URL. */
    url: z.url().nullable().default(null),
    /** The server's name of the model; null: the one with the name of the local folder. */
    model: z.string().min(1).nullable().default(null),
    /** Seconds that the server may be silent before the run fails. */
    patience: z.number().positive().default(1800),
    /** Requests for samples under way at the same time. */
    concurrency: z.int().min(1).default(64),
  })
  .nullable()
  .default(null)

/** @throws UserError for a run of several models with the server's name of one. */
export function checkOneModel(tinker: { readonly model: string | null } | null, other: string): void {
  if (tinker?.model == null) return
  throw new UserError(
    `setting tinker.model names one model, and ${other} is another: leave it out, so that each is found by the name of its folder`,
    2,
  )
}

const isRemote = ({ engine }: Tree): boolean => engine === 'tinker'
const trainsAdapters = (given: Tree): boolean => isRemote(given) && given.lora !== null

/** Adapters, unless all weights are asked for with lora=null: few servers train all weights. */
export const remoteTrainee = (given: Tree): Tree =>
  isRemote(given) && given.lora === undefined ? { ...given, lora: {} } : given

/** Adapters need about ten times the learning rate. */
export const remoteRate = <S extends { learningRate: number }>(given: Tree, layer: S): S =>
  trainsAdapters(given) ? { ...layer, learningRate: 10 * layer.learningRate } : layer

/**
 * The KL penalty is part of the reward, since no server has the reference policy in its loss; and responses are sampled at
 * temperature 1, the only one whose log-probs servers report.
 */
export function remoteRl(given: Tree, preset: RlPreset): RlPreset {
  if (!isRemote(given)) return preset
  const { objective, klInReward } = preset
  const { beta } = objective.kl
  return remoteRate(given, {
    ...preset,
    objective: { ...objective, kl: { ...objective.kl, beta: 0 } },
    klInReward: klInReward ?? inReward(beta),
    temperature: 1,
  })
}

const inReward = (beta: number) => (beta === 0 ? null : { beta, estimator: 'k1' as const })

/** The preset of a run of several stages: what `remoteRate` and `remoteRl` change in a stage, wherever the preset says it. */
export function remoteStages(given: Tree, preset: Tree): Tree {
  if (!isRemote(given)) return preset
  const changed = (name: string, value: unknown): unknown => {
    if (name === 'learningRate' && trainsAdapters(given)) return 10 * (value as number)
    if (!isTree(value)) return value
    const inside = remoteStages(given, value)
    return name === 'rl' ? remoteLayer(inside) : inside
  }
  return Object.fromEntries(Object.entries(preset).map(([name, value]) => [name, changed(name, value)]))
}

function remoteLayer({ temperature: _, ...rl }: Tree): Tree {
  const beta = ((rl.objective as Tree | undefined)?.kl as Tree | undefined)?.beta
  if (typeof beta !== 'number') return rl
  return merge(rl, { objective: { kl: { beta: 0 } }, klInReward: inReward(beta) })
}
