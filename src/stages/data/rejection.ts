import { Random } from '../../common/random.ts'
import type { Generator } from '../../providers/generator.ts'
import { judgeAnswer } from '../../rewards/judge.ts'
import type { Question, Task } from '../../tasks/task.ts'
import type { Sample } from './candidates.ts'
import { type ReadableLimits, unreadable } from './readable.ts'
import { type Candidate, countRejections, type DataRow, isKept, type Rejection, toDataRow } from './rows.ts'

/** What decides which candidates are kept. */
export interface Sieve {
  readonly limits: ReadableLimits
  /** Compares an answer with the gold where the task cannot tell; without it, such answers are not kept. */
  readonly judge: Generator | null
  /** Most rows a question. */
  readonly perQuestion: number
}

export interface RejectionSampling extends Sieve {
  /** Who answers, and how often. */
  readonly sample: Sample
  readonly task: Task
  readonly questions: readonly Question[]
  /** Names the random stream. */
  readonly stream: readonly (number | string)[]
  /** What the rows are said to come from. */
  readonly source: string
}

export interface Sifted {
  /** All rows, those that were rejected included. */
  readonly rows: readonly DataRow[]
  readonly kept: readonly DataRow[]
  readonly rejected: Partial<Record<Rejection, number>>
  readonly sampled: number
}

/** Keeps of several responses a question those that are right and readable (DeepSeek-R1, Nature 645, step 3). */
export async function rejectionSample(job: RejectionSampling): Promise<Sifted> {
  const candidates = await job.sample(job.task, job.questions, job.stream)
  const rows = capped(await sift(candidates, job), job.perQuestion)
  return { rows, kept: rows.filter(isKept), rejected: countRejections(rows), sampled: rows.length }
}

/** One row a candidate: readable and right, or rejected with the reason. */
export async function sift(
  candidates: readonly Candidate[],
  {
    limits,
    judge,
    source,
    stream,
  }: Pick<Sieve, 'limits' | 'judge'> & {
    readonly source: string
    readonly stream: readonly (number | string)[]
  },
): Promise<DataRow[]> {
  const seed = new Random(...stream, 'judge').bits()
  // What is said twice is checked once.
  const verdicts = new Map<string, Promise<boolean | null>>()
  const check = (candidate: Candidate): Promise<boolean | null> => {
    const key = JSON.stringify([candidate.question.id, candidate.answer])
    const known = verdicts.get(key) ?? isCorrect(candidate, judge, seed)
    verdicts.set(key, known)
    return known
  }
  return Promise.all(
    candidates.map(async (candidate) => {
      const form = unreadable(candidate, limits)
      if (form) return toDataRow(candidate, { source, correct: null, rejected: form })
      const correct = await check(candidate)
      return toDataRow(candidate, {
        source,
        correct,
        rejected: correct ? null : correct === null ? 'unknown' : 'wrong',
      })
    }),
  )
}

/** By rule or, where no rule can tell, by a judge that compares the answer with the gold. */
async function isCorrect(
  { question, answer, verdict }: Candidate,
  judge: Generator | null,
  seed: number,
): Promise<boolean | null> {
  const { correct } = await verdict()
  if (correct !== null || judge === null || answer === null) return correct
  const asked = { question: question.prompt, truth: question.gold, answer }
  return (await judgeAnswer(judge, asked, { seed })).correct
}

/** Keeps distinct responses (as they were sampled), and so many a question; the first ones. */
export function capped(rows: readonly DataRow[], perQuestion: number): DataRow[] {
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
