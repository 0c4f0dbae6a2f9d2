import { isZeroVariance } from '../../algorithms/advantages.ts'
import { counted, type Progress } from '../../common/progress.ts'
import { stopwatch } from '../../common/stopwatch.ts'
import type { Sampler } from '../../engines/contract.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import type { WeightedReward } from '../../rewards/compose.ts'
import type { Task } from '../../tasks/task.ts'
import { readSampled, type SampledResponse, sampleResponses } from '../sample/rollouts.ts'
import { toDatum } from './datums.ts'
import type { ReferencePolicy } from './reference.ts'
import type { RlSettings } from './rl-settings.ts'
import { type ScoredRollout, score } from './score.ts'

/** After this many rounds of dynamic sampling, a step uses the groups that it has. */
const ROUNDS = 4
/** Added per round to the step that questions are drawn from; runs have fewer steps than this. */
const ROUND_OFFSET = 1_000_000

interface GroupSampling {
  readonly sampler: Sampler
  readonly renderer: Renderer
  readonly task: Task
  readonly rewards: readonly WeightedReward[]
  /** Null if nothing reads its log-probs. */
  readonly reference: ReferencePolicy | null
  readonly rl: RlSettings
  readonly seed: number
  readonly progress: Progress
}

/** The groups of a step. In names, P indexes the question and G the member of its group. */
export interface Groups {
  readonly used_P_G: ScoredRollout[][]
  /** Groups left out, since all their rewards are equal. */
  readonly dropped_P_G: ScoredRollout[][]
  /** log π_ref at each position of the rollouts of the used groups; null without a reference policy. */
  readonly references_P_G: (Float32Array | null)[][]
  readonly samplingSeconds: number
}

/**
 * Samples a group of responses to each question of a step and scores them. The reference policy scores the responses
 * while the rewards are computed. With dynamic sampling, groups whose rewards are all equal are dropped and other
 * questions are sampled instead (DAPO, arXiv 2503.14476, eq. 11); the reference policy then scores only the groups that
 * are kept. With `dropZeroVariance`, such groups are dropped and not replaced.
 */
export async function sampleGroups(job: GroupSampling, step: number): Promise<Groups> {
  const { rl } = job
  const time = { sampling: 0 }
  if (!rl.dynamicSampling && !rl.dropZeroVariance) {
    const responses_P_G = await sampleRound(job, step, 0, rl.questionsPerStep, time)
    const [references_P_G, used_P_G] = await Promise.all([
      referenceLogprobs(job.reference, responses_P_G),
      scoreAll(job, responses_P_G),
    ])
    return { used_P_G, dropped_P_G: [], references_P_G, samplingSeconds: time.sampling }
  }
  const used_P_G: ScoredRollout[][] = []
  const dropped_P_G: ScoredRollout[][] = []
  const rounds = rl.dynamicSampling ? ROUNDS : 1
  for (let round = 0; round < rounds && used_P_G.length < rl.questionsPerStep; round++) {
    const missing = rl.questionsPerStep - used_P_G.length
    const scored_P_G = await scoreAll(job, await sampleRound(job, step, round, missing, time))
    for (const scored_G of scored_P_G)
      (isZeroVariance(scored_G.map(({ total }) => total)) ? dropped_P_G : used_P_G).push(scored_G)
  }
  const references_P_G = await referenceLogprobs(
    job.reference,
    used_P_G.map((scored_G) => scored_G.map(({ rollout }) => rollout)),
  )
  return { used_P_G, dropped_P_G, references_P_G, samplingSeconds: time.sampling }
}

async function sampleRound(
  { sampler, renderer, task, rl, seed, progress }: GroupSampling,
  step: number,
  round: number,
  count: number,
  time: { sampling: number },
): Promise<SampledResponse[][]> {
  const seconds = stopwatch()
  const questions = task.training({ seed, step: step + round * ROUND_OFFSET, count })
  const responses_P_G = await sampleResponses(sampler, renderer, questions, {
    group: rl.groupSize,
    maxTokens: rl.maxTokens,
    temperature: rl.temperature,
    topK: rl.topK,
    topP: rl.topP,
    minP: rl.minP,
    interruption: rl.interruption,
    stream: [seed, 'rollouts', step, round],
    progress,
  })
  time.sampling += seconds()
  return responses_P_G
}

/** Scores one group at a time, since a reward's time limit starts when it is called. */
async function scoreAll(
  { renderer, task, rewards, progress }: GroupSampling,
  responses_P_G: readonly (readonly SampledResponse[])[],
): Promise<ScoredRollout[][]> {
  const scored_P_G: ScoredRollout[][] = []
  const scored = counted(progress, 'scoring groups of responses', responses_P_G.length)
  for (const responses_G of responses_P_G) {
    scored_P_G.push(
      await Promise.all(responses_G.map((response) => score(readSampled(renderer, task, response), rewards))),
    )
    scored()
  }
  return scored_P_G
}

async function referenceLogprobs(
  reference: ReferencePolicy | null,
  responses_P_G: readonly (readonly SampledResponse[])[],
): Promise<(Float32Array | null)[][]> {
  if (!reference) return responses_P_G.map((responses_G) => responses_G.map(() => null))
  const logprobs = await reference.logprobs(responses_P_G.flat().map((response) => toDatum(response, 1)))
  let next = 0
  return responses_P_G.map((responses_G) => responses_G.map(() => logprobs[next++]!))
}
