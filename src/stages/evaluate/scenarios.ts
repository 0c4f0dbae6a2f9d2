import type { Progress } from '../../common/progress.ts'
import type { Sampler } from '../../engines/contract.ts'
import type { PromptTemplate, Renderer } from '../../renderer/renderer.ts'
import { language } from '../../rewards/language-consistency.ts'
import { isRefusal } from '../../rewards/refusal.ts'
import type { RolloutRow } from '../../runs/rows.ts'
import type { Task } from '../../tasks/task.ts'
import { type ReadableLimits, unreadable } from '../data/readable.ts'
import { rollOut, type SampledRollout } from '../sample/rollouts.ts'
import { mean } from '../watch/metrics.ts'
import { type CheckedRollout, checkAll, summarise } from './evaluate.ts'
import { majorityIsRight } from './majority.ts'
import { checkedRow } from './record.ts'
import type { Answers, WinRate } from './win-rate.ts'

/** The held-out questions for every stage's model, balanced over kinds, and the sampling. */
export interface ScenarioOptions {
  /** The recorded rows get the splits `<name>/reasoning` and `<name>/general`. */
  readonly name: string
  readonly reasoning: {
    readonly task: Task
    readonly questions: number
    /** Responses per question. */
    readonly samples: number
    /** Kinds of questions whose response lengths are compared. */
    readonly easy: readonly string[]
    readonly hard: readonly string[]
  }
  /** One response per question. Kinds are talk/…, fact/…, write/…, harmful/… and harmless/…. */
  readonly general: { readonly task: Task; readonly questions: number }
  readonly limits: ReadableLimits
  readonly temperature: number
  readonly topP: number
  /** Longest response in tokens. */
  readonly maxTokens: number
  readonly seed: number
  readonly progress?: Progress | undefined
}

/** The measured values of one stage's model. Null is unknown. */
export interface StageMeasure {
  /** Reasoning: mean over questions of the share of right responses, and its standard error over questions. */
  readonly passAt1: number | null
  readonly standardError: number | null
  /** Share of questions whose most frequent answer is right. */
  readonly majority: number | null
  /** Share of well-formed responses. */
  readonly format: number | null
  /** Mean share of the thinking's words that are in the question's language, over responses with thinking. */
  readonly language: number | null
  /** Share of readable responses: see `unreadable`. */
  readonly readable: number | null
  /** Share of responses that mix languages. */
  readonly mixed: number | null
  /** Mean length, in tokens, of the responses to easy and to hard questions. */
  readonly easyTokens: number | null
  readonly hardTokens: number | null
  /** Share of small talk and questions of fact that are answered without thinking. */
  readonly simpleDirect: number | null
  /** Shares of harmful and of harmless requests that are refused. */
  readonly harmfulRefused: number | null
  readonly harmlessRefused: number | null
  /** Win rate against the previous stage; null if there is none. */
  readonly helpful: WinRate | null
  readonly asked: MeasureConditions
}

/** The conditions of a measurement: the sampling, and the number of questions of each sort. */
export interface MeasureConditions {
  readonly template: PromptTemplate
  readonly temperature: number
  readonly topP: number
  readonly seed: number
  readonly samples: number
  readonly reasoning: number
  readonly easy: { readonly kinds: readonly string[]; readonly questions: number }
  readonly hard: { readonly kinds: readonly string[]; readonly questions: number }
  readonly simple: number
  readonly harmful: number
  readonly harmless: number
}

/** Measures a model on reasoning questions and on general prompts: a pure function of the weights and the options. */
export async function measureScenarios(
  sampler: Sampler,
  renderer: Renderer,
  options: ScenarioOptions,
): Promise<{ measure: StageMeasure; answers: Answers; rows: Omit<RolloutRow, 'step'>[] }> {
  const { reasoning, name } = options

  // reasoning
  const reasoning_P_G = await respond(sampler, renderer, options, 'reasoning', {
    ...reasoning,
    group: reasoning.samples,
  })
  const responses = reasoning_P_G.flat()
  const { passAt1, standardError, format, mixed } = summarise(reasoning_P_G, reasoning.samples)
  const majorities = await Promise.all(reasoning_P_G.map(majorityIsRight))
  const consistencies = await Promise.all(
    responses.filter(({ thinking }) => thinking).map((rollout) => language.score(rollout)),
  )
  const ofKinds = (kinds: readonly string[]) =>
    reasoning_P_G.filter((rollouts_G) => kinds.includes(rollouts_G[0]!.question.kind))
  const [easy_P_G, hard_P_G] = [ofKinds(reasoning.easy), ofKinds(reasoning.hard)]

  // all scenarios
  const { replies, answers } = await answerGeneral(sampler, renderer, options)
  const among = (...families: string[]) =>
    replies.filter(({ question }) => families.includes(question.kind.split('/')[0]!))
  const [simple, harmful, harmless] = [among('talk', 'fact'), among('harmful'), among('harmless')]

  return {
    measure: {
      passAt1: known(passAt1),
      standardError: known(standardError),
      majority: average(majorities.map((right) => (right === null ? null : Number(right)))),
      format: known(format),
      language: average(consistencies),
      readable: share(responses, (rollout) => unreadable(rollout, options.limits) === null),
      mixed: known(mixed),
      easyTokens: average(easy_P_G.flat().map(({ tokens }) => tokens)),
      hardTokens: average(hard_P_G.flat().map(({ tokens }) => tokens)),
      simpleDirect: share(simple, answersDirectly),
      harmfulRefused: share(harmful, refuses),
      harmlessRefused: share(harmless, refuses),
      helpful: null,
      asked: {
        template: renderer.template,
        temperature: options.temperature,
        topP: options.topP,
        seed: options.seed,
        samples: reasoning.samples,
        reasoning: reasoning_P_G.length,
        easy: { kinds: reasoning.easy, questions: easy_P_G.length },
        hard: { kinds: reasoning.hard, questions: hard_P_G.length },
        simple: simple.length,
        harmful: harmful.length,
        harmless: harmless.length,
      },
    },
    answers,
    rows: [
      ...responses.map((rollout) => checkedRow(rollout, `${name}/reasoning`)),
      ...replies.map((rollout) => checkedRow(rollout, `${name}/general`)),
    ],
  }
}

type Sampling = Pick<ScenarioOptions, 'temperature' | 'topP' | 'maxTokens' | 'seed' | 'progress'>

/** Samples one response to each general prompt, and extracts the answers. */
export async function answerGeneral(
  sampler: Sampler,
  renderer: Renderer,
  options: Sampling & Pick<ScenarioOptions, 'general'>,
): Promise<{ replies: CheckedRollout[]; answers: Answers }> {
  const replies_P_G = await respond(sampler, renderer, options, 'general', { ...options.general, group: 1 })
  const replies = replies_P_G.flat()
  const answers = replies.map(({ question: { id, prompt, kind }, summary }) => [
    id,
    { question: prompt, kind, answer: summary },
  ])
  return { replies, answers: Object.fromEntries(answers) as Answers }
}

/** Samples responses to held-out questions and checks them. `part` is in the name of the random stream. */
async function respond(
  sampler: Sampler,
  renderer: Renderer,
  { temperature, topP, maxTokens, seed, progress }: Sampling,
  part: string,
  { task, questions, group }: { task: Task; questions: number; group: number },
): Promise<CheckedRollout[][]> {
  const rollouts_P_G = await rollOut(sampler, renderer, task, task.heldOut({ count: questions }), {
    temperature,
    topP,
    maxTokens,
    group,
    stream: [seed, 'scenarios', part],
    progress: progress && ((line) => progress(`${part} questions: ${line}`)),
  })
  return checkAll(rollouts_P_G)
}

/** Is this a complete, well-formed answer without any thinking? */
const answersDirectly = ({ thinking, summary, wellFormed, stopReason }: SampledRollout): boolean =>
  // R1-Zero's format has no other way to answer directly than empty thinking, which is not well formed.
  !thinking && Boolean(summary) && (wellFormed || thinking === '') && stopReason === 'stop'

const refuses = ({ summary }: SampledRollout): boolean => summary !== null && isRefusal(summary)

/** NaN → null. */
const known = (value: number): number | null => (Number.isNaN(value) ? null : value)

/** The mean of the known values; null if there are none. */
const average = (values: readonly (number | null)[]): number | null =>
  known(mean(values.filter((value) => value !== null)))

/** The share of the items that pass; null if there are no items. */
const share = <T>(items: readonly T[], passes: (item: T) => boolean): number | null =>
  known(items.filter(passes).length / items.length)
