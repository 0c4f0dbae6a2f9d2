import { UserError } from '../../common/errors.ts'

/**
 * Why a call failed:
 * `request`: the server refuses the request, and would again;
 * `lost`: it no longer knows the session, the model, the weights or the future, as after a restart;
 * `server`: it failed at the work, or answers with nonsense;
 * `unreachable`: no answer for as long as the client's patience allows;
 * `unknown-outcome`: the request may or may not have been carried out, and must not be sent twice to this server.
 */
export type FailureKind = 'request' | 'lost' | 'server' | 'unreachable' | 'unknown-outcome'

/** A call of a Tinker server that failed: one line, without the key. */
export class TinkerError extends UserError {
  override name = 'TinkerError'
  constructor(
    message: string,
    readonly kind: FailureKind,
    /** The status of HTTP, if there was an answer. */
    readonly status: number | null = null,
  ) {
    super(message)
  }
}

const LOST =
  /\b(not loaded|no longer loaded|(model|session|future|sampler)( '?[\w-]*'?)? not found|stale request)\b/i

/** What an answer with this status and detail means. */
export function kindOf(status: number, detail: string): FailureKind {
  if (LOST.test(detail)) return 'lost'
  return status >= 500 ? 'server' : 'request'
}
