import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads'
import type { StartThread, ThreadEnded } from './messages.ts'
import { openWorker } from './open-worker.ts'
import { Stopper, stopFlags } from './stop.ts'

/** A replica's thread. It keeps the process alive only while a call to it is pending. */
export interface Thread {
  readonly port: MessagePort
  setAwaited(yes: boolean): void
  /** Ends the current call after the current run of a program, and fails later ones, if they can be cancelled. */
  cancel(): void
  /** Ends the thread after the current run of a program. Resolves once it has ended. */
  end(): Promise<void>
}

let spawner: Worker | null = null
let started = 0
/** The running threads, and what to do when one ends. */
const running = new Map<number, { readonly stopper: Stopper; onEnd(why: string): void }>()
const awaited = new Set<number>()

/** Starts a thread. `onDeath` is called if it ends without `end`. */
export function startThread(onDeath: (error: Error) => void): Thread {
  spawner ??= openSpawner()
  const thread = started++
  const { port1, port2 } = new MessageChannel()
  const flags = stopFlags()
  const stopper = new Stopper(flags)
  let ending = false
  const ended = new Promise<void>((resolve) => {
    running.set(thread, {
      stopper,
      onEnd: (why) => {
        resolve()
        if (!ending) onDeath(new Error(`the engine's thread ended: ${why}`))
      },
    })
  })
  spawner.postMessage({ thread, port: port2, flags } satisfies StartThread, [port2])
  return {
    port: port1,
    setAwaited: (yes) => setAwaited(thread, yes),
    cancel: () => stopper.cancel(),
    end() {
      if (running.has(thread) && !ending) {
        ending = true
        setAwaited(thread, true)
        stopper.stop()
        port1.close() // no further messages: the thread can exit
      }
      return ended
    },
  }
}

function setAwaited(thread: number, yes: boolean): void {
  if (yes) awaited.add(thread)
  else awaited.delete(thread)
  if (awaited.size > 0) spawner?.ref()
  else spawner?.unref()
}

function openSpawner(): Worker {
  const worker = openWorker('spawner')
  const ended = ({ thread, why }: ThreadEnded) => {
    const { onEnd } = running.get(thread)!
    running.delete(thread)
    setAwaited(thread, false)
    onEnd(why)
  }
  worker.on('message', ended)
  worker.on('error', (error) => {
    spawner = null
    for (const thread of [...running.keys()]) ended({ thread, why: String(error) })
  })
  worker.unref()
  return worker
}

process.on('exit', () => {
  for (const { stopper } of running.values()) stopper.stopNow()
})
