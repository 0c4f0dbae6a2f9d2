import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** The time of one repetition, and its loss if it has one. */
export interface Repetition {
  readonly seconds: number
  readonly loss?: number
}

/** The same work in a Python process: for each JSON line in, it does one repetition and writes one JSON line. */
export class Peer {
  /** The libraries with their versions. */
  title = ''
  /** Where it listens, if it is a server. */
  url: string | null = null
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: Interface
  #waiting: { resolve(line: string): void; reject(error: Error): void } | null = null
  #errors = ''
  #ended: Error | null = null

  private constructor(python: string, script: string, threads: number) {
    this.#process = spawn(python, [fileURLToPath(new URL(`peers/${script}`, import.meta.url))], {
      env: { ...process.env, OMP_NUM_THREADS: String(threads), PYTHONDONTWRITEBYTECODE: '1' },
    })
    this.#process.stderr.on('data', (data) => {
      this.#errors = (this.#errors + data).slice(-4000)
    })
    this.#process.stdin.on('error', () => {}) // reported by `close`
    this.#process.on('error', (error) => this.#end(error))
    this.#process.on('close', (code, signal) =>
      this.#end(new Error(`${script} ended (${signal ?? code})\n${this.#errors}`)),
    )
    this.#lines = createInterface(this.#process.stdout).on('line', (line) => this.#waiting?.resolve(line))
  }

  /**
   * Starts `peers/<script>`. Resolves to one line of text if there is no Python (`RUMINATE_PYTHON`, else `python3`) or a
   * library is missing.
   */
  static async start(
    script: string,
    setup: { readonly threads: number; readonly [name: string]: unknown },
  ): Promise<Peer | string> {
    const python = process.env.RUMINATE_PYTHON ?? 'python3'
    const peer = new Peer(python, script, setup.threads)
    const hint =
      'set RUMINATE_PYTHON to a Python with torch, transformers, trl and math-verify (for serve: xllamacpp) to compare'
    try {
      const ready = (await peer.#request(setup)) as { title: string; url?: string } | { missing: string }
      if ('missing' in ready) return `${python}: ${ready.missing}; only our numbers (${hint})`
      peer.title = ready.title
      peer.url = ready.url ?? null
      return peer
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        return `there is no ${python}; only our numbers (${hint})`
      throw error
    }
  }

  /** Runs one repetition. */
  async repetition(): Promise<Repetition> {
    return (await this.#request({})) as Repetition
  }

  close(): void {
    this.#lines.close()
    this.#process.stdin.end()
  }

  async #request(request: object): Promise<unknown> {
    if (this.#ended) throw this.#ended
    const answer = new Promise<string>((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
    this.#process.stdin.write(`${JSON.stringify(request)}\n`)
    return JSON.parse(await answer)
  }

  #end(error: Error): void {
    this.#ended ??= error
    this.#waiting?.reject(this.#ended)
  }
}
