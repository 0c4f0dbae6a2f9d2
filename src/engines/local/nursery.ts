import { setFlagsFromString } from 'node:v8'
import { parentPort, Worker } from 'node:worker_threads'
import { Graph } from '../../onnx/graph.ts'
import { neg } from '../../onnx/ops.ts'
import { Session } from '../../onnx/session.ts'
import type { Ended, Order } from './thread.ts'

/*
 * Starts the engines' threads. Masked probabilities are denormal numbers, on which processors are many times slower
 * unless they take them for zero. The runtime tells them so only in the thread that makes the process's first session;
 * threads started from there inherit it.
 */
const graph = new Graph()
graph.output('y', neg(graph.input('x', 'float32', [])))
new Session(graph, { threads: 1 }).dispose()

// Room for the results of many runs (MiB), which are garbage soon: with less they count as old, and are searched in vain.
setFlagsFromString('--min-semi-space-size=32')
setFlagsFromString('--max-semi-space-size=32')

const parent = parentPort!
const workers = new Map<number, Worker>()

parent.on('message', ({ id, port }: Order) => {
  if (!port) return void workers.get(id)?.terminate()
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: port,
    transferList: [port],
  })
  workers.set(id, worker)
  let why = ''
  worker.on('error', (error) => {
    why = String(error)
  })
  worker.on('exit', (code) => {
    workers.delete(id)
    parent.postMessage({ id, why: why || `exit code ${code}` } satisfies Ended)
  })
})
