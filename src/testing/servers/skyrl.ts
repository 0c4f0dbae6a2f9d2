import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const SCRIPT = fileURLToPath(new URL('../../../tools/skyrl/serve.sh', import.meta.url))

/** For tests that are asked for with RUMINATE_SKYRL=1: the real server, started by tools/skyrl/serve.sh; needs Python 3.12. */
export class SkyRl {
  readonly url: string
  readonly #port: number
  readonly #model: string
  readonly #state = mkdtempSync(join(tmpdir(), 'ruminate-skyrl-state-'))
  #process: ChildProcess | null = null

  private constructor(port: number, model: string) {
    this.#port = port
    this.#model = model
    this.url = `http://127.0.0.1:${port}`
  }

  static async start(model: string): Promise<SkyRl> {
    const server = new SkyRl(await freePort(), model)
    await server.start()
    return server
  }

  /** Starts it, again after `kill`, with the state that it had; waits until it answers, which is before its engine is ready. */
  async start(): Promise<void> {
    const log: string[] = []
    const child = spawn(SCRIPT, [String(this.#port), this.#state, this.#model], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => log.push(String(text)))
    this.#process = child
    for (;;) {
      if (child.exitCode !== null) throw new Error(`serve.sh ended: ${log.join('').slice(-2000)}`)
      const response = await fetch(`${this.url}/api/v1/healthz`).catch(() => null)
      if (response?.ok) return
      await sleep(1000)
    }
  }

  /** Ends the API and its engine at once. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    const pid = this.#process?.pid
    this.#process = null
    if (pid !== undefined) process.kill(-pid, signal)
  }

  stop(): void {
    this.kill()
    rmSync(this.#state, { recursive: true, force: true, maxRetries: 5 })
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
