import { setFlagsFromString } from 'node:v8'
import { parentPort } from 'node:worker_threads'
import { Graph } from '../../../onnx/graph.ts'
import { neg } from '../../../onnx/ops.ts'
import { Session } from '../../../onnx/session.ts'
import type { ReplicaThreadData, StartThread, ThreadEnded } from './messages.ts'
import { openWorker } from './open-worker.ts'

/*
 * The thread that starts the replicas' threads. Masked probabilities are denormal numbers, on which processors are many
 * times slower unless they flush them to zero. The runtime turns that on only in the thread that makes the process's
 * first session; threads started from it inherit the setting.
 */
const graph = new Graph()
graph.output('y', neg(graph.input('x', 'float32', [])))
new Session(graph, { threads: 1 }).dispose()

// MiB for the results of many runs, which are soon garbage: with less room they are promoted to the old generation.
setFlagsFromString('--min-semi-space-size=32')
setFlagsFromString('--max-semi-space-size=32')

const parent = parentPort!

parent.on('message', ({ thread, port, flags }: StartThread) => {
  const worker = openWorker('replica-thread', {
    workerData: { port, flags } satisfies ReplicaThreadData,
    transferList: [port],
  })
  let why = ''
  worker.on('error', (error) => {
    why = String(error)
  })
  worker.on('exit', (code) => {
    parent.postMessage({ thread, why: why || `exit code ${code}` } satisfies ThreadEnded)
  })
})
