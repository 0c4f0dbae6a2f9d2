/** What the server can be made to do at most. Times are in milliseconds. */
export interface Limits {
  /** Responses that are written at a time. */
  readonly running: number
  /** Requests that wait for their turn. */
  readonly waiting: number
  /** Longest body of a request. */
  readonly bodyBytes: number
  /** Deepest nesting of a body's JSON, and the most values in it. */
  readonly depth: number
  readonly values: number
  /** Longest prompt in characters for each token of the model's context. Longer ones are refused without being tokenised. */
  readonly charactersPerToken: number
  /** Text of one stream that waits for a client to read it. */
  readonly unreadBytes: number
  /** A client that reads nothing of such text for so long is left. */
  readonly stall: number
  /** Longest silence in a stream. */
  readonly silence: number
  /** Longest time until the headers of a request are there, until all of it is there, and between two on one connection. */
  readonly headers: number
  readonly request: number
  readonly idle: number
  /** Running requests may go on for so long when the server stops. */
  readonly shutdown: number
}

/** The limits unless others are given. */
export const LIMITS: Limits = {
  running: 32,
  waiting: 128,
  bodyBytes: 8 * 2 ** 20,
  depth: 100,
  values: 10_000,
  charactersPerToken: 16,
  unreadBytes: 2 ** 20,
  stall: 60_000,
  silence: 5_000,
  headers: 15_000,
  request: 60_000,
  idle: 65_000,
  shutdown: 30_000,
}
