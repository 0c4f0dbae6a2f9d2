import { z } from 'zod'
import { isMixed } from '../../../rewards/language/prose.ts'
import type { RunStore } from '../../../runs/store.ts'
import { RequestError } from '../../problem.ts'
import { hasQuestions, LONGEST, type Sample, samplesWhere } from './sample.ts'

/** Which samples are asked for, and in which order: the parameters of the address. */
export const sampleQuery = z.object({
  step: z.coerce.number().int().optional(),
  from: z.coerce.number().int().optional(),
  to: z.coerce.number().int().optional(),
  /** A split, or the beginning of several: `eval*`. */
  split: z.string().optional(),
  correct: z.enum(['right', 'wrong', 'unknown']).optional(),
  stop: z.string().optional(),
  /** What the response contains; the case of ASCII letters does not count. */
  text: z.string().max(1000).optional(),
  /** The id of a question. */
  question: z.string().optional(),
  /** What the question contains as text; the case of ASCII letters does not count. */
  asked: z.string().max(1000).optional(),
  /** A kind, or the first part of several: `arithmetic` also finds `arithmetic/2`. */
  kind: z.string().optional(),
  minReward: z.coerce.number().optional(),
  maxReward: z.coerce.number().optional(),
  minAdvantage: z.coerce.number().optional(),
  maxAdvantage: z.coerce.number().optional(),
  minLength: z.coerce.number().optional(),
  maxLength: z.coerce.number().optional(),
  /** Does the thinking mix languages? */
  language: z.enum(['mixed', 'single']).optional(),
  sort: z.enum(['step', 'reward', 'length', 'advantage']).default('step'),
  order: z.enum(['asc', 'desc']).default('desc'),
  cursor: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})
export type SampleQuery = z.output<typeof sampleQuery>

export interface SamplePage {
  readonly samples: readonly Sample[]
  /**
   * Where the next page begins; null after the last one. A search in texts takes at most `BUDGET`, so a page may have fewer
   * samples than were asked for, and even none, although there are more.
   */
  readonly next: string | null
  /** How many there are; on the first page alone, and null if that is not known without reading all texts. */
  readonly total: number | null
  /** The last step that was searched, where `next` goes on with the search. */
  readonly searched: number | null
}

/** Milliseconds of a search in texts. */
const BUDGET = 40
/** Rows that are searched at a time. */
const BATCH = 150

const SORTED = { step: 'id', reward: 'total', length: 'length', advantage: 'advantage' } as const

/** A page of samples. @throws RequestError for a cursor that is none. */
export function samplePage(store: RunStore, query: SampleQuery): SamplePage {
  const { sort, order, limit, text, language } = query
  const isIndexed = hasQuestions(store)
  const filter = factsOf(query, isIndexed)
  const isSearch = text !== undefined || language !== undefined || (query.asked !== undefined && !isIndexed)
  const samples: Sample[] = []
  const end = performance.now() + BUDGET
  let place = query.cursor === undefined ? null : readCursor(query.cursor)
  let isMore = true
  while (isMore && samples.length < limit) {
    const size = isSearch ? BATCH : limit - samples.length
    const places = placesAfter(store, filter, { sort, order, place, size: size + 1 })
    isMore = places.length > size
    const batch = places.slice(0, size)
    const found = isSearch ? matching(store, batch, query) : new Map(samplesOf(store, batch))
    let examined: Place | null = null
    for (const one of batch) {
      if (samples.length === limit) {
        isMore = true
        break
      }
      const sample = found.get(one.id)
      if (sample) samples.push(sample)
      examined = one
    }
    place = examined ?? place
    if (isSearch && performance.now() >= end) break
  }
  return {
    samples,
    next: isMore && place !== null ? writeCursor(place) : null,
    total: query.cursor === undefined && !isSearch ? countOf(store, filter) : null,
    searched: isMore && isSearch && place !== null ? stepOf(store, place.id) : null,
  }
}

interface Filter {
  readonly conditions: readonly string[]
  readonly values: readonly (string | number)[]
  /** Can the index of facts answer it? */
  readonly inIndex: boolean
}

/** The conditions that need no text. */
function factsOf(query: SampleQuery, hasQuestions: boolean): Filter {
  const conditions: string[] = []
  const values: (string | number)[] = []
  const add = (condition: string, ...given: (string | number)[]): void => {
    conditions.push(condition)
    values.push(...given)
  }
  const bound = (column: string, sign: '=' | '<=' | '>=', value: string | number | undefined): void => {
    if (value !== undefined) add(`${column} ${sign} ?`, value)
  }
  bound('step', '=', query.step)
  bound('step', '>=', query.from)
  bound('step', '<=', query.to)
  if (query.split?.endsWith('*')) {
    const start = query.split.slice(0, -1)
    add('substr(split, 1, ?) = ?', [...start].length, start)
  } else bound('split', '=', query.split)
  if (query.correct !== undefined)
    add({ right: 'correct = 1', wrong: 'correct = 0', unknown: 'correct IS NULL' }[query.correct])
  bound('stop_reason', '=', query.stop)
  if (query.kind !== undefined)
    add('(kind = ? OR substr(kind, 1, ?) = ?)', query.kind, [...query.kind].length + 1, `${query.kind}/`)
  bound('total', '>=', query.minReward)
  bound('total', '<=', query.maxReward)
  bound('advantage', '>=', query.minAdvantage)
  bound('advantage', '<=', query.maxAdvantage)
  bound('length', '>=', query.minLength)
  bound('length', '<=', query.maxLength)
  bound('question', '=', query.question)
  if (query.asked !== undefined && hasQuestions)
    add(
      `(asked IN (SELECT questions.id FROM questions WHERE questions.text ${LIKE})
        OR (asked IS NULL AND prompt ${LIKE}))`,
      pattern(query.asked),
      pattern(query.asked),
    )
  return { conditions, values, inIndex: query.question === undefined }
}

/** The place of a sample in the order: rows with an unknown value come last, equal ones in the order of their ids. */
interface Place {
  readonly id: number
  readonly value: number | null
}

/** The places that follow one, or the first ones. */
function placesAfter(
  store: RunStore,
  { conditions, values, inIndex }: Filter,
  { sort, order, place, size }: Pick<SampleQuery, 'sort' | 'order'> & { place: Place | null; size: number },
): Place[] {
  const column = SORTED[sort]
  const sign = order === 'asc' ? '>' : '<'
  const all = [...conditions]
  const given = [...values]
  if (place !== null && sort === 'step') {
    all.push(`id ${sign} ?`)
    given.push(place.id)
  } else if (place !== null && place.value === null) {
    all.push(`${column} IS NULL AND id ${sign} ?`)
    given.push(place.id)
  } else if (place !== null) {
    all.push(`(${column} ${sign} ? OR (${column} = ? AND id ${sign} ?) OR ${column} IS NULL)`)
    given.push(place.value!, place.value!, place.id)
  }
  const where = all.length > 0 ? `WHERE ${all.join(' AND ')}` : ''
  const by = sort === 'step' ? `id ${order}` : `${column} IS NULL, ${column} ${order}, id ${order}`
  return store.select<Place>(
    `SELECT id, ${column} AS value FROM rollouts ${indexed(store, { conditions, inIndex }, sort)} ${where}
     ORDER BY ${by} LIMIT ${size}`,
    ...given,
  )
}

/**
 * What is filtered or sorted by is read from an index, not from the rows, which are long. Without any condition, the rows are
 * already in the order of the steps. A run of an earlier release has no such index.
 */
function indexed(
  store: RunStore,
  { conditions, inIndex }: Pick<Filter, 'conditions' | 'inIndex'>,
  sort: SampleQuery['sort'],
): string {
  if (!inIndex || (sort === 'step' && conditions.length === 0)) return ''
  const found = store.select("SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = 'rollouts_facts'")
  return found.length > 0 ? 'INDEXED BY rollouts_facts' : ''
}

function countOf(store: RunStore, filter: Filter): number {
  const where = filter.conditions.length > 0 ? `WHERE ${filter.conditions.join(' AND ')}` : ''
  const [row] = store.select<{ count: number }>(
    `SELECT count(*) AS count FROM rollouts ${indexed(store, filter, 'reward')} ${where}`,
    ...filter.values,
  )
  return row!.count
}

const samplesOf = (store: RunStore, places: readonly Place[], more = '', values: readonly string[] = []) =>
  samplesWhere(store, `WHERE id IN (${places.map(({ id }) => id).join(', ')}) ${more}`, values, LONGEST).map(
    (sample) => [sample.id, sample] as const,
  )

const LIKE = "LIKE ? ESCAPE '\\'"

/** The pattern of texts that contain this one. */
const pattern = (text: string): string => `%${text.replace(/[\\%_]/g, '\\$&')}%`

/** Those of the samples whose texts match. */
function matching(
  store: RunStore,
  places: readonly Place[],
  { text, asked, language }: Pick<SampleQuery, 'text' | 'asked' | 'language'>,
): Map<number, Sample> {
  const searched = { text, prompt: hasQuestions(store) ? undefined : asked }
  const wanted = Object.entries(searched).flatMap(([column, value]) =>
    value === undefined ? [] : [{ column, value }],
  )
  const found = new Map(
    samplesOf(
      store,
      places,
      wanted.map(({ column }) => `AND ${column} ${LIKE}`).join(' '),
      wanted.map(({ value }) => pattern(value)),
    ),
  )
  if (language !== undefined)
    for (const [id, sample] of found)
      if (isMixed(sample.thinking ?? sample.text) !== (language === 'mixed')) found.delete(id)
  return found
}

const stepOf = (store: RunStore, id: number): number | null =>
  store.select<{ step: number }>('SELECT step FROM rollouts WHERE id = ?', id)[0]?.step ?? null

const writeCursor = ({ id, value }: Place): string =>
  Buffer.from(JSON.stringify([id, value])).toString('base64url')

function readCursor(cursor: string): Place {
  try {
    const [id, value] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    if (Number.isInteger(id) && (value === null || typeof value === 'number'))
      return { id: id as number, value }
  } catch {
    // the error below says it
  }
  throw new RequestError('invalid', 'cursor: it is not one that this server gave', { field: 'cursor' })
}
