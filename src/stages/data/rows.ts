import type { SampledSequence } from '../../engines/contract.ts'
import type { Language } from '../../rewards/language.ts'
import type { Rollout } from '../../rewards/reward.ts'
import type { Question, Task } from '../../tasks/task.ts'
import { boxed } from '../../verify/boxes.ts'
import type { TextCodec } from '../sample/rollouts.ts'
import type { Unreadable } from './readable.ts'

/** A response that may become training data, whoever wrote it. */
export interface Candidate extends Rollout {
  readonly wellFormed: boolean
  readonly sequence: Pick<SampledSequence, 'tokens' | 'logprobs'>
}

/** Why a row is not trained on. */
export type Rejection =
  | Unreadable
  | 'wrong'
  /** Nobody can tell whether it is right. */
  | 'unknown'
  /** The same response to the same question is kept already. */
  | 'repeated'
  /** Its question has as many rows as one may have. */
  | 'beyond the cap'
  /** Its source has as many rows as it should. */
  | 'beyond the share'
  /** No rewriting of it kept to the form. */
  | 'rewriting ill-formed'
  | 'rewriting changed the answer'
  | 'rewriting unreadable'

/** A row of training data, or one that was rejected. */
export interface DataRow {
  readonly question: Question
  readonly language: Language
  /** Where it comes from, e.g. "few-shot". */
  readonly source: string
  /** What the model read; empty where no model wrote it. */
  readonly prompt: string
  readonly response: string
  /** `null`: answered without a chain. */
  readonly thinking: string | null
  readonly summary: string | null
  readonly answer: string | null
  readonly tokens: Int32Array
  /** NaN where they are not known. */
  readonly logprobs: Float32Array
  readonly stopReason: 'stop' | 'length'
  readonly correct: boolean | null
  readonly rejected: Rejection | null
  /** What it was before it was rewritten. */
  readonly original: DataRow | null
}

export const isKept = ({ rejected }: DataRow): boolean => rejected === null

/** How many rows were rejected, by reason; the most frequent first. */
export function countRejections(rows: readonly DataRow[]): Partial<Record<Rejection, number>> {
  const counts = new Map<Rejection, number>()
  for (const { rejected } of rows) if (rejected) counts.set(rejected, (counts.get(rejected) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)))
}

/** R1's form: thinking, where there is any, then the summary. */
export const responseOf = (thinking: string | null, summary: string): string =>
  thinking === null ? summary : `<think>\n${thinking}\n</think>\n${summary}`

/** A response that did not come as tokens of a model here. */
export function writtenCandidate(
  codec: TextCodec,
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
  const tokens = codec.encode(response)
  const answer = summary === '' ? null : (boxed(summary) ?? summary)
  let verdict: ReturnType<Rollout['verdict']> | undefined
  return {
    question,
    task,
    prompt,
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

export function toDataRow(
  candidate: Candidate,
  {
    source,
    correct,
    rejected,
  }: { readonly source: string; readonly correct: boolean | null; readonly rejected: Rejection | null },
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
    rejected,
    original: null,
  }
}

/** A row of data that is there already: kept as it is. */
export function givenRow(
  codec: TextCodec,
  task: Task,
  question: Question,
  { source, thinking, summary }: { source: string; thinking: string | null; summary: string },
): DataRow {
  const candidate = writtenCandidate(codec, task, question, { prompt: '', thinking, summary })
  return toDataRow(candidate, { source, correct: null, rejected: null })
}
