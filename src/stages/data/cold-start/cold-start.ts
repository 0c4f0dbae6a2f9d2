import { UserError } from '../../../common/errors.ts'
import { Random } from '../../../common/random.ts'
import type { Generator } from '../../../providers/generator.ts'
import type { ChatMessage } from '../../../renderer/messages.ts'
import type { Renderer } from '../../../renderer/renderer.ts'
import type { Solved, Task } from '../../../tasks/task.ts'
import { fromGenerator, fromSampler, type Sample } from '../candidates.ts'
import { checkCandidates, type KeepCriteria, limitPerQuestion } from '../rejection.ts'
import { type DataRow, isKept, toDataRow, writtenCandidate } from '../rows.ts'
import { rewrite } from './rewrite.ts'

/** A source of long chains. */
export interface ColdStartSource {
  readonly name: string
  /** Share of the rows, relative to the shares of the other sources. */
  readonly share: number
  readonly sample: Sample
  /**
   * What a model does to its rows: `rewrite` the chain, which must then be in one language, and add a summary; add a
   * `summary` alone; or `nothing`.
   */
  readonly edited: 'rewrite' | 'summary' | 'nothing'
}

interface Prompting {
  readonly share: number
  readonly generator: Generator
  readonly renderer: Renderer
  /** Replies per question. */
  readonly samples: number
}

const FORM =
  'Reason between <think> and </think>, in the language of the question. Then give a summary of one or two sentences ' +
  'with the final answer in \\boxed{}.'

/** (a) A model is prompted with examples of long chains. */
export function fewShot({
  examples,
  ...prompting
}: Prompting & {
  /** Responses in R1's format: thinking, then a summary. */
  readonly examples: readonly { readonly question: string; readonly response: string }[]
}): ColdStartSource {
  const shown = examples.flatMap(({ question, response }) => [
    { role: 'user', content: question },
    { role: 'assistant', content: response },
  ])
  return prompted('few-shot', prompting, (question) => [
    { role: 'system', content: `Answer in the manner of the answers before. ${FORM}` },
    ...shown,
    { role: 'user', content: question },
  ])
}

/** (b) A model is prompted for a detailed answer with reflection and verification. */
export const direct = (prompting: Prompting): ColdStartSource =>
  prompted('direct', prompting, (question) => [
    {
      role: 'system',
      content:
        'Answer in detail, step by step. Reflect as you go: verify each result, say so where you find a mistake, ' +
        `and mend it before you go on. ${FORM}`,
    },
    { role: 'user', content: question },
  ])

function prompted(
  name: string,
  { share, ...prompting }: Prompting,
  messages: (question: string) => readonly ChatMessage[],
): ColdStartSource {
  return { name, share, sample: fromGenerator({ ...prompting, messages }), edited: 'summary' }
}

/** (c) R1-Zero's own outputs. */
export const ownOutputs = ({
  share,
  ...sampling
}: { readonly share: number } & Parameters<typeof fromSampler>[0]): ColdStartSource => ({
  name: 'r1-zero',
  share,
  sample: fromSampler(sampling),
  edited: 'rewrite',
})

/**
 * Solutions that come with the task's questions: the solution is the chain, and the summary says its result. Questions
 * without a solution are passed over.
 *
 * @throws UserError if the task has no solutions.
 */
export function ownSolutions({
  share,
  task,
  renderer,
  seed,
}: {
  readonly share: number
  readonly task: Task
  readonly renderer: Renderer
  readonly seed: number
}): ColdStartSource {
  const found = solutionsOf(task, seed)
  return {
    name: 'solutions',
    share,
    edited: 'nothing',
    sample: async (_, questions) =>
      questions.flatMap((question) => {
        const solved = found.get(question.id)
        if (!solved) return []
        const { thinking, answer } = solved
        const summary = `The answer is \\boxed{${answer}}.`
        return [writtenCandidate(renderer, task, question, { prompt: '', thinking, summary })]
      }),
  }
}

/**
 * The training questions of a task that have a solution, by their ids.
 *
 * @throws UserError if there is none.
 */
export function solutionsOf(task: Task, seed: number): Map<string, Solved> {
  const solved = (task.solved?.({ side: 'training', seed }) ?? []).filter(({ thinking }) => thinking !== null)
  if (solved.length === 0)
    throw new UserError(
      `the questions of ${task.name} have no written solutions for the cold start: set coldStart.solutions=0, or use a task with solutions`,
      2,
    )
  return new Map(solved.map((one) => [one.question.id, one]))
}

export interface ColdStart extends KeepCriteria {
  readonly task: Task
  readonly renderer: Renderer
  readonly sources: readonly ColdStartSource[]
  /** Number of rows to collect from all sources together. */
  readonly rows: number
  /** Questions per round. Each source is sampled in rounds until it has its share. */
  readonly batch: number
  /** Maximum rounds per source. */
  readonly rounds: number
  /** Adds summaries to the kept rows, and rewrites R1-Zero's chains. */
  readonly rewriter: Generator
  /** Maximum rewriting attempts per row. */
  readonly attempts: number
  readonly seed: number
}

/** The result of a source. */
interface SourceResult {
  readonly source: string
  /** Number of rows that it should contribute. */
  readonly wanted: number
  readonly kept: number
  readonly sampled: number
  readonly rounds: number
}

/**
 * The data of the cold start (DeepSeek-R1, Nature 645, step 1): chains from several sources, of which the right and
 * readable ones are kept. R1-Zero's chains are then rewritten, and all rows get a summary. `rows` includes the rejected
 * rows.
 *
 * @throws UserError if no source has a share, or a generator cannot be reached.
 */
export async function coldStart(
  job: ColdStart,
): Promise<{ readonly rows: DataRow[]; readonly sources: SourceResult[] }> {
  const shares = job.sources.reduce((sum, { share }) => sum + share, 0)
  if (!(shares > 0)) throw new UserError('the cold start has no source with a share above 0', 2)
  const rows: DataRow[] = []
  const sources: SourceResult[] = []
  for (const source of job.sources) {
    const wanted = Math.round((job.rows * source.share) / shares)
    let collected: DataRow[] = []
    let kept = 0
    let rounds = 0
    while (kept < wanted && rounds < job.rounds) {
      collected = await sampleRound(job, source, {
        round: rounds++,
        before: collected,
        missing: wanted - kept,
      })
      kept = collected.filter(isKept).length
    }
    rows.push(...collected)
    sources.push({ source: source.name, wanted, kept, sampled: collected.length, rounds })
  }
  return { rows, sources }
}

interface Round {
  readonly round: number
  /** The source's rows of earlier rounds. */
  readonly before: readonly DataRow[]
  /** Rows still needed. */
  readonly missing: number
}

/** Samples another round from a source. Resolves to the source's rows of all rounds. */
async function sampleRound(
  job: ColdStart,
  source: ColdStartSource,
  { round, before, missing }: Round,
): Promise<DataRow[]> {
  const stream = [job.seed, 'cold start', source.name, round]
  const seed = new Random(job.seed, 'cold start', source.name).bits()
  const questions = job.task.training({ seed, step: round, count: job.batch })
  const candidates = await source.sample(job.task, questions, stream)
  const limits = source.edited === 'rewrite' ? job.limits : { ...job.limits, minLanguage: 0 }
  const checked = await checkCandidates(
    // An answer without a chain is of no use.
    candidates.map((c) => (c.thinking === null ? { ...c, wellFormed: false } : c)),
    { ...job, limits, source: source.name, stream },
  )
  const fresh = limitPerQuestion([...before, ...checked], job.perQuestion).slice(before.length)
  const chosen = fresh.filter(isKept).slice(0, missing)
  const finished = await edit(chosen, source, { ...job, stream })
  const finishedOf = new Map(chosen.map((row, i) => [row, finished[i]!]))
  return [
    ...before,
    ...fresh.map(
      (row) => finishedOf.get(row) ?? (isKept(row) ? { ...row, rejected: 'beyond the share' as const } : row),
    ),
  ]
}

/** What a model makes of a source's rows. */
async function edit(
  rows: readonly DataRow[],
  { edited }: ColdStartSource,
  job: ColdStart & { readonly stream: readonly (number | string)[] },
): Promise<readonly DataRow[]> {
  if (edited === 'nothing') return rows
  const rewritten = await rewrite(rows, job)
  if (edited === 'rewrite') return rewritten
  return rewritten.map((row, i) => (isKept(row) ? withSummary(rows[i]!, row.summary!, job) : row))
}

/** The row with a new summary and the same chain. */
function withSummary(row: DataRow, summary: string, { renderer, task }: ColdStart): DataRow {
  const { question, prompt, thinking, source, correct, reason } = row
  const candidate = writtenCandidate(renderer, task, question, { prompt, thinking, summary })
  return { ...toDataRow(candidate, { source, correct, reason, rejected: null }), original: row }
}
