import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Limits, Outcome, Program } from './program.ts'
import type { Assignment, Report } from './quickjs-worker.ts'

/** For a worker thread to start, on a machine however busy. */
const START_SECONDS = 30

/** The worker's code: beside this file when built; in the build when this runs from its TypeScript sources. */
function workerFile(): string {
  const built = import.meta.url.endsWith('.ts')
    ? '../../dist/sandbox/quickjs-worker.js'
    : './quickjs-worker.js'
  const file = fileURLToPath(new URL(built, import.meta.url))
  if (!existsSync(file)) throw new Error('the sandbox worker is not built; run: npm run build')
  return file
}

/** Node's types name its modules, not what makes them. */
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
 * Runs a script in QuickJS, compiled to WebAssembly, in a worker thread of its own: it has no way to files, network or
 * processes. The interpreter's own limits come first; the thread is ended from outside where they overrun.
 *
 * @throws Error when the worker could not be started.
 */
export async function runInterpreted(program: Program, limits: Limits): Promise<Outcome> {
  const assignment: Assignment = { wasm: await interpreter(), program, limits }
  const worker = new Worker(workerFile(), {
    workerData: assignment,
    env: {},
    execArgv: [],
    // Of the thread's own heap, which holds what was printed; the interpreter's memory is counted by itself.
    resourceLimits: { maxOldGenerationSizeMb: Math.max(64, limits.memoryMiB), stackSizeMb: 4 },
  })
  let clock: NodeJS.Timeout | undefined
  let started = false
  try {
    return await new Promise<Outcome>((resolve, reject) => {
      const ended = (end: Outcome['end'], detail: string) =>
        resolve({ end, stdout: '', result: null, detail })
      clock = setTimeout(
        () => reject(new Error(`no word of the sandbox worker in ${START_SECONDS} s`)),
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
