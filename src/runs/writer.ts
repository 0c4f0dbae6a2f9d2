import { readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { isRecord, parseJson } from '../common/json.ts'
import { isInProgress } from './store.ts'

/** The process that writes a run. */
export interface Writer {
  readonly pid: number
  /** The machine that it is on. */
  readonly host: string
  /** Does SIGINT stop it with a checkpoint, or end it at once? */
  readonly listens: boolean
}

const fileOf = (directory: string): string => join(directory, '.lock.json')

/** Notes which process writes a run, whose lock it holds. Without the note, others cannot ask it to stop, and no more is lost. */
export function noteWriter(directory: string): void {
  const writer: Writer = {
    pid: process.pid,
    host: hostname(),
    listens: process.listenerCount('SIGINT') > 0,
  }
  try {
    writeFileSync(fileOf(directory), JSON.stringify(writer))
  } catch {
    // a disk that is full is reported by what the run itself writes
  }
}

/** The process that writes a run now; null if none does, or it is not known which. */
export function writerOf(directory: string): Writer | null {
  if (!isInProgress(directory)) return null
  let text: string
  try {
    text = readFileSync(fileOf(directory), 'utf8')
  } catch {
    return null
  }
  const note = parseJson(text)
  if (!isRecord(note) || !Number.isInteger(note.pid) || typeof note.host !== 'string') return null
  return { pid: note.pid as number, host: note.host, listens: note.listens === true }
}
