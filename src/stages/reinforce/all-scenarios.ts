import { accuracy } from '../../rewards/accuracy.ts'
import type { OwnReward } from '../../rewards/compose.ts'
import { formReason, summary } from '../../rewards/format.ts'
import { consistencyOf } from '../../rewards/language/language.ts'
import { consistencyReason } from '../../rewards/language-consistency.ts'
import type { Reward, Rollout } from '../../rewards/reward.ts'
import { isHarmful, type Question, type Task } from '../../tasks/task.ts'
import { parseSummary } from '../../thinking/r1/summary.ts'

/** A task with reasoning questions only in the first steps, and with general prompts as well in the later ones. */
interface AllScenarios extends Task {
  /** Is this question from the general task? */
  isGeneral(question: Question): boolean
}

/**
 * The prompts of RL in all scenarios (DeepSeek-R1, Nature 645, Methods: general data only in the last 400 of 1,700
 * steps). Held-out questions are from the reasoning task.
 */
export function allScenarios(
  reasoning: Task,
  general: Task,
  {
    from,
    share,
  }: {
    /** First step with general prompts. */
    readonly from: number
    /** Share of general prompts among the questions of these steps. */
    readonly share: number
  },
): AllScenarios {
  const generalQuestions = new WeakSet<Question>()
  const draw = (task: Task, options: { seed: number; step: number; count: number }): Question[] =>
    options.count === 0
      ? []
      : task
          .training(options)
          .map((question) => ({ ...question, language: question.language ?? task.language }))
  return {
    name: `${reasoning.name} and ${general.name}`,
    description: `${reasoning.description}; then also ${general.description}`,
    language: reasoning.language,
    training: ({ seed, step, count }) => {
      const others = Math.round(count * share)
      const prompts = draw(general, { seed, step, count: step < from ? 0 : others })
      for (const question of prompts) generalQuestions.add(question)
      return [...draw(reasoning, { seed, step, count: count - others }), ...prompts]
    },
    heldOut: (options) => reasoning.heldOut(options),
    check: (question, answer) =>
      (generalQuestions.has(question) ? general : reasoning).check(question, answer),
    isGeneral: (question) => generalQuestions.has(question),
  }
}

/** Weights of the rewards of RL in all scenarios; a reward of weight 0 is only measured. */
interface ScenarioWeights {
  readonly accuracy: number
  readonly format: number
  readonly language: number
  readonly helpful: number
  readonly harmless: number
}

/**
 * reward = reasoning + general + language   (DeepSeek-R1, Nature 645, Methods)
 *
 * Rules check reasoning. For general prompts, harmful requests are rewarded for the harmlessness of the whole response,
 * and the others for the helpfulness of the summary: with a harmlessness reward alone the policy would learn to refuse
 * everything. `neuralOnReasoning` replaces the rules by the helpful reward.
 */
export function scenarioRewards(
  task: AllScenarios,
  { helpful, harmless }: { readonly helpful: Reward; readonly harmless: Reward },
  weights: ScenarioWeights,
  { neuralOnReasoning }: { readonly neuralOnReasoning: boolean },
): OwnReward[] {
  const general = ({ question }: Rollout): boolean => task.isGeneral(question)
  return [
    {
      ...accuracy,
      weight: neuralOnReasoning ? 0 : weights.accuracy,
      applies: (rollout) => !general(rollout),
    },
    { ...formatReward(general), weight: weights.format },
    { ...consistency, weight: weights.language },
    {
      ...ofSummary(helpful),
      weight: weights.helpful,
      applies: (rollout) => (general(rollout) ? !isHarmful(rollout.question) : neuralOnReasoning),
    },
    {
      ...ofSummary(harmless, probability),
      weight: weights.harmless,
      applies: (rollout) => general(rollout) && isHarmful(rollout.question),
    },
  ]
}

/** The reward with `shape` applied, and 0 for a response without a summary. */
const ofSummary = (reward: Reward, shape: (r: number) => number = (r) => r): Reward => ({
  ...reward,
  score: async (rollout) => {
    if (rollout.summary === null) return 0
    const r = await reward.score(rollout)
    return r === null ? null : shape(r)
  },
  reason: ({ summary }) => (summary === null ? 'there is no summary' : null),
})

/** σ(r): the probability that the response is harmless, on the same scale as rule-based rewards. */
const probability = (r: number): number => 1 / (1 + Math.exp(-r))

/** The reward for R1's format; general prompts may be answered without thinking. */
function formatReward(general: (rollout: Rollout) => boolean): Reward {
  const whole = summary()
  return {
    name: 'format',
    score: (rollout) => (general(rollout) ? Number(generalProblem(rollout) === null) : whole.score(rollout)),
    reason: (rollout, score) =>
      general(rollout) ? formReason(generalProblem(rollout)) : whole.reason!(rollout, score),
  }
}

/** Why a response to a general prompt is not well formed, or null if it is. */
const generalProblem = (rollout: Rollout): string | null =>
  rollout.stopReason === 'stop' ? parseSummary(rollout.response, rollout).problem : 'it was cut off'

/** Share of words in the question's language, in the thinking or, if there is none, in the whole response. */
const consistency: Reward = {
  name: 'language',
  score: ({ thinking, response, question, task }) =>
    consistencyOf(thinking || response, question.language ?? task.language, { question: question.prompt }),
  reason: ({ question, task }, score) => consistencyReason(score, question.language ?? task.language),
}
