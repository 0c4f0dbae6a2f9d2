import { UserError } from '../../common/errors.ts'
import type { Sampler } from '../../engines/contract.ts'
import type { Generator } from '../../providers/generator.ts'
import { type JudgeOptions, judgePair } from '../../rewards/judge.ts'
import { language } from '../../rewards/language.ts'
import { isRefusal } from '../../rewards/refusal.ts'
import type { RolloutRow } from '../../runs/rows.ts'
import type { Task } from '../../tasks/task.ts'
import { type ReadableLimits, unreadable } from '../data/readable.ts'
import {
  type PromptTemplate,
  rollOut,
  type SampledRollout,
  type TextCodec,
  toRow,
} from '../sample/rollouts.ts'
import { mean } from '../watch/metrics.ts'
import { type JudgedRollout, summarise } from './evaluate.ts'

/** What is asked of every stage's model: held-out questions, balanced over kinds, and how they are sampled. */
export interface ScenarioOptions {
  /** The rows are of the splits `<name>/reasoning` and `<name>/general`. */
  readonly name: string
  readonly template: PromptTemplate
  readonly reasoning: {
    readonly task: Task
    readonly questions: number
    /** Responses a question. */
    readonly samples: number
    /** Kinds whose lengths are compared. */
    readonly easy: readonly string[]
    readonly hard: readonly string[]
  }
  /** Kinds are talk/…, fact/…, write/…, harmful/… and harmless/…; one response a question. */
  readonly general: { readonly task: Task; readonly questions: number }
  readonly limits: ReadableLimits
  readonly temperature: number
  readonly topP: number
  readonly maxTokens: number
  readonly seed: number
}

/** What one stage's model does. `null` is unknown. */
export interface StageMeasure {
  /** Reasoning: mean over questions of the share of right responses, and its standard error over questions. */
  readonly passAt1: number | null
  readonly standardError: number | null
  /** Share of questions whose most frequent answer is right. */
  readonly majority: number | null
  /** Share of well-formed responses. */
  readonly format: number | null
  /** Mean share of the thinking's words that are in the question's language, where there is thinking. */
  readonly language: number | null
  /** Share of responses that nothing makes hard to read. */
  readonly readable: number | null
  /** Share of responses that mix languages. */
  readonly mixed: number | null
  /** Mean length of the responses to easy and to hard questions. */
  readonly easyTokens: number | null
  readonly hardTokens: number | null
  /** Share of small talk and questions of fact that are answered without thinking. */
  readonly simpleDirect: number | null
  /** Shares of requests that are refused. */
  readonly harmfulRefused: number | null
  readonly harmlessRefused: number | null
  /** Against the stage before; `null` where there is none. */
  readonly helpful: WinRate | null
  readonly asked: Asked
}

/** How it was measured: numbers of questions, and how they were asked. */
export interface Asked {
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

/** What was said to the user, by the question's id. `answer` is `null` where nothing was. */
export type Answers = Readonly<
  Record<string, { readonly question: string; readonly kind: string; readonly answer: string | null }>
>

/** Measures a model on reasoning and on general prompts: a pure function of weights and options. */
export async function measureScenarios(
  sampler: Sampler,
  codec: TextCodec,
  options: ScenarioOptions,
): Promise<{ measure: StageMeasure; answers: Answers; rows: Omit<RolloutRow, 'step'>[] }> {
  const { reasoning, name } = options

  // reasoning
  const reasoned_P_G = await respond(sampler, codec, options, 'reasoning', {
    ...reasoning,
    group: reasoning.samples,
  })
  const reasoned = reasoned_P_G.flat()
  const { passAt1, standardError, format, mixed } = summarise(reasoned_P_G, reasoning.samples)
  const majorities = await Promise.all(reasoned_P_G.map(majorityIsRight))
  const consistencies = await Promise.all(
    reasoned.filter(({ thinking }) => thinking).map((rollout) => language.score(rollout)),
  )
  const ofKinds = (kinds: readonly string[]) =>
    reasoned_P_G.filter((rollouts_G) => kinds.includes(rollouts_G[0]!.question.kind))
  const [easy_P_G, hard_P_G] = [ofKinds(reasoning.easy), ofKinds(reasoning.hard)]

  // all scenarios
  const { replies, answers } = await answerGeneral(sampler, codec, options)
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
      readable: share(reasoned, (rollout) => unreadable(rollout, options.limits) === null),
      mixed: known(mixed),
      easyTokens: average(easy_P_G.flat().map(({ tokens }) => tokens)),
      hardTokens: average(hard_P_G.flat().map(({ tokens }) => tokens)),
      simpleDirect: share(simple, answersDirectly),
      harmfulRefused: share(harmful, refuses),
      harmlessRefused: share(harmless, refuses),
      helpful: null,
      asked: {
        template: options.template,
        temperature: options.temperature,
        topP: options.topP,
        seed: options.seed,
        samples: reasoning.samples,
        reasoning: reasoned_P_G.length,
        easy: { kinds: reasoning.easy, questions: easy_P_G.length },
        hard: { kinds: reasoning.hard, questions: hard_P_G.length },
        simple: simple.length,
        harmful: harmful.length,
        harmless: harmless.length,
      },
    },
    answers,
    rows: [
      ...reasoned.map((rollout) => row(rollout, `${name}/reasoning`)),
      ...replies.map((rollout) => row(rollout, `${name}/general`)),
    ],
  }
}

type Sampling = Pick<ScenarioOptions, 'template' | 'temperature' | 'topP' | 'maxTokens' | 'seed'>

/** One response to each general prompt, and what it says to the user. */
export async function answerGeneral(
  sampler: Sampler,
  codec: TextCodec,
  options: Sampling & Pick<ScenarioOptions, 'general'>,
): Promise<{ replies: JudgedRollout[]; answers: Answers }> {
  const replies_P_G = await respond(sampler, codec, options, 'general', { ...options.general, group: 1 })
  const replies = replies_P_G.flat()
  const answers = replies.map(({ question: { id, prompt, kind }, summary }) => [
    id,
    { question: prompt, kind, answer: summary },
  ])
  return { replies, answers: Object.fromEntries(answers) as Answers }
}

async function respond(
  sampler: Sampler,
  codec: TextCodec,
  { template, temperature, topP, maxTokens, seed }: Sampling,
  part: string,
  { task, questions, group }: { task: Task; questions: number; group: number },
): Promise<JudgedRollout[][]> {
  const rollouts_P_G = await rollOut(sampler, codec, task, task.heldOut({ count: questions }), {
    template,
    temperature,
    topP,
    maxTokens,
    group,
    stream: [seed, 'scenarios', part],
  })
  return Promise.all(rollouts_P_G.map((rollouts_G) => Promise.all(rollouts_G.map(judged))))
}

const judged = async (rollout: SampledRollout): Promise<JudgedRollout> => ({
  ...rollout,
  correct: (await rollout.verdict()).correct,
})

const row = (rollout: JudgedRollout, split: string): Omit<RolloutRow, 'step'> =>
  toRow(rollout, { rewards: {}, total: null, correct: rollout.correct, errors: [] }, split, null)

/** A whole answer in the form of its template, and no word of thinking. */
const answersDirectly = ({ thinking, summary, wellFormed, stopReason }: SampledRollout): boolean =>
  !thinking && Boolean(summary) && wellFormed && stopReason === 'stop'

const refuses = ({ summary }: SampledRollout): boolean => summary !== null && isRefusal(summary)

/** Is the most frequent answer right? Of those that are as frequent, the first that was sampled. Silence has no vote. */
async function majorityIsRight(rollouts_G: readonly SampledRollout[]): Promise<boolean | null> {
  const votes = new Map<string, SampledRollout[]>()
  for (const rollout of rollouts_G) {
    if (rollout.answer === null) continue
    const key = normalised(rollout.answer)
    votes.set(key, [...(votes.get(key) ?? []), rollout])
  }
  const most = [...votes.values()].reduce<readonly SampledRollout[]>(
    (best, voters) => (voters.length > best.length ? voters : best),
    [],
  )
  return (await (most[0] ?? rollouts_G[0]!).verdict()).correct
}

/** The same for answers that are written the same, but for case, the space around signs, and a full stop. */
const normalised = (answer: string): string =>
  answer
    .trim()
    .toLowerCase()
    .replace(/[.。]$/, '')
    .replace(/\s+/g, ' ')
    .replace(/(?<![\p{L}\p{N}]) | (?![\p{L}\p{N}])/gu, '')

const known = (value: number): number | null => (Number.isNaN(value) ? null : value)

/** The mean of what is known. */
const average = (values: readonly (number | null)[]): number | null =>
  known(mean(values.filter((value) => value !== null)))

const share = <T>(items: readonly T[], is: (item: T) => boolean): number | null =>
  known(items.filter(is).length / items.length)

/** How often answers are better than others. */
export interface WinRate {
  /** (wins + ½ ties) / those known, and its standard error over questions. */
  readonly rate: number | null
  readonly standardError: number | null
  readonly win: number
  readonly tie: number
  readonly loss: number
  /** The judge's votes disagree, or do not keep to the form. */
  readonly unknown: number
}

/**
 * A judge compares the answers with those of the stage before. Harmful requests are left out: there it is not help that
 * is wanted.
 *
 * @throws UserError where other questions were answered before, or where the judge cannot be reached.
 */
export async function winRate(
  judge: Generator,
  answers: Answers,
  previous: Answers,
  options: JudgeOptions = {},
): Promise<WinRate> {
  const asked = Object.entries(answers).filter(([, { kind }]) => !kind.startsWith('harmful/'))
  const judgements = await Promise.all(
    asked.map(([id, { question, answer }]) => {
      const before = previous[id]
      if (before?.question !== question)
        throw new UserError(`the stage before did not answer "${question}"; both must be asked the same`)
      return judgePair(judge, { question, a: answer ?? '', b: before.answer ?? '' }, options)
    }),
  )
  const of = (winner: 'A' | 'B' | 'tie' | null) => judgements.filter((j) => j.winner === winner).length
  const [win, tie, loss, unknown] = [of('A'), of('tie'), of('B'), of(null)]
  const n = win + tie + loss
  const rate = (win + tie / 2) / n
  // s / √n with s² = Σ (x − mean)² / (n − 1)
  const squares = win * (1 - rate) ** 2 + tie * (0.5 - rate) ** 2 + loss * rate ** 2
  return {
    rate: known(rate),
    standardError: n > 1 ? Math.sqrt(squares / (n - 1) / n) : null,
    win,
    tie,
    loss,
    unknown,
  }
}
