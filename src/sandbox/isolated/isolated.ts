import { type IOType, type StdioOptions, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { mainFile } from '../call.ts'
import type { Interpreter } from '../interpreters.ts'
import type { Limits, Outcome, Program } from '../program.ts'
import { commandLine, FD, memoryFor, spareUid } from './bubblewrap.ts'
import { inheritable, killSandbox, usage } from './processes.ts'
import { seccompFilter } from './seccomp.ts'

/** The shell that starts the interpreter first writes this to the result's descriptor; everything after it is the program's. */
const STARTED = '\n'
/** Interval between checks of the memory of all processes together; the kernel limits the memory of each process. */
const WATCH_MS = 100
/** Time limit for setting up the sandbox, even on a busy machine. */
const START_SECONDS = 30
const SIGKILL = 9
const SIGXCPU = 24
const OUT_OF_MEMORY =
  /MemoryError|out of memory|Array buffer allocation failed|Cannot allocate memory|bad_alloc/

/**
 * Runs a program in bubblewrap, in its own process group. All its processes have ended when the promise resolves.
 *
 * @throws Error if the sandbox could not be set up, with bubblewrap's message.
 */
export async function runIsolated(
  program: Program,
  interpreter: Interpreter,
  limits: Limits,
): Promise<Outcome> {
  const filter = seccompFilter()
  if (!filter) throw new Error(`the system calls of ${process.arch} processors are not known`)
  const { main, stdin } = mainFile(program)
  const [command = '', ...args] = commandLine(program.language, interpreter, limits, { uid: spareUid() })
  const child = withoutLeaks((stdio) =>
    // The program can read bubblewrap's own environment in /proc/1/environ.
    spawn(command, args, { env: { PATH: '/usr/local/bin:/usr/bin:/bin' }, cwd: '/', detached: true, stdio }),
  )
  let fail: (error: unknown) => void = () => {}
  const closed = new Promise<number | null>((resolve, reject) => {
    fail = reject
    child.once('error', reject)
    // Not 'exit': only when the pipes are closed has every process ended that could still write.
    child.once('close', resolve)
  })
  if (child.pid === undefined) await closed
  let ended: Outcome['end'] | 'not started' | null = null
  const end = (why: typeof ended) => {
    ended ??= why
    if (child.exitCode === null && child.signalCode === null) killSandbox(child.pid!)
  }

  let bytes = 0
  let started = false
  let startedAt = 0
  let clock = setTimeout(() => end('not started'), START_SECONDS * 1000)
  let watch: NodeJS.Timeout | undefined
  const start = () => {
    started = true
    startedAt = performance.now()
    clearTimeout(clock)
    clock = setTimeout(() => end('timeout'), limits.wallSeconds * 1000)
    watch = setInterval(() => {
      try {
        const { memoryMiB, tooManyFiles } = usage(child.pid!)
        if (memoryMiB > memoryFor(program.language, limits) || tooManyFiles) end('memory')
      } catch (error) {
        killSandbox(child.pid!)
        fail(error)
      }
    }, WATCH_MS)
  }
  const collect = (stream: Readable): Buffer[] => {
    const chunks: Buffer[] = []
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > limits.outputKiB * 1024) end('output')
      else chunks.push(chunk)
    })
    return chunks
  }
  const stdio: readonly unknown[] = child.stdio
  const stdout = collect(child.stdout!)
  const stderr = collect(child.stderr!)
  const result = collect(stdio[FD.result] as Readable)
  ;(stdio[FD.result] as Readable).once('data', start)
  for (const [fd, data] of [
    [FD.filter, filter],
    [FD.main, main],
    [FD.stdin, stdin],
  ] as const) {
    const pipe = stdio[fd] as Writable
    // The program may end before it has read everything.
    pipe.on('error', () => {})
    pipe.end(data)
  }
  try {
    const code = await closed
    const errors = Buffer.concat(stderr).toString()
    if (!started || ended === 'not started')
      throw new Error(
        `the sandbox could not be set up: ${lastLine(errors) || `no answer within ${START_SECONDS} s`}`,
      )
    const seconds = (performance.now() - startedAt) / 1000
    return {
      end: ended ?? naturalEnd(code, errors, seconds >= limits.cpuSeconds),
      stdout: Buffer.concat(stdout).toString(),
      result: Buffer.concat(result).toString().slice(STARTED.length) || null,
      detail: (ended && describeLimit(ended, limits)) || lastLine(errors) || `exit code ${code}`,
    }
  } finally {
    clearTimeout(clock)
    clearInterval(watch)
  }
}

/** Starts a child with pipes for all of `FD`; all other descriptors that it would inherit are replaced by /dev/null. */
function withoutLeaks<T>(start: (stdio: StdioOptions) => T): T {
  const devNull = openSync('/dev/null', 'r')
  try {
    const stdio: (IOType | number)[] = [
      'ignore',
      'pipe',
      'pipe',
      ...Object.values(FD).map(() => 'pipe' as const),
    ]
    for (const fd of inheritable()) {
      while (stdio.length < fd) stdio.push('ignore')
      if (stdio.length === fd) stdio.push(devNull)
    }
    return start(stdio)
  } finally {
    closeSync(devNull)
  }
}

function describeLimit(end: Outcome['end'], limits: Limits): string {
  if (end === 'timeout') return `not done after ${limits.wallSeconds} s`
  if (end === 'output') return `wrote more than ${limits.outputKiB} KiB`
  return `used more than ${limits.memoryMiB} MiB`
}

function naturalEnd(code: number | null, errors: string, pastCpuLimit: boolean): Outcome['end'] {
  if (code === 0) return 'exit'
  if (code === 128 + SIGXCPU || (code === 128 + SIGKILL && pastCpuLimit)) return 'timeout'
  // Killed by the system, which ran out of memory (no exit code: bubblewrap itself was killed).
  if (code === null || code === 128 + SIGKILL || OUT_OF_MEMORY.test(errors)) return 'memory'
  return 'failed'
}

/** The last line that names an error, or else the last line. */
function lastLine(text: string): string {
  const lines = text.trimEnd().slice(-2000).split('\n')
  return (lines.findLast((line) => /^\s*\w*(Error|Exception)\b/.test(line)) ?? lines.at(-1)!)
    .trim()
    .slice(0, 300)
}
