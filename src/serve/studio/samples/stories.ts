import type { RunStore } from '../../../runs/store.ts'
import { countReflection } from '../../../thinking/r1/reflection.ts'
import { RequestError } from '../../problem.ts'
import { type Series, seriesOf } from '../runs/series.ts'
import { type Sample, samplesWhere } from './sample.ts'
import { type SampleTokens, tokensOf } from './tokens.ts'

/** A sample with the other responses to its question in the same step, itself among them. */
export interface SampleDetail extends Sample, SampleTokens {
  readonly group: readonly Sample[]
  /** The samples before and after this one, in the order of sampling; null at either end. */
  readonly previous: number | null
  readonly next: number | null
}

/** @throws RequestError if the run has no such sample. */
export function sampleDetail(store: RunStore, id: number): SampleDetail {
  const [sample] = samplesWhere(store, 'WHERE id = ?', [id])
  if (!sample)
    throw new RequestError('notFound', `the run has no sample ${id} (a run that is resumed repeats steps)`)
  const { question, split, step } = sample
  const group = samplesWhere(store, 'WHERE question = ? AND split = ? AND step = ? ORDER BY id', [
    question,
    split,
    step,
  ])
  const [around] = store.select<{ previous: number | null; next: number | null }>(
    'SELECT (SELECT max(id) FROM rollouts WHERE id < ?) AS previous, (SELECT min(id) FROM rollouts WHERE id > ?) AS next',
    id,
    id,
  )
  return { ...sample, ...tokensOf(store, id), group, ...around! }
}

/** A question's responses over time. */
export interface QuestionHistory {
  readonly question: string
  readonly gold: string
  /** All of them or, if there are too many, the first ones of steps that are evenly spaced. */
  readonly samples: readonly Sample[]
  readonly total: number
}

/** Samples of a history at most. */
const HISTORY = 300

/** @throws RequestError if the run has no such question. */
export function questionHistory(store: RunStore, question: string): QuestionHistory {
  const ids = store.select<{ id: number; step: number; split: string }>(
    'SELECT id, step, split FROM rollouts WHERE question = ? ORDER BY id',
    question,
  )
  if (ids.length === 0)
    throw new RequestError(
      'notFound',
      `the run never asked the question ${JSON.stringify(question.slice(0, 100))}`,
    )
  const shown = ids.length <= HISTORY ? ids : firstOfSteps(ids)
  const samples = samplesWhere(store, `WHERE id IN (${shown.map(({ id }) => id).join(', ')}) ORDER BY id`, [])
  return { question, gold: samples[0]!.gold, samples, total: ids.length }
}

function firstOfSteps<One extends { readonly step: number; readonly split: string }>(
  all: readonly One[],
): One[] {
  const firsts = all.filter((one, i) => one.step !== all[i - 1]?.step || one.split !== all[i - 1]?.split)
  const stride = Math.ceil(firsts.length / HISTORY)
  return firsts.filter((_, i) => i % stride === 0 || i === firsts.length - 1)
}

/** How a model began to check itself. */
export interface Aha {
  /** The first response on a training question with a reflective word. */
  readonly firstReflection: { readonly step: number; readonly sampleId: number } | null
  /** The first step from which the reflective words per response stay clearly above those of the beginning; null if they never do. */
  readonly rise: { readonly step: number; readonly sampleId: number | null } | null
  /** Reflective words per response, tokens per response, share of right answers. */
  readonly reflection: Series
  readonly length: Series
  readonly accuracy: Series
  /** Of the held-out questions, the one whose answers changed most from before the training to its end. */
  readonly changed: { readonly question: string; readonly before: Sample; readonly after: Sample } | null
}

const REFLECTION = 'reflection/per_response'
const POINTS = 1000
/** Means over so many points are compared. */
const WINDOW = 5
/** For so many means, or half of them all in a short run, a rise must last. */
const STAYS = 10

export function ahaOf(store: RunStore): Aha {
  const series = (name: string): Series => seriesOf(store, name, { points: POINTS })
  const reflection = series(REFLECTION)
  const step = riseIn(reflection)
  return {
    firstReflection: firstReflection(store),
    rise: step === null ? null : { step, sampleId: reflectiveIn(store, step)?.id ?? null },
    reflection,
    length: series('length/mean'),
    accuracy: series('accuracy'),
    changed: mostChanged(store),
  }
}

function firstReflection(store: RunStore): Aha['firstReflection'] {
  const steps = store.select<{ step: number }>(
    'SELECT step FROM metrics WHERE name = ? AND value > 0 ORDER BY step LIMIT 5',
    REFLECTION,
  )
  for (const { step } of steps) {
    const found = reflectiveIn(store, step)
    if (found) return { step, sampleId: found.id }
  }
  return null
}

/** Of the training responses of a step with a reflective word, a right one if there is one, with the most such words; or null. */
function reflectiveIn(store: RunStore, step: number): { readonly id: number } | null {
  const [best = null] = store
    .select<{ id: number; text: string; correct: number | null }>(
      "SELECT id, text, correct FROM rollouts WHERE split = 'train' AND step = ? ORDER BY id",
      step,
    )
    .map(({ text, ...row }) => ({ ...row, words: countReflection(text) }))
    .filter(({ words }) => words > 0)
    .sort((a, b) => (b.correct ?? 0) - (a.correct ?? 0) || b.words - a.words)
  return best
}

/**
 * Where a series leaves its beginning: the first step from which the next `STAYS` means over `WINDOW` points are above the first
 * one by a quarter of the greatest rise. Null for a series that never rises by more than half.
 */
export function riseIn({ step, value }: Pick<Series, 'step' | 'value'>): number | null {
  const means = value
    .slice(0, Math.max(0, value.length - WINDOW + 1))
    .map((_, i) => value.slice(i, i + WINDOW).reduce<number>((sum, v) => sum + (v ?? 0), 0) / WINDOW)
  const [first] = means
  if (first === undefined) return null
  const greatest = means.reduce((a, b) => Math.max(a, b))
  if (greatest <= 1.5 * first) return null
  const threshold = first + (greatest - first) / 4
  const stays = Math.min(STAYS, Math.ceil(means.length / 2))
  const risen = means.findIndex(
    (_, i) => i + stays <= means.length && means.slice(i, i + stays).every((mean) => mean >= threshold),
  )
  return risen < 0 ? null : step[risen]!
}

function mostChanged(store: RunStore): Aha['changed'] {
  const last = store.splits().findLast((split) => split.startsWith('eval-') && split !== 'eval-before')
  if (last === undefined) return null
  const shares = (split: string): Map<string, number> =>
    new Map(
      store
        .select<{ question: string; share: number }>(
          'SELECT question, avg(correct) AS share FROM rollouts WHERE split = ? AND correct IS NOT NULL GROUP BY question',
          split,
        )
        .map(({ question, share }) => [question, share]),
    )
  const before = shares('eval-before')
  const risen = [...shares(last)]
    .map(([question, share]) => ({ question, rise: share - (before.get(question) ?? Number.NaN) }))
    .filter(({ rise }) => rise > 0)
    .sort((a, b) => b.rise - a.rise)
    .slice(0, CANDIDATES)
  const pairs = risen.flatMap(({ question, rise }) => {
    const of = (split: string, correct: number): Sample | undefined =>
      samplesWhere(store, 'WHERE question = ? AND split = ? AND correct = ? ORDER BY id LIMIT 1', [
        question,
        split,
        correct,
      ])[0]
    const [wrong, right] = [of('eval-before', 0), of(last, 1)]
    return wrong && right ? [{ question, rise, before: wrong, after: right }] : []
  })
  // of equal rises, the one that reflects most
  const [best] = pairs.sort(
    (a, b) => b.rise - a.rise || countReflection(b.after.text) - countReflection(a.after.text),
  )
  return best ? { question: best.question, before: best.before, after: best.after } : null
}

/** Questions whose answers are compared. */
const CANDIDATES = 20
