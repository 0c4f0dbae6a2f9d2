import { randomUUID } from 'node:crypto'
import { RequestError } from '../problem.ts'
import type { BaseModel } from './base-models.ts'
import { Repeats } from './repeats.ts'
import type { Training } from './training.ts'

/** What samples are drawn from. */
export interface SamplingSession {
  readonly id: string
  readonly base: BaseModel
  /** The folder of the weights; null: the base model's. */
  readonly folder: string | null
  /** Their address, if they have one. */
  readonly path: string | null
  readonly repeats: Repeats
}

/** A client, as long as it is heard of. */
export class Session {
  readonly id = randomUUID()
  lastSeen: number
  /** How many of its requests wait for a result. */
  waiting = 0
  readonly metadata: Readonly<Record<string, unknown>> | null
  /** Of requests to create models; the numbers of samplers are those of `samplings`. */
  readonly repeats = new Repeats()
  readonly trainings = new Map<string, Training>()
  readonly samplings = new Map<string, SamplingSession>()

  constructor(now: number, metadata: Session['metadata']) {
    this.lastSeen = now
    this.metadata = metadata
  }
}

/** The clients. */
export class Sessions {
  readonly #open = new Map<string, Session>()
  /** Those that have ended, so that they can be told so. */
  readonly #ended = new Set<string>()
  readonly #most: number
  readonly #now: () => number

  constructor(most: number, now: () => number) {
    this.#most = most
    this.#now = now
  }

  get all(): readonly Session[] {
    return [...this.#open.values()]
  }

  /** @throws RequestError if there are too many. */
  create(metadata: Session['metadata']): Session {
    if (this.#open.size >= this.#most)
      throw new RequestError('queueFull', `${this.#most} sessions are open; try again later`, {
        headers: { 'retry-after': '10' },
      })
    const session = new Session(this.#now(), metadata)
    this.#open.set(session.id, session)
    return session
  }

  /** The session, which was heard of now. @throws RequestError if there is none, or it has ended. */
  find(id: string): Session {
    const session = this.#open.get(id)
    if (!session)
      throw new RequestError(
        this.#ended.has(id) ? 'gone' : 'notFound',
        this.#ended.has(id)
          ? 'session not found: it has ended; create another one'
          : `session not found: there is no ${JSON.stringify(id)}, or the server was started again; create another one`,
        { field: 'session_id' },
      )
    session.lastSeen = this.#now()
    return session
  }

  /** Forgets a session. */
  end({ id }: Session): void {
    this.#open.delete(id)
    this.#ended.add(id)
    if (this.#ended.size > REMEMBERED) this.#ended.delete(this.#ended.values().next().value!)
  }
}

const REMEMBERED = 1_000
