import { hasKlCov, type Objective, temperatureOf } from '../algorithms/objectives.ts'
import { UserError } from '../common/errors.ts'
import { plural } from '../common/words.ts'
import type { LoraSettings } from '../models/lora.ts'
import type { Capabilities, Engine, EngineSpec, Sampler, SamplerOptions } from './contract.ts'

/** Every engine, loaded when it is opened. */
const ENGINES = {
  local: async (spec: EngineSpec) => (await import('./local/index.ts')).openLocalEngine(spec),
  tinker: async (spec: EngineSpec) => (await import('./tinker/index.ts')).openTinkerEngine(spec),
} satisfies Record<string, (spec: EngineSpec) => Promise<Engine>>

export type EngineName = keyof typeof ENGINES
/** The names of all engines. */
export const engineNames = Object.keys(ENGINES) as EngineName[]

/**
 * Opens a model on an engine.
 *
 * @param spec May have further fields, such as a whole settings object; they are ignored.
 * @throws UserError if there is no such engine, or the model cannot be read.
 */
export async function openEngine({
  engine = 'local',
  model,
  rewardHead,
  threads,
  tinker,
  onWarning,
}: EngineSpec & { engine?: EngineName | undefined }): Promise<Engine> {
  if (!Object.hasOwn(ENGINES, engine))
    throw new UserError(`there is no engine ${engine}; the engines are ${engineNames.join(', ')}`, 2)
  return ENGINES[engine]({ model, rewardHead, threads, ...(engine === 'tinker' && { tinker, onWarning }) })
}

/** Opens a model, runs `work` with it, and closes it, even if `work` fails. */
export async function withEngine<T>(
  spec: EngineSpec & { engine?: EngineName | undefined },
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const engine = await openEngine(spec)
  try {
    return await work(engine)
  } finally {
    await engine.close()
  }
}

/** Opens a model only for sampling. Closing the sampler closes its engine. */
export async function openSampler(
  spec: EngineSpec & { engine?: EngineName | undefined },
  options: SamplerOptions = {},
): Promise<Sampler> {
  const engine = await openEngine(spec)
  try {
    const sampler = await engine.sampler(engine.base, options)
    return {
      ...sampler,
      sample: (prompt, options) => sampler.sample(prompt, options),
      close: () => engine.close(),
    }
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** What a run needs from its engine. */
export interface Requirements {
  readonly objective: Objective
  /** Length of the longest sequence, in tokens. */
  readonly tokens?: number
  /** Low-rank adapters; null or missing: all weights are trained. */
  readonly lora?: LoraSettings | null
  /** How many earlier versions of the weights are held over a step; by default 0. */
  readonly held?: number
  /** Does it sample with truncation, and learn from that? */
  readonly truncated?: boolean
}

/**
 * Checks before a run starts that an engine can do what the run needs.
 *
 * @throws UserError that says what the engine can do, or what to set.
 */
export function requireCapabilities(
  can: Capabilities,
  { objective, tokens = 1, lora = null, held = 0, truncated = false }: Requirements,
): void {
  if (lora !== null && !can.trainable.includes('lora'))
    throw new UserError('this engine trains no adapters: leave out lora, or set lora=null')
  if (!can.objectives.includes(objective.kind))
    throw new UserError(
      can.rewardHead
        ? `this is a reward model: it cannot be trained with ${objective.kind}, only with ${can.objectives.join(', ')}`
        : `this engine cannot train with ${objective.kind}, only with ${can.objectives.join(', ')}`,
    )
  if (objective.kind === 'policy' && !can.surrogates.includes(objective.surrogate))
    throw new UserError(
      `this engine cannot train with the surrogate ${objective.surrogate}, only with ${can.surrogates.join(', ')}: set rl.objective.surrogate`,
    )
  if (objective.kind === 'policy' && !can.ratios.includes(objective.ratio))
    throw new UserError(
      `this engine has no ratios of a ${objective.ratio}, only of a ${can.ratios.join(', ')}: set rl.objective.ratio`,
    )
  if (objective.kind === 'policy' && objective.dualClip !== null && !can.dualClip)
    throw new UserError('this engine has no dual clipping: set rl.objective.dualClip=null')
  if (hasKlCov(objective) && !can.klCov)
    throw new UserError(
      'this engine cannot penalise single tokens, as KL-Cov needs: set rl.covariance=null, or rl.covariance.kind=clip',
    )
  if (objective.kind === 'policy' && objective.kl.beta !== 0 && !can.klInLoss)
    throw new UserError(
      'this engine has no KL term in its loss: set rl.objective.kl.beta=0, and rl.klInReward for a KL penalty in the reward',
    )
  const temperature = temperatureOf(objective)
  if (temperature !== 1 && !can.temperature)
    throw new UserError(
      `this engine can train only at temperature 1, but rl.temperature is ${temperature}: set rl.temperature=1`,
    )
  if (truncated && !can.samplingLogprobs)
    throw new UserError(
      'this engine does not know the distribution of truncated sampling: leave out rl.topK, rl.topP and rl.minP',
    )
  if (can.heldVersions !== null && held > can.heldVersions)
    throw new UserError(
      `this engine keeps ${plural(can.heldVersions, 'earlier version')} of the weights, and async.staleness and rl.referenceRefresh need ${held}: set async=null and rl.referenceRefresh=null`,
    )
  if (can.maxTokens !== null && tokens > can.maxTokens)
    throw new UserError(
      `the model takes at most ${plural(can.maxTokens, 'token')}, prompt and response together, but the settings allow ${tokens}: lower the longest response (rl.maxTokens)`,
    )
}

/**
 * Opens a model only to check what its engine can do: for runs of several stages, which would otherwise fail halfway.
 *
 * @throws UserError if the model cannot be opened, or the engine cannot do one of these.
 */
export function checkEngine(
  spec: EngineSpec & { engine?: EngineName | undefined },
  requirements: readonly Requirements[],
): Promise<void> {
  return withEngine(spec, async ({ can }) => {
    for (const requirement of requirements) requireCapabilities(can, requirement)
  })
}
