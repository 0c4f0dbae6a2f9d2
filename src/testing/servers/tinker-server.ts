import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listen, type RunningServer } from '../../serve/listen.ts'
import type { RequestEntry } from '../../serve/log.ts'
import type { Access } from '../../serve/request/guard.ts'
import { createTinkerApp, type TinkerApp } from '../../serve/tinker/app.ts'
import { BaseModels } from '../../serve/tinker/base-models.ts'
import { TINKER_LIMITS, type TinkerLimits } from '../../serve/tinker/limits.ts'
import { Store } from '../../serve/tinker/store.ts'

export interface TinkerTestServer extends RunningServer {
  readonly app: TinkerApp
  readonly entries: RequestEntry[]
  readonly failures: unknown[]
  /** Where checkpoints are. */
  readonly folder: string
  /** The status and the JSON of the answer to a request; with a body it is a POST. */
  // biome-ignore lint/suspicious/noExplicitAny: each answer has fields of its own
  call(path: string, body?: object, headers?: Record<string, string>): Promise<{ status: number; json: any }>
  /** Sends a request and waits for the result of its future. */
  // biome-ignore lint/suspicious/noExplicitAny: each result has fields of its own
  result(path: string, body: object): Promise<any>
  /** Stops it and frees its models; `keep` leaves the checkpoints. */
  end(options?: { keep?: boolean }): Promise<void>
}

/** A server of the Tinker protocol on a free port of this machine, with the embedded base model. */
export async function startTinkerServer({
  access = {},
  limits = {},
  folder = mkdtempSync(join(tmpdir(), 'ruminate-tinker-')),
  models = ['miniature-base'],
  names = {},
}: {
  access?: Partial<Access>
  limits?: Partial<TinkerLimits>
  folder?: string
  models?: readonly string[]
  /** By which clients ask for a model, where it is not its own. */
  names?: Readonly<Record<string, string>>
} = {}): Promise<TinkerTestServer> {
  const entries: RequestEntry[] = []
  const failures: unknown[] = []
  const all = { ...TINKER_LIMITS, shutdown: 300, ...limits }
  const app = createTinkerApp({
    models: new BaseModels(
      models.map((name) => ({ name: names[name] ?? name, folder: isAbsolute(name) ? name : embedded(name) })),
      { shares: true },
    ),
    store: new Store(folder),
    access: { keys: [], hosts: [], origins: [], ...access },
    limits: all,
    log: { request: (entry) => entries.push(entry), failure: (error) => failures.push(error) },
    threads: 1,
  })
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, all)
  const call: TinkerTestServer['call'] = async (path, body, headers = {}) => {
    const response = await fetch(`${server.url}/api/v1${path}`, {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
    })
    return { status: response.status, json: await response.json().catch(() => null) }
  }
  return {
    ...server,
    app,
    entries,
    failures,
    folder,
    call,
    async result(path, body) {
      const { status, json } = await call(path, body)
      if (status !== 200) throw new Error(`${path}: ${status} ${json.detail}`)
      for (;;) {
        const found = await call('/retrieve_future', { request_id: json.request_id })
        if (found.status !== 408) return found.json
      }
    },
    async end({ keep = false } = {}) {
      await server.stop()
      await app.close()
      if (!keep) rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const embedded = (name: string): string =>
  fileURLToPath(new URL(`../../../models/${name}`, import.meta.url))
