import { availableParallelism } from 'node:os'
import { UserError } from '../common/errors.ts'
import type { Sampler, Trainer } from '../engines/contract.ts'
import { openLocalTrainer } from '../engines/local/index.ts'
import { modelFolder } from '../hub/find-model.ts'
import { Tokenizer } from '../models/tokenizer.ts'
import { namedRewards } from '../rewards/index.ts'
import type { Reward } from '../rewards/reward.ts'
import { finishRun, type Trained } from '../runs/finish.ts'
import { Interrupted } from '../runs/interrupted.ts'
import type { StepRecord } from '../runs/rows.ts'
import { RunStore } from '../runs/store.ts'
import { checkSettings, merge, type Tree } from '../settings/layers.ts'
import { presetLayer, type ZeroInput, type ZeroSettings, zeroSettings } from '../settings/zero.ts'
import { type Evaluation, evaluate, evaluationFrom, evaluationMetrics } from '../stages/evaluate/evaluate.ts'
import { type ReinforceStep, reinforce } from '../stages/reinforce/reinforce.ts'
import { toRow } from '../stages/sample/rollouts.ts'
import type { Stop } from '../stages/watch/alarm.ts'
import { loadTask } from '../tasks/index.ts'
import type { Task } from '../tasks/task.ts'

export interface ZeroWatch {
  /** Raised: the run stops after the step under way, with a checkpoint, by throwing `Interrupted`. */
  readonly signal?: AbortSignal | undefined
  readonly onStart?: ((run: string, settings: ZeroSettings) => void) | undefined
  readonly onEvaluation?: ((when: 'before' | 'after', evaluation: Evaluation) => void) | undefined
  readonly onStep?: ((step: ReinforceStep) => void) | undefined
  /** Told what is wrong with the task's table, in words. */
  readonly onWarning?: ((message: string) => void) | undefined
  /** Told what takes long before there is a run: downloads, large tables. */
  readonly onProgress?: ((line: string) => void) | undefined
}

/** A reward function of one's own, and its part in the total. */
export interface OwnReward extends Reward {
  readonly weight: number
}

/** Settings of R1-Zero, with a task or rewards of one's own in the place of named ones. */
export interface ZeroOptions extends Omit<ZeroInput, 'task' | 'rewards'>, ZeroWatch {
  readonly task?: string | Task | undefined
  readonly rewards?: ZeroInput['rewards'] | readonly OwnReward[] | undefined
  /** More to measure whenever held-out questions are asked: numbers by name. */
  readonly alsoMeasure?: ((sampler: Sampler) => Promise<Record<string, number>>) | undefined
  /** Folder of the run; by default the next free `runs/zero-<n>`. */
  readonly out?: string | undefined
}

export interface ZeroResult extends Trained {
  readonly seed: number
  readonly steps: number
  /** What ended the training before its last step; null where nothing did. */
  readonly stoppedBy: Stop | null
  /** On held-out questions. */
  readonly before: Evaluation
  readonly after: Evaluation
}

/** What a program brings that settings cannot say. */
interface Own {
  readonly task?: Task | undefined
  readonly rewards?: readonly OwnReward[] | undefined
  readonly alsoMeasure?: ZeroOptions['alsoMeasure']
}

/**
 * R1-Zero: reinforcement learning on a base model, with rewards that rules can check and no supervised step before.
 *
 * @example
 * const { before, after } = await zero({
 *   steps: 100,
 *   rewards: [{ name: 'brief', weight: 1, score: ({ tokens }) => -tokens / 100 }],
 * })
 */
export async function zero(options: ZeroOptions = {}): Promise<ZeroResult> {
  const { signal, onStart, onEvaluation, onStep, onWarning, onProgress, out, ...mine } = options
  const { task, rewards, alsoMeasure, ...input } = mine
  const watch: ZeroWatch = { signal, onStart, onEvaluation, onStep, onWarning, onProgress }
  const own: Own = {
    task: typeof task === 'object' ? task : undefined,
    rewards: Array.isArray(rewards) ? rewards : undefined,
    alsoMeasure,
  }
  const named = resolveZeroSettings({
    ...input,
    task: typeof task === 'object' ? task.name : task,
    rewards: Array.isArray(rewards) ? undefined : rewards,
  } as Tree)
  const asking = await openTask(named, own.task, watch)
  const settings = { ...named, model: await modelFolder(named.model, onProgress) }
  const stored = {
    ...settings,
    own: {
      task: own.task !== undefined,
      rewards: own.rewards?.map(({ name, weight }) => ({ name, weight })) ?? null,
    },
  }
  return withPolicy(settings, (trainer) => {
    const store = RunStore.create({
      recipe: 'zero',
      seed: settings.seed,
      settings: stored,
      ...(out ? { out } : {}),
    })
    return train(store, trainer, settings, asking, own, watch)
  })
}

/**
 * Goes on with a run from its last checkpoint, to the same result as if it had never stopped. A run with a task or
 * rewards of the program's own needs them again.
 */
export async function resumeZero(
  directory: string,
  { task, rewards, alsoMeasure, ...watch }: Own & ZeroWatch = {},
): Promise<ZeroResult> {
  const store = RunStore.open(directory, { write: true })
  try {
    const { own, ...tree } = store.info().settings as Tree & {
      own: { task: boolean; rewards: unknown[] | null }
    }
    if ((own.task && !task) || (own.rewards && !rewards))
      throw new UserError(
        `${directory} was started by a program with its own ${own.task ? 'task' : 'rewards'}; resume it from there, with resumeZero`,
      )
    const settings = checkSettings(zeroSettings, tree)
    const asking = await openTask(settings, task, watch)
    return await withPolicy(settings, (trainer) =>
      train(store, trainer, settings, asking, { rewards, alsoMeasure }, watch),
    )
  } finally {
    store.close()
  }
}

/** Given settings on top of what their preset says, checked. */
export function resolveZeroSettings(given: Tree): ZeroSettings {
  const { preset, algorithm } = zeroSettings.pick({ preset: true, algorithm: true }).loose().parse({})
  const layer = presetLayer(String(given.preset ?? preset), String(given.algorithm ?? algorithm))
  const settings = checkSettings(zeroSettings, merge(layer as unknown as Tree, given))
  // numbers that make no sense together fail here
  namedRewards(settings.rewards, { ...settings.rl, template: settings.template })
  if (settings.rl.overlong && settings.rewards.overlong?.weight)
    throw new UserError(
      'rewards.overlong and rl.overlong would both punish length: set one of them to null',
      2,
    )
  return {
    ...settings,
    threads: settings.threads ?? Math.min(availableParallelism(), 8),
  }
}

/** The task of the settings, or the program's own. One without a question to train on fails here, before there is a run. */
async function openTask(
  { task, columns, seed }: ZeroSettings,
  own: Task | undefined,
  { onWarning, onProgress }: ZeroWatch,
): Promise<Task> {
  const asking = own ?? (await loadTask(task, { columns, warn: onWarning, progress: onProgress }))
  asking.training({ seed, step: 1, count: 1 })
  return asking
}

/** Opens the base model, which is also the first reference. A damaged one fails here, before there is a run. */
async function withPolicy<T>(settings: ZeroSettings, work: (trainer: Trainer) => Promise<T>): Promise<T> {
  const trainer = await openLocalTrainer({ model: settings.model, threads: settings.threads! })
  try {
    await trainer.refreshReference()
    return await work(trainer)
  } finally {
    await trainer.close()
  }
}

async function train(
  store: RunStore,
  trainer: Trainer,
  settings: ZeroSettings,
  task: Task,
  own: Pick<Own, 'rewards' | 'alsoMeasure'>,
  watch: ZeroWatch,
): Promise<ZeroResult> {
  const started = performance.now()
  const rewards =
    own.rewards?.map((reward) => ({ reward, weight: reward.weight })) ??
    namedRewards(settings.rewards, { ...settings.rl, template: settings.template })
  try {
    // the base model, or the last checkpoint
    const from = store.checkpoints().at(-1)
    store.truncateAfter(from?.step ?? 0)
    store.setStatus('running')
    watch.onStart?.(store.directory, settings)
    const codec = Tokenizer.load(settings.model)
    if (from) await trainer.load(from.path)

    const look = async (split: string): Promise<StepRecord & { evaluation: Evaluation }> => {
      const sampler = await trainer.sampler()
      const { evaluation, rollouts } = await evaluate(sampler, codec, task, {
        ...settings.eval,
        template: settings.template,
        maxTokens: settings.rl.maxTokens,
        seed: settings.seed,
      })
      const rows = rollouts.map((rollout) =>
        toRow(rollout, { rewards: {}, total: null, correct: rollout.correct, errors: [] }, split, null),
      )
      const more = await own.alsoMeasure?.(sampler)
      return { evaluation, metrics: { ...evaluationMetrics(evaluation), ...more }, rollouts: rows }
    }

    // held-out questions before
    if (store.metric('eval/pass@1').length === 0) store.record(0, await look('eval-before'))
    const before = evaluationFrom(store.metricsAt(0))
    watch.onEvaluation?.('before', before)

    // reinforcement learning, with a look at held-out questions during and after
    const stoppedBy = await reinforce({
      trainer,
      codec,
      task,
      rewards,
      settings: { ...settings, shuffleRewards: settings.rewards.shuffle },
      store,
      evaluate: async (step, last) => {
        if (last) return look('eval-after')
        return settings.eval.every > 0 && step % settings.eval.every === 0 ? look(`eval-${step}`) : {}
      },
      signal: watch.signal,
      onStep: watch.onStep,
    })
    const steps = stoppedBy?.step ?? settings.steps
    const after = evaluationFrom(store.metricsAt(steps))
    watch.onEvaluation?.('after', after)

    // the trained model
    const outcome = { seed: settings.seed, steps, stoppedBy, before, after }
    return await finishRun(store, started, outcome, (directory) => trainer.save(directory))
  } catch (error) {
    if (!(error instanceof Interrupted)) store.fail()
    throw error
  } finally {
    store.close()
  }
}
