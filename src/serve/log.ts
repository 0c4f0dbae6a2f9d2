import type { Watch } from './watch.ts'

/** What the server tells people or programs about what it does. */
export interface Log {
  request(entry: RequestEntry): void
  /** An error that no request can be told of. */
  failure(error: unknown): void
}

/** One request. It has nothing that a client wrote: no path, no prompt, no key. */
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
  readonly problem: string | null
}
