import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import { onDisk } from '../common/files/disk.ts'
import { writeText } from '../common/files/files.ts'
import { shellWord } from '../common/shell.ts'
import type { TextRequest } from '../thinking/model.ts'
import type { Effort } from '../thinking/strategies/effort.ts'
import type { StrategyName } from '../thinking/strategies/strategy.ts'
import type { Estimate } from './measures/interval.ts'

/** The file of an evaluation folder that has what was measured. */
export const RESULTS_FILE = 'results.json'

/** How a model is asked. */
export interface Condition {
  readonly strategy: StrategyName
  /** Longest thinking in tokens, after which the answer is asked for; null: as long as it wants. */
  readonly budget: number | null
  readonly effort: Effort | null
}

/** Where a checkpoint is in its run. */
export interface TrainingPoint {
  /** Name of the run. */
  readonly run: string
  readonly step: number
  /** Spent on training up to here; null if unknown. */
  readonly flops: number | null
  readonly tokens: number | null
}

/** How responses are sampled. A field that is missing is left to the model. */
export type Sampling = Pick<TextRequest, 'temperature' | 'topP' | 'topK' | 'minP' | 'maxTokens'>

/** Accuracy with k responses a question. */
export interface AtK {
  readonly k: number
  /** At least one of k is right. */
  readonly pass: Estimate
  /** The most frequent answer of k is right. */
  readonly cons: Estimate
}

/** What was measured of the questions of one difficulty. */
export interface DifficultyResult {
  readonly name: string
  readonly questions: number
  readonly accuracy: Estimate
  readonly thinkingTokens: Estimate
}

/** A model asked the questions of a task in one way. */
export interface CellResult extends Condition {
  readonly model: string
  /** The format of its thinking. */
  readonly format: string
  readonly task: string
  readonly sampling: Sampling
  readonly training: TrainingPoint | null
  /** Responses to a question that a strategy other than `vote` uses for one answer; 1 for `sample` and `vote`. */
  readonly responses: number
  /** Where the store has the answers, by seed. */
  readonly keys: readonly string[]
  readonly seeds: readonly number[]
  /** Answers to each question, per seed. */
  readonly samples: number
  /** Questions with an answer that could be checked. */
  readonly questions: number
  /** Answers that could not be checked. */
  readonly unknown: number
  readonly passAt1: Estimate
  /** Of passAt1, over questions. */
  readonly standardError: number
  /** pass@1 by kind ("arithmetic/3"). */
  readonly kinds: Readonly<Record<string, number>>
  /** How many questions each kind has. */
  readonly kindQuestions: Readonly<Record<string, number>>
  readonly atK: readonly AtK[]
  /** Mean tokens of an answer. NaN where the model does not report them. */
  readonly thinkingTokens: Estimate
  readonly completionTokens: Estimate
  readonly form: Form
  readonly difficulties: readonly DifficultyResult[]
  /** Question by question. */
  readonly values: readonly QuestionValues[]
}

/** What was measured of one question: means over seeds. NaN is unknown. */
export interface QuestionValues {
  /** A hash of all of the question. */
  readonly key: string
  readonly id: string
  readonly kind: string
  /** Share of right answers. */
  readonly passAt1: number
  /** For each k. */
  readonly pass: readonly number[]
  readonly cons: readonly number[]
  readonly thinkingTokens: number
  readonly completionTokens: number
}

/** What responses look like; NaN where it is unknown. */
export interface Form {
  /** Share in the model's format. */
  readonly wellFormed: number
  /** Reflective words per response and per 1,000 tokens. */
  readonly reflectionPerResponse: number
  readonly reflection: number
  /** Share that mixes languages, and share that was cut off. */
  readonly mixed: number
  readonly cut: number
}

/** An accuracy that a run recorded while it trained. */
export interface RecordedPoint extends TrainingPoint {
  readonly task: string
  readonly passAt1: number
  /** Of passAt1, over questions; NaN if unknown. */
  readonly standardError: number
}

/** What difficulties are. */
export type DifficultyKind = 'kind' | 'quarter'

/** `results.json`. */
export interface Results {
  readonly version: 1
  readonly ruminate: string
  readonly created: string
  readonly seconds: number
  /** By which questions are grouped, by task. */
  readonly difficulty: Readonly<Record<string, DifficultyKind>>
  readonly cells: readonly CellResult[]
  readonly recorded: readonly RecordedPoint[]
}

/** Numbers, as are those in lists, that are NaN where they are unknown, which JSON writes as null. */
const NUMBERS = new Set([
  'passAt1',
  'thinkingTokens',
  'completionTokens',

  'mean',
  'low',
  'high',
  'standardError',
  'wellFormed',
  'reflection',
  'reflectionPerResponse',
  'mixed',
  'cut',
])

/** Reads `results.json`. @throws UserError if it is not there or not readable. */
export function readResults(folder: string): Results {
  const file = join(folder, RESULTS_FILE)
  if (!existsSync(file))
    throw new UserError(
      `${folder} is not a finished evaluation: it has no ${RESULTS_FILE}. \`ruminate eval --out ${shellWord(folder)}\` writes one`,
    )
  const text = onDisk('read', file, () => readFileSync(file, 'utf8'))
  let results: Results
  try {
    results = JSON.parse(text, (key, value) =>
      value === null && (NUMBERS.has(key) || /^\d+$/.test(key)) ? Number.NaN : value,
    )
  } catch {
    throw new UserError(`${file} is not JSON: repeat the evaluation, which writes it again`)
  }
  if (results.version !== 1)
    throw new UserError(`${file} has version ${results.version}; this version of Ruminate reads version 1`)
  return results
}

/** Writes `results.json`. */
export function writeResults(folder: string, results: Results): void {
  writeText(join(folder, RESULTS_FILE), `${JSON.stringify(results)}\n`)
}
