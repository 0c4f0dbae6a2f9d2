import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Limits, Outcome, Program } from '../program.ts'
import type { Assignment, Report } from './quickjs-worker.ts'

/** Time limit for the start of a worker thread, even on a busy machine. */
const START_SECONDS = 30

/** Path of the worker's code: in the same folder as this file, or in dist/ if this runs from the TypeScript sources. */
function workerFile(): string {
  const built = import.meta.url.endsWith('.ts')
    ? '../../../dist/sandbox/quickjs/quickjs-worker.js'
    : './quickjs-worker.js'
  const file = fileURLToPath(new URL(built, import.meta.url))
  if (!existsSync(file)) throw new Error('the sandbox worker is not built; run: npm run build')
  return file
}

/** Node's types lack the functions of WebAssembly. */
const wasm = Reflect.get(globalThis, 'WebAssembly') as {
  compile(bytes: Uint8Array): Promise<WebAssembly.Module>
}
let compiled: Promise<WebAssembly.Module> | undefined

function interpreter(): Promise<WebAssembly.Module> {
  compiled ??= readFile(
    createRequire(import.meta.url).resolve('@jitl/quickjs-wasmfile-release-sync/wasm'),
  ).then((bytes) => wasm.compile(bytes))
  return compiled
}

/**
 * Runs a script in QuickJS, compiled to WebAssembly, in its own worker thread. It has no access to files, network or
 * processes. The interpreter enforces the limits; if it fails to, the thread is terminated.
 *
 * @throws Error if the worker could not be started.
 */
export async function runInterpreted(program: Program, limits: Limits): Promise<Outcome> {
  const assignment: Assignment = { wasm: await interpreter(), program, limits }
  const worker = new Worker(workerFile(), {
    workerData: assignment,
    env: {},
    execArgv: [],
    // Limits the thread's own heap, which holds the output; the interpreter's memory has its own limit.
    resourceLimits: { maxOldGenerationSizeMb: Math.max(64, limits.memoryMiB), stackSizeMb: 4 },
  })
  let clock: NodeJS.Timeout | undefined
  let started = false
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      const ended = (end: Outcome['end'], detail: string) =>
        resolve({ end, stdout: '', result: null, detail })
      clock = setTimeout(
        () => reject(new Error(`the sandbox worker did not start within ${START_SECONDS} s`)),
        START_SECONDS * 1000,
      )
      worker.on('message', (report: Report) => {
        if (report !== 'started') return resolve(report)
        started = true
        clearTimeout(clock)
        clock = setTimeout(
          () => ended('timeout', `not done after ${limits.wallSeconds} s`),
          limits.wallSeconds * 1000,
        )
      })
      worker.on('error', (error: NodeJS.ErrnoException) => {
        if (!started) reject(error)
        else ended(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'failed', error.message)
      })
      worker.on('exit', (code) => {
        if (started) ended('failed', `the interpreter stopped with code ${code}`)
        else reject(new Error(`the sandbox worker stopped with code ${code}`))
      })
    })
  } finally {
    clearTimeout(clock)
    await worker.terminate()
  }
}
