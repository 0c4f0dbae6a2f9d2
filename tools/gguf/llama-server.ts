import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A running llama.cpp server. */
export interface LlamaServer {
  /** Posts JSON, and resolves to the JSON that it answers. */
  post<T>(path: string, body: unknown): Promise<T>
  close(): void
}

/**
 * Starts llama.cpp's server on a GGUF file. `PYTHON` in the environment is an interpreter that has the package xllamacpp; by
 * default python3.
 */
export async function llamaServer(file: string): Promise<LlamaServer> {
  const script = fileURLToPath(new URL('server.py', import.meta.url))
  const child = spawn(process.env.PYTHON ?? 'python3', [script, file], { stdio: ['pipe', 'pipe', 'ignore'] })
  const lines = createInterface({ input: child.stdout })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(
      `tools/gguf/server.py ended with ${code}: set PYTHON to an interpreter that has xllamacpp`,
    )
  })
  ended.catch(() => {})
  const address = await Promise.race([
    ended,
    (async () => {
      for await (const line of lines) if (line.startsWith('http')) return line.trim()
      return ended
    })(),
  ])
  return {
    async post(path, body) {
      const response = await fetch(address + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as never
    },
    close: () => child.stdin.end(),
  }
}
