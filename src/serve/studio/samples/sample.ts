import { isRecord } from '../../../common/json.ts'
import type { RunStore } from '../../../runs/store.ts'

/** One response, with its rewards. */
export interface Sample {
  readonly id: number
  readonly step: number
  readonly split: string
  /** The question's id, which is the same in every step. */
  readonly question: string
  /** The question as text; null if the run does not have it. */
  readonly asked: string | null
  readonly kind: string
  readonly gold: string
  readonly prompt: string
  readonly thinking: string | null
  readonly answer: string | null
  readonly text: string
  /** Were long texts cut? Then the sample's own page has them whole. */
  readonly cut: boolean
  readonly rewards: readonly SampleReward[]
  readonly total: number | null
  readonly advantage: number | null
  readonly correct: boolean | null
  /** Why the check found the answer right or wrong, or could not tell; null if it is unknown. */
  readonly reason: string | null
  readonly stopReason: string
  /** In tokens. */
  readonly length: number
}

export interface SampleReward {
  readonly name: string
  /** null if it is unknown or failed. */
  readonly value: number | null
  /** Its weight in the total, where the settings give it. */
  readonly weight?: number
  /** Why it has this value, in a short sentence; null if that is unknown. */
  readonly reason: string | null
}

interface Row extends Omit<Sample, 'rewards' | 'reason' | 'correct' | 'stopReason' | 'cut'> {
  readonly rewards: string
  readonly reason: string | null
  /** JSON. */
  readonly reasons: string | null
  readonly correct: number | null
  readonly stop_reason: string
  /** Characters of the response. */
  readonly characters: number
}

/** Characters of each text of a sample in a list. */
export const LONGEST = 4000

/** Columns of a sample, its texts cut after `longest` characters. */
const columns = (longest: number | null, isWhole: boolean): string => {
  const text = (name: string): string =>
    longest === null ? name : `substr(${name}, 1, ${longest}) AS ${name}`
  return `id, step, split, question, kind, gold, ${['prompt', 'text', 'thinking', 'answer'].map(text).join(', ')},
    length(text) AS characters, rewards, correct, total, advantage, stop_reason, length,
    ${isWhole ? `reason, reasons, ${ASKED} AS asked` : 'NULL AS reason, NULL AS reasons, NULL AS asked'}`
}

/**
 * The samples that a condition finds. `longest`: see `LONGEST`; null: whole texts.
 *
 * @param condition SQL after FROM rollouts
 */
export function samplesWhere(
  store: RunStore,
  condition: string,
  values: readonly (string | number)[],
  longest: number | null = null,
): Sample[] {
  const weights = weightsOf(store)
  return store
    .select<Row>(`SELECT ${columns(longest, hasQuestions(store))} FROM rollouts ${condition}`, ...values)
    .map(({ rewards, reasons, correct, stop_reason, characters, ...row }) => ({
      ...row,
      cut: longest !== null && characters > longest,
      rewards: rewardsOf(rewards, reasons, weights),
      correct: correct === null ? null : correct === 1,
      stopReason: stop_reason,
    }))
}

/** Do the rollouts of a run have a column? Those of earlier releases lack some. */
export const hasColumn = (store: RunStore, name: string): boolean =>
  store.select("SELECT 1 FROM pragma_table_info('rollouts') WHERE name = ?", name).length > 0

/** Does a run have the texts of its questions, and the reasons of its rewards? */
export const hasQuestions = (store: RunStore): boolean => hasColumn(store, 'asked')

const ASKED = '(SELECT questions.text FROM questions WHERE questions.id = rollouts.asked)'

function rewardsOf(
  values: string,
  reasons: string | null,
  weights: ReadonlyMap<string, number>,
): SampleReward[] {
  const known = JSON.parse(reasons ?? '{}') as Record<string, string>
  return Object.entries(JSON.parse(values) as Record<string, number | null>).map(([name, value]) => {
    const weight = weights.get(name)
    return { name, value, ...(weight === undefined ? {} : { weight }), reason: known[name] ?? null }
  })
}

/** The weights of the rewards that the settings name. */
function weightsOf(store: RunStore): Map<string, number> {
  const [row] = store.select<{ settings: string }>('SELECT settings FROM run')
  const settings: unknown = JSON.parse(row?.settings ?? 'null')
  const rewards = isRecord(settings) && isRecord(settings.rewards) ? settings.rewards : {}
  return new Map(
    Object.entries(rewards).flatMap(([name, reward]) => {
      const weight: unknown = isRecord(reward) ? reward.weight : reward
      return typeof weight === 'number' ? [[name, weight] as const] : []
    }),
  )
}
