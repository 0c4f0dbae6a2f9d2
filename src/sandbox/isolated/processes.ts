import { readdirSync, readFileSync, statfsSync } from 'node:fs'

/** Most files in a private folder: each takes kernel memory that no other limit counts. */
const MOST_FILES = 10_000
const O_CLOEXEC = 0o2000000

/** The memory and files that the running sandbox started by process `pid` uses now. Processes that end meanwhile count as 0. */
export function usage(pid: number): { memoryMiB: number; tooManyFiles: boolean } {
  let kib = 0
  let tooManyFiles = false
  const pids = [pid]
  for (const p of pids) {
    try {
      kib += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${p}/status`, 'utf8'))?.[1] ?? 0)
      for (const thread of readdirSync(`/proc/${p}/task`)) pids.push(...childrenOf(p, thread))
    } catch (error) {
      if (!isGone(error)) throw error
    }
  }
  const first = pids[1]
  for (const folder of first === undefined ? [] : ['tmp', 'dev/shm']) {
    try {
      const { files, ffree } = statfsSync(`/proc/${first}/root/${folder}`)
      if (files - ffree > MOST_FILES) tooManyFiles = true
    } catch (error) {
      if (!isGone(error)) throw error
    }
  }
  return { memoryMiB: kib / 1024, tooManyFiles }
}

/** The processes that a thread has started, oldest first. */
function childrenOf(pid: number, thread: string | number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').trim()
  return children ? children.split(' ').map(Number) : []
}

/**
 * Kills the first process of the sandbox started by process `pid`, and with it all others. Process `pid` itself is not
 * killed: it reaps that process and then ends; otherwise a zombie could be left behind.
 */
export function killSandbox(pid: number): void {
  try {
    const [first] = childrenOf(pid, pid)
    process.kill(first ?? -pid, 'SIGKILL')
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** Descriptors of this process that started programs would inherit: those without the close-on-exec flag. */
export function inheritable(): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .sort((a, b) => a - b)
    .filter((fd) => {
      try {
        const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!
        return (Number.parseInt(flags, 8) & O_CLOEXEC) === 0
      } catch (error) {
        if (isGone(error)) return false
        throw error
      }
    })
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')
}
