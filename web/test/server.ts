import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Starts the command `ruminate`, as it was built. */
export function ruminate(words: readonly string[]): ChildProcess {
  return spawn(process.execPath, [`${root}bin/ruminate.js`, ...words], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** Runs `ruminate` to its end. @throws Error if it fails */
export async function ruminateDone(words: readonly string[]): Promise<void> {
  const child = ruminate(words)
  child.stdout!.resume()
  let said = ''
  child.stderr!.on('data', (text) => (said += text))
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`ruminate ${words.join(' ')} ended with ${code}: ${said}`)
}

/** `ruminate studio` on a folder of runs. */
export interface StudioServer {
  /** Without a path. */
  readonly url: string
  readonly token: string
  readonly port: number
  /** Ends the server at once, as a crash does. */
  kill(): Promise<void>
}

export async function startStudio(runs: string, port = 0): Promise<StudioServer> {
  const child = ruminate(['studio', runs, '--port', String(port), '--json'])
  child.stderr!.resume()
  for await (const line of createInterface({ input: child.stdout! })) {
    const event = JSON.parse(line) as { type: string; url: string; port: number }
    if (event.type !== 'listening') continue
    child.stdout!.resume()
    const { origin, hash } = new URL(event.url)
    return {
      url: origin,
      token: hash.slice('#token='.length),
      port: event.port,
      async kill() {
        if (child.exitCode !== null || child.signalCode !== null) return
        const ended = once(child, 'exit')
        child.kill('SIGKILL')
        await ended
      },
    }
  }
  throw new Error('the studio did not start')
}
