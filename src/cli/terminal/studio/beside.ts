import { type ChildProcess, spawn } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { isRecord, parseJson } from '../../../common/json.ts'
import type { Output } from '../output.ts'

/**
 * Starts the studio in a process of its own, so that the training of this one does not slow down, and says where it is once it
 * listens: at its usual port or, where that is in use, at a free one. It ends when the function that is returned is called and,
 * in any case, with this process. A studio that cannot be started is a warning; the training goes on.
 */
export function studioBeside(output: Output, root: string): () => void {
  let child: ChildProcess | null = null
  let isClosed = false

  const start = (more: readonly string[], onFailure: (message: string) => void): void => {
    const studio = spawn(
      process.execPath,
      [...process.execArgv, process.argv[1]!, 'studio', root, '--json', ...more],
      // Ctrl-C is meant for the training alone, so the studio is in a group of its own; the channel tells it of the end
      { detached: true, windowsHide: true, stdio: ['ignore', 'pipe', 'ignore', 'ipc'] },
    )
    child = studio
    let problem = 'it did not begin to listen'
    let isListening = false
    studio.once('spawn', () => lowerPriority(studio.pid!))
    createInterface({ input: studio.stdout! }).on('line', (line) => {
      const said = parseJson(line)
      if (!isRecord(said)) return
      if (said.type === 'error') problem = String(said.message)
      if (said.type !== 'listening' || isClosed) return
      isListening = true
      output.emit({ type: 'studio', url: said.url })
      if (!output.json) output.result(`studio ${said.url}`)
    })
    studio.once('error', (error) => {
      problem = error.message
    })
    studio.once('close', () => {
      if (isClosed) return
      if (isListening) output.warn('the studio has ended; `ruminate studio` opens it again')
      else onFailure(problem)
    })
    studio.unref()
    studio.channel?.unref()
    ;(studio.stdout as unknown as { unref(): void }).unref()
  }

  start([], () =>
    start(['--port', '0'], (message) => output.warn(`the studio could not be started: ${message}`)),
  )
  return () => {
    isClosed = true
    child?.kill('SIGTERM')
  }
}

/** The training goes first where there are too few processors for both. */
function lowerPriority(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // the studio then has the priority of the training, or has ended already
  }
}
