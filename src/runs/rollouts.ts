import type { SqliteDatabase } from '../common/sqlite.ts'
import type { RolloutRow } from './rows.ts'

/** Reads the rows that a query finds. */
export type Select = <Row>(sql: string, ...values: readonly (string | number)[]) => Row[]

/** Which rollouts are asked for; newest first, at most `limit`. */
export interface RolloutFilter {
  readonly split?: string
  readonly step?: number
  readonly question?: string
  readonly limit?: number
}

/** The rollouts that match a filter, newest first. */
export function findRollouts(select: Select, filter: RolloutFilter): RolloutRow[] {
  const where: string[] = []
  const values: (string | number)[] = []
  for (const column of ['split', 'step', 'question'] as const) {
    if (filter[column] === undefined) continue
    where.push(`${column} = ?`)
    values.push(filter[column])
  }
  const condition = where.length ? `WHERE ${where.join(' AND ')}` : ''
  const limit = filter.limit === undefined ? '' : `LIMIT ${Math.trunc(filter.limit)}`
  const rows = select<Record<string, unknown>>(
    `SELECT * FROM rollouts ${condition} ORDER BY id DESC ${limit}`,
    ...values,
  )
  const questions = questionsOf(select, rows)
  return rows.map((row) => fromRow(row, questions.get(row.asked as number)))
}

/** The texts of the questions of some rollouts, by the ids that these have. */
function questionsOf(select: Select, rows: readonly Record<string, unknown>[]): Map<number, string> {
  const ids = new Set(rows.map(({ asked }) => asked).filter((id) => typeof id === 'number'))
  if (ids.size === 0) return new Map()
  const found = select<{ id: number; text: string }>(
    `SELECT id, text FROM questions WHERE id IN (${[...ids].join(', ')})`,
  )
  return new Map(found.map(({ id, text }) => [id, text]))
}

/** The share of right responses to each question at each step of a split: see `RunStore.shares`. */
export const findShares = (
  select: Select,
  split: string,
): { step: number; question: string; share: number }[] =>
  select(
    `SELECT step, question, avg(correct) AS share FROM rollouts
     WHERE split = ? AND correct IS NOT NULL GROUP BY step, question ORDER BY min(id)`,
    split,
  )

/** Makes the function that inserts a rollout of a step. */
export function rolloutWriter(
  database: SqliteDatabase,
): (step: number, row: Omit<RolloutRow, 'step'>) => void {
  const question = database.prepare('INSERT OR IGNORE INTO questions (text) VALUES (?)')
  const rollout = database.prepare(
    `INSERT INTO rollouts (step, split, question, kind, gold, prompt, tokens, text, thinking, answer, logprobs,
     rewards, correct, total, advantage, stop_reason, length, reason, reasons, entropies, asked)
     VALUES (${Array(20).fill('?').join(', ')}, (SELECT id FROM questions WHERE text = ?))`,
  )
  return (step, row) => {
    if (row.asked !== undefined) question.run(row.asked)
    rollout.run(...toParameters(step, row))
  }
}

/** The values of a row of the `rollouts` table, without its id. */
function toParameters(step: number, row: Omit<RolloutRow, 'step'>): (string | number | Buffer | null)[] {
  return [
    step,
    row.split,
    row.question,
    row.kind,
    row.gold,
    row.prompt,
    bytes(row.tokens),
    row.text,
    row.thinking,
    row.answer,
    bytes(row.logprobs),
    JSON.stringify(row.rewards),
    row.correct === null ? null : Number(row.correct),
    row.total,
    row.advantage,
    row.stopReason,
    row.length,
    row.reason ?? null,
    row.reasons === undefined ? null : JSON.stringify(row.reasons),
    row.entropies === undefined ? null : bytes(quantised(row.entropies)),
    row.asked ?? null,
  ]
}

/** The inverse of `toParameters`, from a row as the driver returns it and the text of its question. */
function fromRow(row: Record<string, unknown>, asked: string | undefined): RolloutRow {
  return {
    step: row.step as number,
    split: row.split as string,
    question: row.question as string,
    kind: row.kind as string,
    gold: row.gold as string,
    prompt: row.prompt as string,
    tokens: new Int32Array(arrayBuffer(row.tokens)),
    text: row.text as string,
    thinking: row.thinking as string | null,
    answer: row.answer as string | null,
    logprobs: new Float32Array(arrayBuffer(row.logprobs)),
    rewards: JSON.parse(row.rewards as string),
    correct: row.correct === null ? null : row.correct === 1,
    total: row.total as number | null,
    advantage: row.advantage as number | null,
    stopReason: row.stop_reason as 'stop' | 'length',
    length: row.length as number,
    ...(row.entropies != null && { entropies: entropiesIn(row.entropies) }),
    ...(asked !== undefined && { asked }),
    ...(typeof row.reason === 'string' && { reason: row.reason }),
    ...(typeof row.reasons === 'string' && { reasons: JSON.parse(row.reasons) }),
  }
}

/** Steps of a stored entropy in one nat, and the value that stands for an unknown one. */
const [STEPS, UNKNOWN] = [4096, 65_535]

const quantised = (entropies: Float32Array): Uint16Array =>
  Uint16Array.from(entropies, (nats) =>
    Number.isNaN(nats) ? UNKNOWN : Math.min(UNKNOWN - 1, Math.max(0, Math.round(nats * STEPS))),
  )

/** The entropies in a stored blob; NaN is unknown. */
export const entropiesIn = (blob: unknown): Float32Array =>
  Float32Array.from(new Uint16Array(arrayBuffer(blob)), (value) =>
    value === UNKNOWN ? Number.NaN : value / STEPS,
  )

function bytes(array: Int32Array | Float32Array | Uint16Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength)
}

/** The driver returns blobs as ArrayBuffer from `all` and as Buffer from `get`. */
function arrayBuffer(blob: unknown): ArrayBuffer {
  if (blob instanceof ArrayBuffer) return blob
  return new Uint8Array(blob as Uint8Array).buffer
}
