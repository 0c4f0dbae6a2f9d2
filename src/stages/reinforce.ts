import { groupAdvantages } from '../algorithms/advantages.ts'
import type { Trainer } from '../engines/contract.ts'
import { Random } from '../random.ts'
import type { StepRecord } from '../runs/rows.ts'
import type { RunStore } from '../runs/store.ts'
import type { Task } from '../tasks/task.ts'
import { diagnose } from './diagnose.ts'
import { Interrupted } from './interrupted.ts'
import { isFlat, responseMetrics, rewardMetrics, tokenMetrics, zeroVarianceShare } from './metrics.ts'
import { type Judged, judge, type WeightedReward } from './judge.ts'
import { rollOut, type SampledRollout, type TextCodec, toRow } from './rollouts.ts'
import { type UpdateSettings, update } from './update.ts'

export interface ReinforceSettings extends UpdateSettings {
  readonly seed: number
  readonly steps: number
  /** Questions a step. */
  readonly questions: number
  /** Responses a question (G). */
  readonly group: number
  readonly maxTokens: number
  readonly temperature: number
  readonly topP: number
  readonly topK: number
  /** How a group's rewards become advantages. */
  readonly advantage: Parameters<typeof groupAdvantages>[1]
  /** Dynamic sampling (DAPO): how often groups whose rewards are all the same are replaced by others; 0 keeps them. */
  readonly resampleRounds: number
  /** A control: rewards change hands among the rollouts of a step, so that nothing can be learned. */
  readonly shuffleRewards: boolean
  readonly checkpointEvery: number
}

/** What a step tells whoever watches. */
export interface ReinforceStep {
  readonly step: number
  readonly metrics: Readonly<Record<string, number>>
  readonly warnings: readonly string[]
  readonly newest: SampledRollout
}

export interface Reinforcement {
  readonly trainer: Trainer
  readonly codec: TextCodec
  readonly task: Task
  readonly rewards: readonly WeightedReward[]
  readonly settings: ReinforceSettings
  readonly store: RunStore
  /** Looks at the policy after a step; what it returns joins the step's record. */
  readonly evaluate?: ((step: number) => Promise<StepRecord>) | undefined
  readonly signal?: AbortSignal | undefined
  readonly onStep?: ((step: ReinforceStep) => void) | undefined
}

/**
 * Reinforcement learning from verifiable rewards. Everything derives from (weights, seed, step), so that a run resumed
 * from a checkpoint does what it would have done. Goes on after the store's last step, whose weights the trainer holds.
 * In names, P: question, G: member of its group.
 */
export async function reinforce(job: Reinforcement): Promise<void> {
  const { trainer, settings, store } = job
  for (let step = store.info().step + 1; step <= settings.steps; step++) {
    const clock = stopwatch()

    // questions → rollouts → rewards
    const sampled_P_G = await sampleGroups(job, step)
    const samplingSeconds = clock()
    const judged_P_G = settings.shuffleRewards
      ? shuffleRewards(sampled_P_G, new Random(settings.seed, 'shuffle', step))
      : sampled_P_G

    // rewards → advantages
    const totals_P_G = judged_P_G.map((judged_G) => judged_G.map(({ total }) => total))
    const advantages_P_G = groupAdvantages(totals_P_G, settings.advantage)

    // advantages → datums → new weights
    const examples = judged_P_G.flatMap((judged_G, p) =>
      judged_G.map((judged, g) => ({ ...judged, advantage: advantages_P_G[p]![g]! })),
    )
    const updated = await update(trainer, examples, settings, step)
    const trainingSeconds = clock()

    // what happened → the run
    const rollouts = examples.map(({ rollout }) => rollout)
    const sampledTokens = rollouts.reduce((sum, { tokens }) => sum + tokens, 0)
    const before = store.metricsAt(step - 1)
    const metrics: Record<string, number> = {
      ...rewardMetrics(examples),
      ...responseMetrics(rollouts),
      ...tokenMetrics(updated.sequences),
      'groups/zero_variance': zeroVarianceShare(totals_P_G),
      grad_norm: updated.gradNorm,
      loss: updated.loss,
      learning_rate: updated.learningRate,
      'total/flops': (before['total/flops'] ?? 0) + updated.flops,
      'total/tokens': (before['total/tokens'] ?? 0) + updated.tokens,
      'speed/sampling': sampledTokens / samplingSeconds,
      'speed/training': updated.tokens / trainingSeconds,
      'time/sampling': samplingSeconds,
      'time/training': trainingSeconds,
    }
    const warnings = newWarnings(store, metrics, examples)
    const evaluated = await job.evaluate?.(step)
    store.record(step, {
      metrics: { ...metrics, ...evaluated?.metrics },
      rollouts: [
        ...examples.map((example) => toRow(example.rollout, example, 'train', example.advantage)),
        ...(evaluated?.rollouts ?? []),
      ],
      events: [...warnings.map((message) => ({ level: 'warning' as const, message })), ...(evaluated?.events ?? [])],
    })
    job.onStep?.({ step, metrics: { ...metrics, ...evaluated?.metrics }, warnings, newest: rollouts.at(-1)! })

    const stopping = job.signal?.aborted === true && step < settings.steps
    if (stopping || step % settings.checkpointEvery === 0 || step === settings.steps)
      await store.checkpoint(step, evaluated?.metrics?.['eval/pass@1'] ?? null, (directory) =>
        trainer.save(directory, { optimizer: true }),
      )
    if (stopping) {
      store.setStatus('interrupted')
      throw new Interrupted(store.directory, step)
    }
  }
}

/** Questions drawn again come from steps that a run never reaches. */
const RESAMPLED = 1_000_000

/**
 * A group of responses to each question, judged. With dynamic sampling, groups whose rewards are all the same are
 * replaced by groups of other questions, for a bounded number of rounds (DAPO, eq. 11).
 */
async function sampleGroups(job: Reinforcement, step: number): Promise<Judged[][]> {
  const { trainer, codec, task, rewards, settings } = job
  const { seed, questions: count } = settings
  const sampler = await trainer.sampler()
  const kept: Judged[][] = []
  let flat: Judged[][] = []
  for (let round = 0; round <= settings.resampleRounds && kept.length < count; round++) {
    const questions = task.training({ seed, step: step + round * RESAMPLED, count: count - kept.length })
    const rollouts_P_G = await rollOut(sampler, codec, task, questions, { ...settings, stream: [seed, 'rollouts', step, round] })
    const judged_P_G = await Promise.all(
      rollouts_P_G.map((rollouts_G) => Promise.all(rollouts_G.map((rollout) => judge(rollout, rewards)))),
    )
    const isUseless = (judged_G: Judged[]): boolean => isFlat(judged_G.map(({ total }) => total))
    flat = judged_P_G.filter(isUseless)
    kept.push(...judged_P_G.filter((judged_G) => !isUseless(judged_G)))
    if (settings.resampleRounds === 0) return judged_P_G
  }
  return [...kept, ...flat].slice(0, count)
}

/** Deals the rewards of a step out among its rollouts at random. */
function shuffleRewards(judged_P_G: readonly (readonly Judged[])[], random: Random): Judged[][] {
  const dealt = random.shuffle(judged_P_G.flat().map(({ total }) => total))
  let next = 0
  return judged_P_G.map((judged_G) => judged_G.map((judged) => ({ ...judged, total: dealt[next++]! })))
}

/** Steps without change after which a run is said not to learn. */
const PATIENCE = 5

/** The diagnosis, without what has been said in the last steps already. */
function newWarnings(store: RunStore, metrics: Record<string, number>, examples: readonly Judged[]): string[] {
  const last = store.info().step
  const earlier = Array.from({ length: PATIENCE - 1 }, (_, i) => store.metricsAt(last - PATIENCE + 2 + i))
  const window = [...earlier, metrics].filter((m) => 'reward/total' in m)
  const samples = examples.map(({ rollout, total, correct }) => ({ ...rollout, text: rollout.response, total, correct }))
  const errors = examples.flatMap((example) => example.errors)
  const said = new Set(store.events().map(({ message }) => cause(message)))
  const found = diagnose({ window: window.length < PATIENCE ? [] : window, samples, errors })
  return found.filter((message) => !said.has(cause(message)))
}

/** A warning without its numbers and example. */
function cause(message: string): string {
  return message.replace(/(For example|The first): .*$/s, '').replace(/[\d.]+/g, '#')
}

/** Seconds since the last call. */
function stopwatch(): () => number {
  let last = performance.now()
  return () => {
    const now = performance.now()
    const seconds = (now - last) / 1000
    last = now
    return seconds
  }
}
