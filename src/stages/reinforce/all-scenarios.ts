import type { OwnReward } from '../../recipes/zero.ts'
import { accuracy } from '../../rewards/accuracy.ts'
import { summary } from '../../rewards/format.ts'
import { languageShare } from '../../rewards/language.ts'
import type { Reward, Rollout } from '../../rewards/reward.ts'
import type { Question, Task } from '../../tasks/task.ts'
import { parseSummary } from '../../thinking/summary.ts'

/** A request that is to be refused. */
export const isHarmful = ({ kind }: Question): boolean => kind.startsWith('harmful')

/** Reasoning questions alone for the first steps, general prompts besides from then on. */
export interface AllScenarios extends Task {
  isGeneral(question: Question): boolean
}

/**
 * The prompts of RL in all scenarios (DeepSeek-R1, Nature 645, Methods: general data only in the last 400 of 1,700
 * steps). Held-out questions are reasoning's.
 */
export function allScenarios(
  reasoning: Task,
  general: Task,
  { from, share }: { readonly from: number; readonly share: number },
): AllScenarios {
  const asked = new WeakSet<Question>()
  const of = (task: Task, options: { seed: number; step: number; count: number }): Question[] =>
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
      const prompts = of(general, { seed, step, count: step < from ? 0 : others })
      for (const question of prompts) asked.add(question)
      return [...of(reasoning, { seed, step, count: count - others }), ...prompts]
    },
    heldOut: (options) => reasoning.heldOut(options),
    check: (question, answer) => (asked.has(question) ? general : reasoning).check(question, answer),
    isGeneral: (question) => asked.has(question),
  }
}

/** Weights of the rewards of RL in all scenarios; 0 measures only. */
export interface ScenarioWeights {
  readonly accuracy: number
  readonly format: number
  readonly language: number
  readonly helpful: number
  readonly harmless: number
}

/**
 * reward = reasoning + general + language   (DeepSeek-R1, Nature 645, Methods)
 *
 * Reasoning is checked by rules. Of general prompts, those that are to be refused get a reward for the harmlessness of the
 * whole response, the others one for how helpful what is said to the user is: a model of harm alone would have
 * everything refused. `neuralOnReasoning` puts the helpful reward in the place of the rules.
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
    { ...form(general), weight: weights.format },
    { ...consistency, weight: weights.language },
    {
      ...said(helpful),
      weight: weights.helpful,
      applies: (rollout) => (general(rollout) ? !isHarmful(rollout.question) : neuralOnReasoning),
    },
    {
      ...said(harmless, probability),
      weight: weights.harmless,
      applies: (rollout) => general(rollout) && isHarmful(rollout.question),
    },
  ]
}

/** Where nothing is said to the user there is nothing good. */
const said = (reward: Reward, shape: (r: number) => number = (r) => r): Reward => ({
  ...reward,
  score: async (rollout) => {
    if (rollout.summary === null) return 0
    const r = await reward.score(rollout)
    return r === null ? null : shape(r)
  },
})

/** σ(r): the probability that the model of labels gives, commensurate with what rules say. */
const probability = (r: number): number => 1 / (1 + Math.exp(-r))

/** R1's form; general prompts may be answered without thinking. */
function form(general: (rollout: Rollout) => boolean): Reward {
  const whole = summary()
  return {
    name: 'format',
    score: (rollout) =>
      general(rollout)
        ? Number(rollout.stopReason === 'stop' && parseSummary(rollout.response).wellFormed)
        : whole.score(rollout),
  }
}

/** Share of the words in the question's language: of the thinking or, where there is none, of what is said. */
const consistency: Reward = {
  name: 'language',
  score: ({ thinking, response, question, task }) =>
    languageShare(thinking || response, question.language ?? task.language, { question: question.prompt }) ??
    1,
}
