import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../../../common/errors.ts'
import { onDisk } from '../../../common/files/disk.ts'
import { isRecord, parseJson } from '../../../common/json.ts'
import { isInProgress, readInfo } from '../../../runs/store.ts'
import { writerOf } from '../../../runs/writer.ts'
import type { Control } from '../../../serve/studio/control.ts'
import { formNames, forms } from './forms.ts'

/** Milliseconds until a run that was asked for should be there; opening a large model takes long. */
const PATIENCE = 60_000

/** Starts, stops and continues runs in processes of their own, which go on when the studio ends. */
export function openControl(root: string): Control {
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-studio-'))
  let count = 0

  /** Runs `ruminate WORDS` and resolves once it writes the run in `directory`. @throws UserError with its own error. */
  const begin = async (words: readonly string[], directory: string): Promise<void> => {
    const log = join(folder, `${++count}.jsonl`)
    const output = onDisk('create', log, () => openSync(log, 'w'))
    const child: ChildProcess = spawn(
      process.execPath,
      [...process.execArgv, process.argv[1]!, ...words, '--json'],
      { detached: true, stdio: ['ignore', output, output] },
    )
    child.unref()
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => resolve(code))
    })
    const end = performance.now() + PATIENCE
    while (!isInProgress(directory)) {
      const code = await Promise.race([ended, sleep(50, 'running' as const)])
      if (code === 0) return
      if (code !== 'running')
        throw new UserError(lastError(log) ?? `the command failed; its output is in ${log}`)
      if (performance.now() > end)
        throw new UserError(`the run has not begun yet, and the command goes on; its output is in ${log}`)
    }
  }

  return {
    forms,
    async start(command, settings) {
      if (!formNames.includes(command))
        throw new UserError(
          `"${command.slice(0, 100)}" cannot be started here; choose one of ${formNames.join(', ')}`,
        )
      const config = join(folder, `${count + 1}.json`)
      onDisk('create', config, () =>
        writeFileSync(config, JSON.stringify({ [command]: settings }), { mode: 0o600 }),
      )
      const directory = makeNextFree(root, command)
      try {
        await begin([command, '--config', config, '--out', directory], directory)
      } catch (error) {
        removeEmpty(directory)
        throw error
      }
      return directory
    },
    async stop(directory) {
      const writer = writerOf(directory)
      if (writer === null)
        throw new UserError(
          isInProgress(directory)
            ? 'the run cannot be stopped from here, since it is not known which process writes it; press Ctrl-C where it runs'
            : 'the run is not in progress',
        )
      if (writer.host !== hostname())
        throw new UserError(`the run is written by a process on ${writer.host}; press Ctrl-C there`)
      if (!writer.listens)
        throw new UserError('the run is part of a program that would end without a checkpoint; stop it there')
      try {
        process.kill(writer.pid, 'SIGINT')
      } catch (error) {
        const why =
          (error as NodeJS.ErrnoException).code === 'EPERM'
            ? 'it belongs to another user'
            : 'it has just ended'
        throw new UserError(`the process that writes the run cannot be stopped from here: ${why}`)
      }
    },
    async resume(directory) {
      if (isInProgress(directory)) throw new UserError('the run is in progress already')
      if (readInfo(directory).status === 'done')
        throw new UserError('the run is done; there is nothing to continue')
      await begin(['resume', directory], directory)
    },
  }
}

/** The error that a command with --json ended with. */
function lastError(log: string): string | null {
  const lines = readFileSync(log, 'utf8').split('\n').map(parseJson).filter(isRecord)
  const message = lines.findLast(({ type }) => type === 'error')?.message
  return typeof message === 'string' ? message : null
}

/** Makes the folder of the next free number, so that two commands never share one. */
function makeNextFree(root: string, command: string): string {
  return onDisk('create', root, () => {
    for (let n = 1; ; n++) {
      const directory = join(root, `${command}-${n}`)
      if (existsSync(directory)) continue
      mkdirSync(directory)
      return directory
    }
  })
}

/** A run that was never begun leaves no folder. */
function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // it is not empty: the run has begun after all
  }
}
