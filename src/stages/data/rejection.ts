import { ifTooLong } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import type { Generator } from '../../providers/generator.ts'
import { judgeAnswer } from '../../rewards/judge.ts'
import { type Verdict, wholeQuestion } from '../../rewards/question.ts'
import type { Question, Task } from '../../tasks/task.ts'
import type { Sample } from './candidates.ts'
import { type ReadableLimits, unreadable } from './readable.ts'
import { type Candidate, countRejections, type DataRow, isKept, type Rejection, toDataRow } from './rows.ts'

/** Which candidates are kept. */
export interface KeepCriteria {
  readonly limits: ReadableLimits
  /** Compares an answer with the gold answer if the task has no rule; null: such answers are not kept. */
  readonly judge: Generator | null
  /** Maximum rows per question. */
  readonly perQuestion: number
}

export interface RejectionSampling extends KeepCriteria {
  readonly sample: Sample
  readonly task: Task
  readonly questions: readonly Question[]
  /** Name of the random stream. */
  readonly stream: readonly (number | string)[]
  /** Source of the rows. */
  readonly source: string
}

export interface RejectionSampled {
  /** All rows, the rejected ones included. */
  readonly rows: readonly DataRow[]
  readonly kept: readonly DataRow[]
  readonly rejected: Partial<Record<Rejection, number>>
  readonly sampled: number
}

/** Samples several responses per question and keeps the right and readable ones (DeepSeek-R1, Nature 645, step 3). */
export async function rejectionSample(job: RejectionSampling): Promise<RejectionSampled> {
  const candidates = await job.sample(job.task, job.questions, job.stream)
  const rows = limitPerQuestion(await checkCandidates(candidates, job), job.perQuestion)
  return { rows, kept: rows.filter(isKept), rejected: countRejections(rows), sampled: rows.length }
}

/** Turns each candidate into a row, kept if it is readable and right, otherwise rejected with a reason. */
export async function checkCandidates(
  candidates: readonly Candidate[],
  {
    limits,
    judge,
    source,
    stream,
  }: Pick<KeepCriteria, 'limits' | 'judge'> & {
    readonly source: string
    readonly stream: readonly (number | string)[]
  },
): Promise<DataRow[]> {
  const seed = new Random(...stream, 'judge').bits()
  // Equal answers to a question are checked once.
  const verdicts = new Map<string, Promise<Verdict>>()
  const check = (candidate: Candidate): Promise<Verdict> => {
    const key = JSON.stringify([candidate.question.id, candidate.answer])
    const known = verdicts.get(key) ?? verdictOn(candidate, judge, seed)
    verdicts.set(key, known)
    return known
  }
  return Promise.all(
    candidates.map(async (candidate) => {
      const fault = unreadable(candidate, limits)
      if (fault) return toDataRow(candidate, { source, correct: null, rejected: fault })
      const { correct, reason } = await check(candidate)
      return toDataRow(candidate, {
        source,
        correct,
        reason,
        rejected: correct ? null : correct === null ? 'unknown' : 'wrong',
      })
    }),
  )
}

/** Checks an answer by a rule or, if no rule can, by a judge that compares it with the gold answer. */
async function verdictOn(
  { question, answer, verdict }: Candidate,
  judge: Generator | null,
  seed: number,
): Promise<Verdict> {
  const checked = await verdict()
  if (checked.correct !== null || judge === null || answer === null) return checked
  const attempt = { question: wholeQuestion(question), truth: question.gold, answer }
  return judgeAnswer(judge, attempt, { seed }).catch(
    ifTooLong({ correct: null, reason: 'the answer is too long for the judge' }),
  )
}

/** Rejects repeated responses (compared as sampled) and all but the first `perQuestion` rows of each question. */
export function limitPerQuestion(rows: readonly DataRow[], perQuestion: number): DataRow[] {
  const kept = new Map<string, Set<string>>()
  return rows.map((row) => {
    if (row.rejected) return row
    const responses = kept.get(row.question.id) ?? new Set()
    kept.set(row.question.id, responses)
    const { response } = row.original ?? row
    if (responses.has(response)) return { ...row, rejected: 'repeated' }
    if (responses.size >= perQuestion) return { ...row, rejected: 'beyond the cap' }
    responses.add(response)
    return row
  })
}
