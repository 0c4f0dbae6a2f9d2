import { plural } from '../common/words.ts'
import type { Engine } from '../engines/contract.ts'
import type { LoraSettings } from '../models/lora.ts'
import type { PromptTemplate, Renderer } from '../renderer/renderer.ts'
import { asked, promptFit } from '../stages/sample/fit.ts'
import type { Question, Solved, Task } from '../tasks/task.ts'
import { type Answers, ask, bitsPerCharacter, type Score, score } from './ask.ts'
import { encodeSolved, learnedTokens, meanTokens, promptTokens } from './encode.ts'
import type { MeanTokens, Speeds } from './estimate.ts'
import { type AnswerExample, examplesOf } from './examples.ts'
import { measureTraining } from './trial.ts'
import type { Findings, Trial } from './verdict.ts'

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
  /** The adapters that would be trained; null: all weights would be. */
  readonly lora: LoraSettings | null
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

/**
 * Asks a model a few questions of a task, and tries whether fine-tuning would help where it answers hardly any. Measures
 * the speed of sampling and training on the way. The engine's trainer is used up.
 */
export async function surveyModel(engine: Engine, renderer: Renderer, job: Surveying): Promise<ModelSurvey> {
  const { task, questions, seed, progress } = job
  const rows = await encodeSolved(task, renderer, job.solved)
  const solutions = meanTokens(rows.map(({ sequence }) => sequence))
  const longestPart = Math.max(0, ...rows.map(({ sequence }) => learnedTokens(sequence)))
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
    progress(`asking ${plural(fitting.length, 'question')}, ${SAMPLES} times each`)
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

  const { trial, speeds } = await measureTraining(engine, renderer, job, {
    sampled,
    rows,
    samples: SAMPLES,
    maxTokens,
  })
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
