import { UserError } from '../../common/errors.ts'
import { plural } from '../../common/words.ts'
import type { SampledSequence } from '../../engines/contract.ts'
import type { Renderer } from '../../renderer/renderer.ts'
import type { Language } from '../../rewards/language/language.ts'
import type { Rollout } from '../../rewards/reward.ts'
import type { Question, Task } from '../../tasks/task.ts'
import { boxedAnswer } from '../../verify/boxes.ts'
import type { Unreadable } from './readable.ts'

/** A response that may become training data, sampled here or written elsewhere. */
export interface Candidate extends Rollout {
  readonly wellFormed: boolean
  readonly sequence: Pick<SampledSequence, 'tokens' | 'logprobs'>
}

/** Why a row is not trained on. */
export type Rejection =
  | Unreadable
  | 'wrong'
  /** Neither a rule nor a judge could check the answer. */
  | 'unknown'
  /** The same response to the same question is already kept. */
  | 'repeated'
  /** Its question already has the maximum number of rows. */
  | 'beyond the cap'
  /** Its source already has its share of the rows. */
  | 'beyond the share'
  /** No rewriting of it was in the requested format. */
  | 'rewriting ill-formed'
  | 'rewriting changed the answer'
  | 'rewriting unreadable'

/** A row of training data, or one that was rejected. */
export interface DataRow {
  readonly question: Question
  readonly language: Language
  /** Name of its source, e.g. "few-shot". */
  readonly source: string
  /** The prompt of the model; empty if no model wrote the response. */
  readonly prompt: string
  readonly response: string
  /** The chain of thought; null if the response has none. */
  readonly thinking: string | null
  readonly summary: string | null
  readonly answer: string | null
  readonly tokens: Int32Array
  /** Log-probability of each token, in nats, at the temperature it was sampled at; NaN if unknown. */
  readonly logprobs: Float32Array
  readonly stopReason: 'stop' | 'length'
  readonly correct: boolean | null
  /** Why the check found the answer right or wrong, or could not tell; missing if it was not checked. */
  readonly reason?: string | undefined
  readonly rejected: Rejection | null
  /** The row before it was rewritten; null if it was not. */
  readonly original: DataRow | null
}

/** Is this row to be trained on? */
export const isKept = ({ rejected }: DataRow): boolean => rejected === null

/** Training data, with the rejected rows and how it was made. */
export interface DataSet {
  /** All rows, the rejected ones included. */
  readonly rows: readonly DataRow[]
  /** The rows to train on, in their order. */
  readonly kept: readonly DataRow[]
  /** How the data was made, for the data card: models, seed, settings. */
  readonly made: Readonly<Record<string, unknown>>
  /** The results of its sources, stored as JSON. */
  readonly summary: unknown
}

/** @throws UserError with the reasons if no row is kept. */
export function requireKept(title: string, rows: readonly DataRow[]): void {
  if (rows.some(isKept)) return
  const reasons = Object.entries(countRejections(rows)).map(([reason, count]) => `${count} ${reason}`)
  throw new UserError(
    `${title}: none of ${plural(rows.length, 'response')} can be trained on (${reasons.join(', ')}); use easier or more questions, widen the limits (readable), or start from a better model`,
  )
}

/** Numbers of rejected rows by reason, most frequent first. */
export function countRejections(rows: readonly DataRow[]): Partial<Record<Rejection, number>> {
  const counts = new Map<Rejection, number>()
  for (const { rejected } of rows) if (rejected) counts.set(rejected, (counts.get(rejected) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)))
}

/** A response in R1's format: the thinking, if there is any, then the summary. */
export const responseOf = (thinking: string | null, summary: string): string =>
  thinking === null ? summary : `<think>\n${thinking}\n</think>\n${summary}`

/** A candidate from text only, without sampled tokens. `cut`: the response was cut off. */
export function writtenCandidate(
  renderer: Renderer,
  task: Task,
  question: Question,
  {
    prompt,
    thinking,
    summary,
    cut = false,
  }: {
    readonly prompt: string
    readonly thinking: string | null
    readonly summary: string
    readonly cut?: boolean
  },
): Candidate {
  const response = responseOf(thinking, summary)
  const tokens = renderer.encode(response)
  const answer = summary === '' ? null : (boxedAnswer(summary) ?? summary)
  let verdict: ReturnType<Rollout['verdict']> | undefined
  return {
    question,
    task,
    prompt,
    opened: false,
    response,
    thinking,
    summary: summary || null,
    answer,
    verdict: () => {
      verdict ??= task.check(question, answer)
      return verdict
    },
    wellFormed: summary !== '' && !/<\/?(?:think|answer)>/.test(`${thinking ?? ''}${summary}`),
    tokens: tokens.length,
    stopReason: cut ? 'length' : 'stop',
    sequence: { tokens, logprobs: new Float32Array(tokens.length).fill(Number.NaN) },
  }
}

/** A candidate as a row, with the results of its check. */
export function toDataRow(
  candidate: Candidate,
  { source, correct, reason, rejected }: Pick<DataRow, 'source' | 'correct' | 'reason' | 'rejected'>,
): DataRow {
  const { question, task, prompt, response, thinking, summary, answer, sequence, stopReason } = candidate
  return {
    question,
    language: question.language ?? task.language,
    source,
    prompt,
    response,
    thinking,
    summary,
    answer,
    tokens: sequence.tokens,
    logprobs: sequence.logprobs,
    stopReason,
    correct,
    reason,
    rejected,
    original: null,
  }
}

/** A row of existing data, kept without a check. */
export function givenRow(
  renderer: Renderer,
  task: Task,
  question: Question,
  { source, thinking, summary }: { source: string; thinking: string | null; summary: string },
): DataRow {
  const candidate = writtenCandidate(renderer, task, question, { prompt: '', thinking, summary })
  return toDataRow(candidate, { source, correct: null, rejected: null })
}
