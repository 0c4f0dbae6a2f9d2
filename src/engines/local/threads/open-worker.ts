import { Worker, type WorkerOptions } from 'node:worker_threads'

/**
 * Starts a worker thread with a module of this folder. If this module runs from its TypeScript source, as in tests, the
 * worker does too, with tsx; in a build, the worker's file is next to this one.
 */
export function openWorker(name: string, options: WorkerOptions = {}): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL(`./${name}.js`, import.meta.url), options)
  const module = JSON.stringify(new URL(`./${name}.ts`, import.meta.url).href)
  const code = `import('tsx/esm/api').then(({ register }) => { register(); return import(${module}) })`
  return new Worker(code, { ...options, eval: true, execArgv: [] })
}
