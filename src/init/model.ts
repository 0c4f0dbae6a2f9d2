import { UserError } from '../common/errors.ts'
import { stopwatch } from '../common/stopwatch.ts'
import type { Engine } from '../engines/contract.ts'
import { withPolicy } from '../engines/policy.ts'
import type { PromptTemplate, Renderer } from '../renderer/renderer.ts'
import type { CheckedRollout } from '../stages/evaluate/evaluate.ts'
import { toDatum } from '../stages/reinforce/datums.ts'
import { asked, promptFit } from '../stages/sample/fit.ts'
import type { Sequence } from '../stages/supervise/learn.ts'
import { supervise } from '../stages/supervise/masks.ts'
import { demonstrate } from '../tasks/examples/solutions.ts'
import type { Question, Solved, Task } from '../tasks/task.ts'
import { type Answers, ask, bitsPerCharacter, type Score, score } from './ask.ts'
import type { MeanTokens, Speeds } from './estimate.ts'
import { canTry, TRIAL_STEPS, timeTraining, tryLearning } from './trial.ts'
import { canReinforce, type Findings, LEAST_ROWS, NEARLY_ALWAYS, type Trial } from './verdict.ts'

/** What a model answered to a few questions. */
export interface AnswersReport {
  readonly template: PromptTemplate
  readonly maxTokens: number
  readonly unfit: Findings['unfit']
  /** Null if it could not be asked. */
  readonly score: Score | null
  readonly bitsPerCharacter: number
  readonly examples: readonly AnswerExample[]
}

export interface AnswerExample {
  readonly question: string
  readonly response: string
  readonly answer: string | null
  readonly gold: string
  readonly correct: boolean | null
}

/** What was found out about a model and a task. */
interface ModelSurvey {
  readonly answers: AnswersReport
  readonly trial: Trial | null
  /** Null if the model could not be asked, or not be trained. */
  readonly speeds: Speeds | null
  /** Of what the model answers now, and of the solutions; null if there are none. */
  readonly tokens: { readonly answers: MeanTokens | null; readonly solutions: MeanTokens | null }
  /** Tokens of the longest prompt, of the longest solution, and of the longest solution with its prompt. */
  readonly longest: { readonly prompt: number; readonly response: number; readonly solution: number }
}

interface Surveying {
  readonly task: Task
  readonly questions: readonly Question[]
  /** Training questions with their answers, to try fine-tuning; empty if there are none. */
  readonly solved: readonly Solved[]
  readonly parameters: number
  /** Of fine-tuning. */
  readonly learningRate: number
  readonly seed: number
  readonly onAnswers: (answers: AnswersReport) => void
  readonly progress: (line: string) => void
}

/** Responses to each question: a group, as in reinforcement learning. */
const SAMPLES = 8
/** Longest response, unless solutions are longer; and most tokens however long they are, so that this stays short. */
const MAX_TOKENS = 260
const MOST_TOKENS = 1024
/** Answers that are shown. */
const SHOWN = 3

/**
 * Asks a model a few questions of a task, and tries whether fine-tuning would help where it answers hardly any. Measures
 * the speed of sampling and training on the way. The engine's trainer is used up.
 */
export async function surveyModel(engine: Engine, renderer: Renderer, job: Surveying): Promise<ModelSurvey> {
  const { task, questions, seed, progress } = job
  const rows = await encode(job.task, renderer, job.solved)
  const solutions = meanTokens(rows.map(({ sequence }) => sequence))
  const longestPart = Math.max(0, ...rows.map(({ sequence }) => responseOf(sequence)))
  const prompts = questions.map((question) => promptTokens(renderer, question))
  const longestPrompt = Math.max(...prompts)
  const room = engine.can.maxTokens === null ? Infinity : engine.can.maxTokens - longestPrompt
  const wanted = Math.max(MAX_TOKENS, Math.min(2 * longestPart, MOST_TOKENS))
  // where the longest prompts leave no room, they are left out rather than the responses shortened to nothing
  const maxTokens = room >= MAX_TOKENS ? Math.min(wanted, room) : MAX_TOKENS

  const fit = promptFit([asked(renderer, engine.can, maxTokens)])
  const reasons = questions.map((question) => fit.unfit(question))
  const fitting = questions.filter((_, i) => reasons[i] === null)
  const first = reasons.findIndex((reason) => reason !== null)
  const unfit =
    first < 0
      ? null
      : {
          share: 1 - fitting.length / questions.length,
          reason: `${questions[first]!.id}: ${reasons[first]}`,
        }

  let sampled: Answers | null = null
  let bits = Number.NaN
  if (fitting.length > 0) {
    progress(`asking ${fitting.length} questions, ${SAMPLES} times each`)
    const sampler = await engine.sampler(engine.base)
    sampled = await ask(sampler, renderer, task, fitting, { samples: SAMPLES, maxTokens, seed })
    await sampler.close()
    const scorer = await engine.scorer(engine.base)
    bits = await bitsPerCharacter(scorer, renderer, fitting)
    await scorer.close()
  }
  const scored = sampled && score(sampled.checked_P_G)
  const answers: AnswersReport = {
    template: renderer.template,
    maxTokens,
    unfit,
    score: scored,
    bitsPerCharacter: bits,
    examples: sampled ? examplesOf(sampled.checked_P_G) : [],
  }
  job.onAnswers(answers)

  const { trial, speeds } = await train(engine, renderer, job, { sampled, rows, maxTokens })
  return {
    answers,
    trial,
    speeds: scored &&
      speeds && {
        sampling: (scored.tokens.mean * scored.responses) / sampled!.seconds,
        ...speeds,
        memory: 1024 * process.resourceUsage().maxRSS,
      },
    tokens: {
      answers: scored && {
        prompt: prompts.reduce((sum, n) => sum + n, 0) / prompts.length,
        response: scored.tokens.mean,
      },
      solutions,
    },
    longest: {
      prompt: longestPrompt,
      response: longestPart,
      solution: Math.max(0, ...rows.map(({ sequence }) => sequence.tokens.length)),
    },
  }
}

interface Row {
  readonly question: string
  readonly sequence: Sequence
}

/** A timed pass over the responses and, where fine-tuning may help and is short, a trial of it. */
async function train(
  engine: Engine,
  renderer: Renderer,
  job: Surveying,
  { sampled, rows, maxTokens }: { sampled: Answers | null; rows: readonly Row[]; maxTokens: number },
): Promise<{ trial: Trial | null; speeds: Pick<Speeds, 'training' | 'finetuning'> | null }> {
  if (sampled === null || !engine.can.objectives.includes('cross_entropy'))
    return { trial: null, speeds: null }
  const { task, questions, parameters, learningRate, seed, progress } = job
  const trainer = await engine.trainer()
  // the trial learns from all rows but a quarter, among the questions that were asked, on which it is measured
  const apart = sampled.checked_P_G.slice(0, Math.max(1, Math.floor(rows.length / 4)))
  const left = new Set(apart.map((checked_G) => checked_G[0]!.question.id))
  const learned = rows.filter(({ question }) => !left.has(question)).map(({ sequence }) => sequence)
  const now = score(sampled.checked_P_G)
  const mayHelp = rows.length >= LEAST_ROWS && !canReinforce(now) && !(now.passAt1 >= NEARLY_ALWAYS)
  let trial: Trial | null = null
  let finetuning: number | null = null
  if (mayHelp && canTry(parameters, learned)) {
    const seconds = stopwatch()
    finetuning = await tryLearning(trainer, learned, {
      learningRate,
      seed,
      onStep: (step) => progress(`trying fine-tuning: step ${step} of ${TRIAL_STEPS}`),
    })
    const { checked_P_G } = await withPolicy({ engine, trainer }, (sampler) =>
      ask(
        sampler,
        renderer,
        task,
        questions.filter(({ id }) => left.has(id)),
        { samples: SAMPLES, maxTokens, seed },
      ),
    )
    trial = {
      before: score(apart),
      after: score(checked_P_G),
      steps: TRIAL_STEPS,
      rows: learned.length,
      seconds: seconds(),
    }
  }
  progress('timing a training pass')
  const training = await timeTraining(trainer, parameters, sampled.checked_P_G.flat().map(sequenceOf))
  return { trial, speeds: { training, finetuning: finetuning ?? training } }
}

/** Rows as sequences to learn; those that cannot be learned are left out. */
async function encode(task: Task, renderer: Renderer, solved: readonly Solved[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const one of solved)
    try {
      const demonstration = await demonstrate(task, renderer, one)
      for (const sequence of supervise(renderer, demonstration))
        rows.push({ question: one.question.id, sequence })
    } catch (error) {
      if (!(error instanceof UserError)) throw error
    }
  return rows
}

/** A response as a sequence to learn. */
function sequenceOf(rollout: CheckedRollout): Sequence {
  const { tokens, targets } = toDatum(rollout, 1)
  const whole = Int32Array.of(...tokens, targets.at(-1)!)
  return { tokens: whole, learned: new Uint8Array(whole.length).fill(1, rollout.promptTokens.length) }
}

/** Number of learned tokens. */
const responseOf = ({ learned }: Sequence): number => learned.reduce((sum, one) => sum + one, 0)

function meanTokens(sequences: readonly Sequence[]): MeanTokens | null {
  if (sequences.length === 0) return null
  const response = sequences.reduce((sum, one) => sum + responseOf(one), 0) / sequences.length
  const all = sequences.reduce((sum, { tokens }) => sum + tokens.length, 0) / sequences.length
  return { prompt: all - response, response }
}

/** Tokens of the prompt of a question; 0 for one that cannot be rendered, which is reported as unfit. */
function promptTokens(renderer: Renderer, question: Question): number {
  try {
    return renderer.prompt(question).tokens.length
  } catch (error) {
    if (error instanceof UserError) return 0
    throw error
  }
}

/** A right response if there is one, and wrong ones, each to another question. */
function examplesOf(checked_P_G: Answers['checked_P_G']): AnswerExample[] {
  const right = checked_P_G.find((checked_G) => checked_G.some(({ correct }) => correct))
  const shown = [
    ...(right ? [right.find(({ correct }) => correct)!] : []),
    ...checked_P_G
      .filter((checked_G) => checked_G !== right)
      .map((checked_G) => checked_G.find(({ correct }) => !correct) ?? checked_G[0]!),
  ]
  return shown.slice(0, SHOWN).map(({ question, response, answer, correct }) => ({
    question: question.prompt,
    response,
    answer,
    gold: question.gold,
    correct,
  }))
}
