import { fileURLToPath } from 'node:url'
import { Worker, type WorkerOptions } from 'node:worker_threads'

/**
 * Starts a worker thread with a module of this folder. If this module runs from its TypeScript source, as in tests, the
 * worker does too, with tsx; in a build, the worker's file is next to this one.
 */
export function openWorker(name: string, options: WorkerOptions = {}): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, import.meta.url), options)
  // tsx loads CommonJS in two thirds of the time that it needs for ES modules.
  const module = JSON.stringify(fileURLToPath(new URL(`./${name}.ts`, import.meta.url)))
  const code = `require('tsx/cjs/api').register(); require(${module})`
  return new Worker(code, { ...options, eval: true, execArgv: [] })
}
