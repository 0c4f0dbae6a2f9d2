import { UserError } from '../../common/errors.ts'
import { Random } from '../../common/random.ts'
import type { ChatMessage } from '../../models/tokenizer.ts'
import type { Generator } from '../../providers/generator.ts'
import type { Task } from '../../tasks/task.ts'
import type { TextCodec } from '../sample/rollouts.ts'
import { fromGenerator, fromSampler, type Sample } from './candidates.ts'
import { capped, type Sieve, sift } from './rejection.ts'
import { rewrite } from './rewrite.ts'
import { type DataRow, isKept, toDataRow, writtenCandidate } from './rows.ts'

/** One of the places that long chains come from. */
export interface ColdStartSource {
  readonly name: string
  /** Of all rows, in proportion to the other sources' shares. */
  readonly share: number
  readonly sample: Sample
  /** Whether its chains must be in one language, and are rewritten; all are summed up. */
  readonly refined: boolean
}

interface Prompting {
  readonly share: number
  readonly generator: Generator
  readonly codec: TextCodec
  /** Replies a question. */
  readonly samples: number
}

const FORM =
  'Reason between <think> and </think>, in the language of the question. Then give a summary of one or two sentences ' +
  'with the final answer in \\boxed{}.'

/** (a) A model is shown long chains, and answers as they do. */
export function fewShot({
  examples,
  ...prompting
}: Prompting & {
  /** Responses in R1's form: thinking, then a summary. */
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

/** (b) A model is asked for a detailed answer with reflection and verification. */
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
  return { name, share, sample: fromGenerator({ ...prompting, messages }), refined: false }
}

/** (c) What R1-Zero itself answers. */
export const ownOutputs = ({
  share,
  ...sampling
}: { readonly share: number } & Omit<Parameters<typeof fromSampler>[0], 'template'>): ColdStartSource => ({
  name: 'r1-zero',
  share,
  sample: fromSampler({ ...sampling, template: 'r1-zero' }),
  refined: true,
})

export interface ColdStart extends Sieve {
  readonly task: Task
  readonly codec: TextCodec
  readonly sources: readonly ColdStartSource[]
  /** Rows wanted from all sources together. */
  readonly rows: number
  /** Questions a round; a source is asked round after round until it has its share. */
  readonly batch: number
  /** Most rounds a source. */
  readonly rounds: number
  /** Sums up what is kept, and rewrites R1-Zero's chains. */
  readonly rewriter: Generator
  /** How often one rewriting is asked for. */
  readonly attempts: number
  readonly seed: number
  readonly onRound?: ((progress: SourceProgress) => void) | undefined
}

export interface SourceProgress {
  readonly source: string
  readonly wanted: number
  readonly kept: number
  readonly sampled: number
  readonly rounds: number
}

/**
 * The data of the cold start (DeepSeek-R1, Nature 645, step 1): chains from several sources, kept where right and
 * readable; R1-Zero's are then rewritten, and all are summed up. Rows that were rejected are among the rows.
 */
export async function coldStart(job: ColdStart): Promise<{ rows: DataRow[]; sources: SourceProgress[] }> {
  const shares = job.sources.reduce((sum, { share }) => sum + share, 0)
  if (!(shares > 0)) throw new UserError('the cold start has no source with a share above 0', 2)
  const rows: DataRow[] = []
  const sources: SourceProgress[] = []
  for (const source of job.sources) {
    const wanted = Math.round((job.rows * source.share) / shares)
    let own: DataRow[] = []
    let round = 0
    const progress = (): SourceProgress => ({
      source: source.name,
      wanted,
      kept: own.filter(isKept).length,
      sampled: own.length,
      rounds: round,
    })
    while (progress().kept < wanted && round < job.rounds) {
      own = await another(job, source, round++, own, wanted - progress().kept)
      job.onRound?.(progress())
    }
    rows.push(...own)
    sources.push(progress())
  }
  return { rows, sources }
}

/** One more round of a source, of which so many rows are missing. */
async function another(
  job: ColdStart,
  source: ColdStartSource,
  round: number,
  before: readonly DataRow[],
  missing: number,
): Promise<DataRow[]> {
  const stream = [job.seed, 'cold start', source.name, round]
  const seed = new Random(job.seed, 'cold start', source.name).bits()
  const questions = job.task.training({ seed, step: round, count: job.batch })
  const candidates = await source.sample(job.task, questions, stream)
  const limits = source.refined ? job.limits : { ...job.limits, minLanguage: 0 }
  const sifted = await sift(
    // There is nothing to learn from an answer without a chain.
    candidates.map((c) => (c.thinking === null ? { ...c, wellFormed: false } : c)),
    { ...job, limits, source: source.name, stream },
  )
  const fresh = capped([...before, ...sifted], job.perQuestion).slice(before.length)
  const chosen = fresh.filter(isKept).slice(0, missing)
  const refined = await rewrite(chosen, { ...job, stream })
  const rewritten = source.refined
    ? refined
    : refined.map((row, i) => (isKept(row) ? withSummary(chosen[i]!, row.summary!, job) : row))
  const result = new Map(chosen.map((row, i) => [row, rewritten[i]!]))
  return [
    ...before,
    ...fresh.map(
      (row) => result.get(row) ?? (isKept(row) ? { ...row, rejected: 'beyond the share' as const } : row),
    ),
  ]
}

/** The chain as it is, with another summary. */
function withSummary(row: DataRow, summary: string, { codec, task }: ColdStart): DataRow {
  const { question, prompt, thinking, source, correct } = row
  const candidate = writtenCandidate(codec, task, question, { prompt, thinking, summary })
  return { ...toDataRow(candidate, { source, correct, rejected: null }), original: row }
}
