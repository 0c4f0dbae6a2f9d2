import type { Problem } from './problem.ts'
import type { Watch } from './respond/watch.ts'

/** What the server tells people or programs about what it does. */
export interface Log {
  request(entry: RequestEntry): void
  /** An error that no request can be told of. */
  failure(error: unknown): void
}

/** One request, without its path, since a client may have written anything there. */
export interface RequestEntry {
  readonly id: string
  readonly method: string
  /** The route, or `unknown`. */
  readonly route: string
  readonly dialect: string
  readonly status: number
  readonly seconds: number
  /** null if no model was asked. */
  readonly watch: Watch | null
  readonly problem: Problem | null
}
