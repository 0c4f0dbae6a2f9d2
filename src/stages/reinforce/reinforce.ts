import { groupAdvantages, isZeroVariance } from '../../algorithms/advantages.ts'
import { klPenalty } from '../../algorithms/kl.ts'
import { overlongPunishment } from '../../algorithms/overlong.ts'
import { Random } from '../../common/random.ts'
import type { Trainer } from '../../engines/contract.ts'
import { checkpointOrStop } from '../../runs/checkpoint-or-stop.ts'
import type { StepRecord } from '../../runs/rows.ts'
import type { RunStore } from '../../runs/store.ts'
import type { Task } from '../../tasks/task.ts'
import {
  type PromptTemplate,
  readSampled,
  type SampledResponse,
  type SampledRollout,
  sampleResponses,
  type TextCodec,
  toRow,
} from '../sample/rollouts.ts'
import { openAlarm, type Stop, stoppedBy } from '../watch/alarm.ts'
import { diagnose } from '../watch/diagnose.ts'
import { responseMetrics, rewardMetrics, tokenMetrics, zeroVarianceShare } from '../watch/metrics.ts'
import { responsePart, toDatum } from './datums.ts'
import { type Judged, judge, type WeightedReward } from './score.ts'
import { type Example, type RlSettings, update } from './update.ts'

interface ReinforceSettings {
  /** By default R1-Zero's. */
  readonly template?: PromptTemplate | undefined
  readonly rl: RlSettings
  readonly seed: number
  readonly steps: number
  /** A control: rewards change hands among the rollouts of a step, so that nothing can be learned. */
  readonly shuffleRewards: boolean
  readonly checkpointEvery: number
  /** Whether the alarm against reward hacking ends the training, as if its step had been the last. */
  readonly alarm: 'warn' | 'stop'
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
  /** Looks at the policy after a step, the last one maybe; what it returns joins the step's record. */
  readonly evaluate?: ((step: number, last: boolean) => Promise<StepRecord>) | undefined
  readonly signal?: AbortSignal | undefined
  readonly onStep?: ((step: ReinforceStep) => void) | undefined
}

/**
 * Reinforcement learning from verifiable rewards. Everything derives from (weights, seed, step), so that a run resumed
 * from a checkpoint does what it would have done. Goes on after the store's last step, whose weights the trainer holds.
 * In names, P: question, G: member of its group. Resolves to what stopped it before its last step, if anything did.
 */
export async function reinforce(job: Reinforcement): Promise<Stop | null> {
  const { trainer, settings, store } = job
  const { rl, seed } = settings
  const stopped = settings.alarm === 'stop' ? stoppedBy(store) : null
  if (stopped) return stopped
  const alarm = openAlarm(job.rewards, store)
  for (let step = store.info().step + 1; step <= settings.steps; step++) {
    const clock = stopwatch()

    // questions → rollouts → rewards
    const { used_P_G, dropped_P_G, references_P_G, samplingSeconds } = await sampleGroups(job, step)
    const shaped_P_G = used_P_G.map((judged_G, p) =>
      judged_G.map((judged, g) => shape(judged, references_P_G[p]![g]!, rl)),
    )
    const totals_P_G = settings.shuffleRewards
      ? deal(shaped_P_G, new Random(seed, 'shuffle', step))
      : shaped_P_G

    // rewards → advantages
    const advantages_P_G = groupAdvantages(totals_P_G, rl.advantage)

    // advantages → datums → new weights
    const examples = used_P_G.flatMap((judged_G, p) =>
      judged_G.flatMap(({ rollout }, g): Example[] => {
        const advantage = advantages_P_G[p]![g]!
        return advantage === null ? [] : [{ rollout, advantage, reference: references_P_G[p]![g]! }]
      }),
    )
    const updated = await update(trainer, examples, settings, step)
    if (rl.referenceRefresh !== null && step % rl.referenceRefresh === 0) await trainer.refreshReference()
    const trainingSeconds = clock() - samplingSeconds

    // what happened → the run
    const used = used_P_G.flatMap((judged_G, p) =>
      judged_G.map((judged, g) => ({
        ...judged,
        total: totals_P_G[p]![g]!,
        advantage: advantages_P_G[p]![g]!,
      })),
    )
    const all = [...used, ...dropped_P_G.flat().map((judged) => ({ ...judged, advantage: null }))]
    const rollouts = all.map(({ rollout }) => rollout)
    const before = store.metricsAt(step - 1)
    const metrics: Record<string, number> = {
      ...rewardMetrics(all),
      ...responseMetrics(rollouts),
      ...tokenMetrics(updated.sequences),
      'groups/zero_variance': zeroVarianceShare([
        ...totals_P_G,
        ...dropped_P_G.map((g) => g.map(({ total }) => total)),
      ]),
      loss: updated.loss,
      grad_norm: updated.gradNorm,
      learning_rate: updated.learningRate,
      'total/flops': (before['total/flops'] ?? 0) + updated.flops,
      'total/tokens': (before['total/tokens'] ?? 0) + updated.tokens,
      'speed/sampling': rollouts.reduce((sum, { tokens }) => sum + tokens, 0) / samplingSeconds,
      'speed/training': updated.tokens / trainingSeconds,
      'time/sampling': samplingSeconds,
      'time/training': trainingSeconds,
    }
    const rows = all.map((judged) => toRow(judged.rollout, judged, 'train', judged.advantage))
    const alarmed = alarm(before, metrics, rows)
    Object.assign(metrics, alarmed.metrics)
    const stopping = settings.alarm === 'stop' && alarmed.signs.length > 0
    const last = stopping || step === settings.steps
    const warnings = newWarnings(store, metrics, all, alarmed.signs)
    const evaluated = await job.evaluate?.(step, last)
    store.record(step, {
      metrics: { ...metrics, ...evaluated?.metrics },
      rollouts: [...rows, ...(evaluated?.rollouts ?? [])],
      events: warnings.map((message) => ({ level: 'warning', message })),
    })
    job.onStep?.({ step, metrics: { ...metrics, ...evaluated?.metrics }, warnings, newest: rollouts.at(-1)! })

    await checkpointOrStop(job, step, {
      due: last || step % settings.checkpointEvery === 0,
      last,
      score: evaluated?.metrics?.['eval/pass@1'] ?? null,
    })
    if (stopping) return { step, reason: alarmed.signs[0]! }
  }
  return null
}

/** Rounds of dynamic sampling after which a step makes do with the groups that it has. */
const ROUNDS = 4
/** Questions drawn again come from steps that a run never reaches. */
const REDRAWN = 1_000_000

interface Groups {
  readonly used_P_G: Judged[][]
  readonly dropped_P_G: Judged[][]
  /** log π_ref of the groups that are used. */
  readonly references_P_G: Float32Array[][]
  readonly samplingSeconds: number
}

/**
 * A group of responses to each question, judged. With dynamic sampling, groups whose rewards are all the same are
 * dropped, and other questions asked in their place (DAPO, arXiv 2503.14476, eq. 11); otherwise the reference model reads
 * the responses while the rewards are computed.
 */
async function sampleGroups(job: Reinforcement, step: number): Promise<Groups> {
  const { trainer, codec, task, rewards } = job
  const { rl, seed, template } = job.settings
  const sampler = await trainer.sampler()
  let samplingSeconds = 0

  const ask = async (count: number, round: number): Promise<SampledResponse[][]> => {
    const clock = stopwatch()
    const questions = task.training({ seed, step: step + round * REDRAWN, count })
    const responses_P_G = await sampleResponses(sampler, codec, questions, {
      template,
      group: rl.groupSize,
      maxTokens: rl.maxTokens,
      temperature: rl.temperature,
      stream: [seed, 'rollouts', step, round],
    })
    samplingSeconds += clock()
    return responses_P_G
  }
  const judgeAll = async (responses_P_G: readonly (readonly SampledResponse[])[]): Promise<Judged[][]> => {
    const judged_P_G: Judged[][] = []
    // A group at a time, since a reward's time counts from here.
    for (const responses_G of responses_P_G)
      judged_P_G.push(
        await Promise.all(
          responses_G.map((response) => judge(readSampled(codec, task, response, template), rewards)),
        ),
      )
    return judged_P_G
  }

  const wanted = rl.questionsPerStep
  if (!rl.dynamicSampling) {
    const responses_P_G = await ask(wanted, 0)
    const [references_P_G, used_P_G] = await Promise.all([
      referenceLogprobs(trainer, responses_P_G),
      judgeAll(responses_P_G),
    ])
    return { used_P_G, dropped_P_G: [], references_P_G, samplingSeconds }
  }
  const used_P_G: Judged[][] = []
  const dropped_P_G: Judged[][] = []
  for (let round = 0; round < ROUNDS && used_P_G.length < wanted; round++)
    for (const judged_G of await judgeAll(await ask(wanted - used_P_G.length, round)))
      (isZeroVariance(judged_G.map(({ total }) => total)) ? dropped_P_G : used_P_G).push(judged_G)
  const references_P_G = await referenceLogprobs(
    trainer,
    used_P_G.map((judged_G) => judged_G.map(({ rollout }) => rollout)),
  )
  return { used_P_G, dropped_P_G, references_P_G, samplingSeconds }
}

async function referenceLogprobs(
  trainer: Trainer,
  responses_P_G: readonly (readonly SampledResponse[])[],
): Promise<Float32Array[][]> {
  const datums = responses_P_G.flat().map((response) => toDatum(response, 1))
  const { logprobs } = await trainer.forward(datums, { weights: 'reference' })
  let next = 0
  return responses_P_G.map((responses_G) => responses_G.map(() => logprobs[next++]!))
}

/** The reward of a rollout with what the algorithm adds to it: a KL penalty, a punishment of excessive length. */
function shape({ rollout, total }: Judged, reference: Float32Array, rl: RlSettings): number | null {
  if (total === null) return null
  const kl = rl.klInReward
    ? klPenalty(rollout.sequence.logprobs, responsePart(rollout, reference), rl.klInReward)
    : 0
  const overlong = rl.overlong ? overlongPunishment(rollout.tokens, rl.maxTokens, rl.overlong.buffer) : 0
  return total - kl + overlong
}

/** Deals the rewards of a step out among its rollouts at random. */
function deal(totals_P_G: readonly (readonly (number | null)[])[], random: Random): (number | null)[][] {
  const dealt = random.shuffle(totals_P_G.flat())
  let next = 0
  return totals_P_G.map((totals_G) => totals_G.map(() => dealt[next++]!))
}

/** Steps without change after which a run is said not to learn. */
const PATIENCE = 5

/** The diagnosis and the alarm's signs, without what this run has been told already. */
function newWarnings(
  store: RunStore,
  metrics: Record<string, number>,
  judged: readonly Pick<Judged, 'rollout' | 'total' | 'correct' | 'errors'>[],
  signs: readonly string[],
): string[] {
  const { step } = store.info()
  const window: Readonly<Record<string, number>>[] = [metrics]
  for (let s = step; s > step - PATIENCE + 1 && s >= 1; s--) window.unshift(store.metricsAt(s))
  const samples = judged.map(({ rollout, total, correct }) => ({
    ...rollout,
    text: rollout.response,
    total,
    correct,
  }))
  const errors = judged.flatMap((j) => j.errors)
  const said = new Set(store.events().map(({ message }) => cause(message)))
  const causes = diagnose({ window: window.length < PATIENCE ? [] : window, samples, errors })
  return [...causes, ...signs].filter((message) => !said.has(cause(message)))
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
