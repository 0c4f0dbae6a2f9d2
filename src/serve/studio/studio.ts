import { randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { LIMITS } from '../limits.ts'
import { type Address, listen, type RunningServer } from '../listen.ts'
import { isLoopback } from '../request/guard.ts'
import { createStudio, type StudioOptions } from './app.ts'
import { pageFolder } from './page.ts'
import { RunsFolder } from './runs/runs-folder.ts'

export interface StudioServerOptions
  extends Address,
    Pick<StudioOptions, 'hosts' | 'control' | 'evaluations' | 'question' | 'onFailure'> {
  /** The folder that holds the runs. */
  readonly root: string
  /** Folder of the built page; by default that of the package. */
  readonly page?: string
}

export interface RunningStudio extends RunningServer {
  /** The page with the token that allows it to change something. */
  readonly page: string
  readonly token: string
}

/**
 * Serves the studio: a page that shows the runs in a folder. Where other machines reach it, all of its data need the token.
 *
 * @throws UserError if the port is in use or the address is not of this machine.
 */
export async function studio({
  root,
  page = pageFolder(),
  ...options
}: StudioServerOptions): Promise<RunningStudio> {
  const folder = new RunsFolder(realpathSync(root))
  const token = randomBytes(24).toString('base64url')
  const app = createStudio({ ...options, folder, page, token, isPrivate: !isLoopback(options.host) })
  const server = await listen(app, options, LIMITS)
  return {
    ...server,
    token,
    page: `${reachable(server.url)}/studio/#token=${token}`,
    async stop() {
      await server.stop()
      await app.models.close()
      folder.close()
    },
    abort() {
      server.abort()
      folder.close()
    },
  }
}

/** An address that stands for all of this machine is none that a browser opens everywhere. */
const reachable = (url: string): string => url.replace(/\/\/(0\.0\.0\.0|\[::\])(?=:)/, '//127.0.0.1')
