import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../common/errors.ts'
import { type DiskAction, onDisk } from '../../common/files/disk.ts'
import { makeFolder } from '../../common/files/files.ts'
import { Database, type SqliteDatabase } from '../../common/sqlite.ts'
import type { TextResponse, TokenLogprob } from '../../thinking/model.ts'

/** Increased when the tables change. */
const VERSION = 1

const SCHEMA = `
CREATE TABLE IF NOT EXISTS requests (key TEXT PRIMARY KEY, model TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS responses (
  request TEXT NOT NULL, sample INTEGER NOT NULL, thinking TEXT, answer TEXT, tool_calls TEXT NOT NULL, text TEXT,
  tokens BLOB, logprobs TEXT, reason TEXT NOT NULL, prompt_tokens INTEGER, cached_tokens INTEGER,
  completion_tokens INTEGER, thinking_tokens INTEGER, seconds REAL NOT NULL, PRIMARY KEY (request, sample)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS questions (
  key TEXT PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, prompt TEXT NOT NULL, gold TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
  cell TEXT NOT NULL, question TEXT NOT NULL, sample INTEGER NOT NULL, request TEXT NOT NULL, answer TEXT,
  correct INTEGER, verdict TEXT NOT NULL, PRIMARY KEY (cell, question, sample)
) WITHOUT ROWID;
`

/** A response as it is kept, with the log-probs of its pieces, if they were asked for. */
export interface KeptResponse extends TextResponse {
  readonly logprobs: {
    readonly thinking: readonly TokenLogprob[]
    readonly answer: readonly TokenLogprob[]
  } | null
  /** Time from the request to its end. */
  readonly seconds: number
}

/** A question as it is kept. */
export interface KeptQuestion {
  /** A hash of the other fields. */
  readonly key: string
  readonly id: string
  readonly kind: string
  readonly prompt: string
  readonly gold: string
}

/** A checked answer to a question. */
export interface KeptAnswer {
  readonly question: KeptQuestion
  readonly sample: number
  /** The text that was checked; null if the response had none. */
  readonly answer: string | null
  /** null if it cannot be known. */
  readonly correct: boolean | null
  /** The verifier's reason. */
  readonly verdict: string
  readonly response: KeptResponse
}

/** The file of an evaluation folder that has every response. */
export const ANSWERS_FILE = 'answers.sqlite'

/**
 * The responses of an evaluation, each stored once it has ended: by what was asked of which model, so that another
 * evaluation in the same folder finds them, and by where they belong in the evaluation, with the task's verdict.
 */
export class AnswerStore {
  readonly #file: string
  readonly #database: SqliteDatabase
  readonly #statements = new Map<string, Statement>()

  private constructor(file: string, database: SqliteDatabase) {
    this.#file = file
    this.#database = database
  }

  /**
   * Opens the store in a folder, which is made if it does not exist; null: in memory.
   *
   * @throws UserError if the disk fails, or the file has another version.
   */
  static open(folder: string | null): AnswerStore {
    const file = folder === null ? ':memory:' : join(folder, ANSWERS_FILE)
    if (folder !== null) onDisk('create', folder, () => makeFolder(folder))
    const database = onDisk('open', file, () => {
      const opened = new Database(file, { timeout: 5000 })
      opened.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000')
      return opened
    })
    return AnswerStore.#checked(file, database)
  }

  /** Opens the store in a folder to read from it. @throws UserError if the folder has none. */
  static read(folder: string): AnswerStore {
    const file = join(folder, ANSWERS_FILE)
    if (!existsSync(file))
      throw new UserError(
        `${folder} is not an evaluation: it has no ${ANSWERS_FILE}. \`ruminate eval --out ${folder}\` makes one`,
      )
    return AnswerStore.#checked(
      file,
      onDisk('open', file, () => new Database(file, { timeout: 5000 })),
    )
  }

  static #checked(file: string, database: SqliteDatabase): AnswerStore {
    const { user_version: version } = onDisk('read', file, () =>
      database.prepare('PRAGMA user_version').get(),
    ) as { user_version: number }
    if (version !== VERSION && version !== 0) {
      database.close()
      throw new UserError(
        `${file} has version ${version} of the evaluation's tables; this version of Ruminate reads version ${VERSION}`,
      )
    }
    if (version === 0)
      onDisk('write', file, () => database.exec(`${SCHEMA} PRAGMA user_version = ${VERSION}`))
    return new AnswerStore(file, database)
  }

  /** The response with this number to a request; null if there is none yet. */
  response(request: string, sample: number): KeptResponse | null {
    const row = this.#get('SELECT * FROM responses WHERE request = ? AND sample = ?', request, sample)
    return row === undefined ? null : responseOf(row as unknown as ResponseRow)
  }

  /** Keeps what was asked of a model. */
  keepRequest(key: string, model: string, body: string): void {
    this.#run('INSERT OR IGNORE INTO requests VALUES (?, ?, ?)', key, model, body)
  }

  /** Keeps a response that has ended. The one that was stored first stays. */
  keepResponse(request: string, sample: number, response: KeptResponse): void {
    const { thinking, answer, toolCalls, end, logprobs, seconds } = response
    const { text, tokens, reason, usage } = end
    this.#run(
      `INSERT OR IGNORE INTO responses VALUES (${Array(14).fill('?').join(', ')})`,
      request,
      sample,
      thinking,
      answer,
      JSON.stringify(toolCalls),
      text,
      tokens === null ? null : Buffer.from(tokens.buffer, tokens.byteOffset, tokens.byteLength),
      logprobs === null ? null : JSON.stringify(logprobs),
      reason,
      usage.promptTokens,
      usage.cachedTokens,
      usage.completionTokens,
      usage.thinkingTokens,
      seconds,
    )
  }

  /** Keeps the verdict on a response in its place in the evaluation. */
  keepAnswer(
    cell: string,
    request: string,
    { question, sample, answer, correct, verdict }: Omit<KeptAnswer, 'response'>,
  ): void {
    const { key, id, kind, prompt, gold } = question
    this.#run('INSERT OR IGNORE INTO questions VALUES (?, ?, ?, ?, ?)', key, id, kind, prompt, gold)
    this.#run(
      'INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)',
      cell,
      key,
      sample,
      request,
      answer,
      correct === null ? null : Number(correct),
      verdict,
    )
  }

  /** The answers of a cell to a question, in the order of their numbers: those that are checked. */
  answers(cell: string, question: string): KeptAnswer[] {
    const rows = onDisk('read', this.#file, () =>
      this.#prepared(
        `SELECT a.sample AS sample, a.answer AS final, a.correct, a.verdict, r.*, q.key, q.id, q.kind, q.prompt, q.gold
         FROM answers a JOIN responses r ON r.request = a.request AND r.sample = a.sample
         JOIN questions q ON q.key = a.question WHERE a.cell = ? AND a.question = ? ORDER BY a.sample`,
      ).all(cell, question),
    ) as (ResponseRow & KeptQuestion & { final: string | null; correct: number | null; verdict: string })[]
    return rows.map((row) => ({
      question: { key: row.key, id: row.id, kind: row.kind, prompt: row.prompt, gold: row.gold },
      sample: row.sample,
      answer: row.final,
      correct: row.correct === null ? null : row.correct === 1,
      verdict: row.verdict,
      response: responseOf(row),
    }))
  }

  /** Number of responses in the store. */
  get size(): number {
    return (this.#get('SELECT count(*) AS n FROM responses') as { n: number }).n
  }

  close(): void {
    this.#database.close()
  }

  #prepared(sql: string): Statement {
    const known = this.#statements.get(sql) ?? (this.#database.prepare(sql) as Statement)
    this.#statements.set(sql, known)
    return known
  }

  #get(sql: string, ...values: readonly Value[]): Record<string, unknown> | undefined {
    return this.#on('read', () => this.#prepared(sql).get(...values)) as Record<string, unknown> | undefined
  }

  #run(sql: string, ...values: readonly Value[]): void {
    this.#on('write', () => this.#prepared(sql).run(...values))
  }

  #on<T>(action: DiskAction, work: () => T): T {
    return onDisk(action, this.#file, work)
  }
}

type Value = string | number | null | Buffer

interface Statement {
  get(...values: readonly Value[]): unknown
  all(...values: readonly Value[]): unknown[]
  run(...values: readonly Value[]): unknown
}

interface ResponseRow {
  readonly sample: number
  readonly thinking: string | null
  readonly answer: string | null
  readonly tool_calls: string
  readonly text: string | null
  readonly tokens: ArrayBuffer | Uint8Array | null
  readonly logprobs: string | null
  readonly reason: TextResponse['end']['reason']
  readonly prompt_tokens: number | null
  readonly cached_tokens: number | null
  readonly completion_tokens: number | null
  readonly thinking_tokens: number | null
  readonly seconds: number
}

function responseOf(row: ResponseRow): KeptResponse {
  return {
    thinking: row.thinking,
    answer: row.answer,
    toolCalls: JSON.parse(row.tool_calls),
    logprobs: row.logprobs === null ? null : JSON.parse(row.logprobs),
    seconds: row.seconds,
    end: {
      type: 'end',
      reason: row.reason,
      text: row.text,
      // the driver returns blobs as ArrayBuffer from `all` and as Buffer from `get`; a copy is aligned
      tokens: row.tokens === null ? null : new Int32Array(new Uint8Array(row.tokens).buffer),
      usage: {
        promptTokens: row.prompt_tokens,
        cachedTokens: row.cached_tokens,
        completionTokens: row.completion_tokens,
        thinkingTokens: row.thinking_tokens,
      },
    },
  }
}
