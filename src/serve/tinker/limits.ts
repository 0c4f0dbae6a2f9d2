import type { Limits } from '../limits.ts'
import type { FutureLimits } from './futures.ts'

/** What a server of the Tinker protocol can be made to do at most. Times are in milliseconds. */
export interface TinkerLimits extends HttpLimits, FutureLimits {
  /** Sessions, and models that are trained, at a time. */
  readonly sessions: number
  readonly models: number
  /** A session of which nothing is heard for so long has ended. */
  readonly session: number
  /** The same where another client needs room for a model. Clients are heard of every 10 seconds. */
  readonly silence: number
  /** Longest wait for a result before a client is told to ask again. */
  readonly poll: number
  /** Samplers without a name whose weights are kept for each model that is trained. */
  readonly unnamed: number
  /** How long a link to the files of a checkpoint is valid. */
  readonly link: number
}

type HttpLimits = Pick<Limits, 'bodyBytes' | 'depth' | 'values' | 'headers' | 'request' | 'idle' | 'shutdown'>

/** The limits unless others are given. */
export const TINKER_LIMITS: TinkerLimits = {
  sessions: 256,
  models: 4,
  session: 300_000,
  silence: 30_000,
  poll: 30_000,
  pending: 4_096,
  resultBytes: 256 * 2 ** 20,
  unnamed: 8,
  link: 3_600_000,
  bodyBytes: 64 * 2 ** 20,
  depth: 20,
  values: 10_000_000,
  headers: 15_000,
  request: 60_000,
  idle: 65_000,
  shutdown: 30_000,
}
