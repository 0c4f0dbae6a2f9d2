import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'

/** To the nursery: start a thread that listens to this port, or end the one with this number. */
export interface Order {
  readonly id: number
  readonly port?: MessagePort
}
/** From the nursery. */
export interface Ended {
  readonly id: number
  readonly why: string
}

/** A thread that runs an engine. It keeps the process alive only while it is awaited. */
export interface Thread {
  readonly port: MessagePort
  awaited(yes: boolean): void
  terminate(): Promise<void>
}

let nursery: Worker | null = null
let started = 0
/** What to do when a thread ends. */
const ends = new Map<number, (why: string) => void>()
const awaited = new Set<number>()

/** Starts a thread; `onEnd` is told of an end that was not asked for. */
export function startThread(onEnd: (error: Error) => void): Thread {
  nursery ??= openNursery()
  const parent = nursery
  const id = started++
  const { port1, port2 } = new MessageChannel()
  ends.set(id, (why) => onEnd(new Error(`the engine's thread ended: ${why}`)))
  parent.postMessage({ id, port: port2 } satisfies Order, [port2])
  return {
    port: port1,
    awaited: (yes) => setAwaited(id, yes),
    terminate: () =>
      new Promise((resolve) => {
        if (!ends.has(id)) return resolve()
        setAwaited(id, true)
        ends.set(id, () => resolve())
        parent.postMessage({ id } satisfies Order)
      }),
  }
}

function setAwaited(id: number, yes: boolean): void {
  if (yes) awaited.add(id)
  else awaited.delete(id)
  if (awaited.size > 0) nursery?.ref()
  else nursery?.unref()
}

function openNursery(): Worker {
  const worker = new Worker(nurseryFile())
  const end = ({ id, why }: Ended) => {
    const onEnd = ends.get(id)
    ends.delete(id)
    setAwaited(id, false)
    onEnd?.(why)
  }
  worker.on('message', end)
  worker.on('error', (error) => {
    nursery = null
    for (const id of [...ends.keys()]) end({ id, why: String(error) })
  })
  worker.unref()
  return worker
}

/** The nursery's code: beside this file when built; in the build when this runs from its TypeScript sources. */
function nurseryFile(): string {
  const file = fileURLToPath(
    new URL(
      import.meta.url.endsWith('.ts') ? '../../../dist/engines/local/nursery.js' : './nursery.js',
      import.meta.url,
    ),
  )
  if (!existsSync(file)) throw new Error('the engine is not built; run: npm run build')
  return file
}
