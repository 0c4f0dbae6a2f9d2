import { UserError } from '../common/errors.ts'
import { type AppOptions, createApp } from './app.ts'
import { LIMITS, type Limits } from './limits.ts'
import { type Address, checkFree, listen, type RunningServer } from './listen.ts'
import { isLoopback } from './request/guard.ts'

export type { RunningServer } from './listen.ts'

export interface ServeOptions extends Address, Omit<AppOptions, 'limits'> {
  /** Allows a server that other machines reach without a key. */
  readonly insecure?: boolean
  readonly limits?: Partial<Limits>
}

/**
 * Serves a model over HTTP.
 *
 * @throws UserError if the port is in use, or other machines could reach the server without a key.
 */
export async function serve({
  host,
  port,
  insecure = false,
  ...options
}: ServeOptions): Promise<RunningServer> {
  checkReach(host, options.access.keys.length > 0 || insecure)
  const limits = { ...LIMITS, ...options.limits }
  return listen(createApp({ ...options, limits }), { host, port }, limits)
}

/**
 * Checks, before a model is opened, that it can be served there.
 *
 * @throws UserError as `serve` does.
 */
export async function checkAddress(address: Address, isGuarded: boolean): Promise<void> {
  checkReach(address.host, isGuarded)
  await checkFree(address)
}

function checkReach(host: string, isGuarded: boolean): void {
  if (isLoopback(host) || isGuarded) return
  throw new UserError(
    `--host ${host} lets other machines use the model: give a key (--key KEY or RUMINATE_API_KEY), or --insecure if everybody may`,
    2,
  )
}
