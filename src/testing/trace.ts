import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'

// Programs that are started are not traced: what they may do is tested where they are started.
const STRACE = ['-f', '--detach-on=execve', '-qq']

/** Whether programs can be traced here: strace is installed and may be used. */
export const canTrace = spawnSync('strace', [...STRACE, '-o', '/dev/null', 'true']).status === 0

/** The system calls that use a socket, that create, move or delete files, and that change folders. */
const CALLS = [
  ...['socket', 'connect', 'sendto', 'sendmsg', 'sendmmsg'],
  ...['open', 'openat', 'creat', 'mkdir', 'mkdirat', 'mknod', 'mknodat', 'truncate'],
  ...['rename', 'renameat', 'renameat2', 'link', 'linkat', 'symlink', 'symlinkat'],
  ...['unlink', 'unlinkat', 'rmdir', 'chdir', 'fchdir'],
]

/** What a program and its threads did. */
export interface Trace {
  readonly code: number | null
  readonly stderr: string
  /** The calls that reach for another machine or for a daemon that might, such as that of name look-ups. */
  readonly network: readonly string[]
  /** Absolute paths of the files and folders that were opened for writing, created, moved or deleted. */
  readonly written: readonly string[]
}

/**
 * Runs a program under strace. `env` is its whole environment, which has to have a PATH, and `log` is the file to which
 * strace writes.
 */
export function trace(
  program: string,
  words: readonly string[],
  { cwd, env, log }: { cwd: string; env: Record<string, string> & { PATH: string }; log: string },
): Trace {
  const variables = Object.entries(env).flatMap(([name, value]) => ['-E', `${name}=${value}`])
  const tracing = [...STRACE, '-s', '4096', '-e', `trace=${CALLS}`, '-e', 'signal=none', '-o', log]
  // strace itself is found on the path of the tests, and gives the program no other variable of theirs.
  const { status, stderr } = spawnSync('strace', [...tracing, ...variables, program, ...words], {
    cwd,
    env: { PATH: process.env.PATH },
    encoding: 'utf8',
  })
  return { code: status, stderr, ...readTrace(readFileSync(log, 'utf8'), cwd) }
}

/** Reads the log of strace. @throws Error for a relative path whose folder cannot be told. */
function readTrace(log: string, cwd: string): Pick<Trace, 'network' | 'written'> {
  const network: string[] = []
  const written = new Set<string>()
  /** The processes that have changed their folder: children do, before they start a program. */
  const moved = new Set<string>()
  for (const { pid, call } of wholeCalls(log)) {
    const name = /^\w+/.exec(call)![0]
    if (/^(socket|connect|send)/.test(name)) {
      // Netlink asks the kernel; a pair of Unix sockets, and what is sent without an address, stays between two processes.
      if (/AF_INET|^connect/.test(call)) network.push(call)
      continue
    }
    if (/ = -1 E/.test(call)) continue
    if (/^f?chdir/.test(name)) {
      moved.add(pid)
      continue
    }
    if (/^open/.test(name) && !/O_(WRONLY|RDWR|CREAT|TRUNC)/.test(call)) continue
    const paths = [...call.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, path]) => path!)
    // The first path of a symbolic link is only its text.
    for (const path of name.startsWith('symlink') ? paths.slice(1) : paths) {
      if (!isAbsolute(path) && (moved.has(pid) || /\w+\(\d/.test(call)))
        throw new Error(`it cannot be told in which folder this is: ${call}`)
      written.add(resolve(cwd, path))
    }
  }
  return { network, written: [...written] }
}

/** The calls of a log, each with the process or thread that made it; one that was interrupted by another thread's is put together again. */
function* wholeCalls(log: string): Generator<{ pid: string; call: string }> {
  const begun = new Map<string, string>()
  for (const line of log.split('\n')) {
    const [, pid, text] = /^(\d+) +(.*)$/.exec(line) ?? []
    if (pid === undefined || text === undefined || text.startsWith('+++')) continue
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(text)
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)
    if (unfinished) begun.set(pid, unfinished[1]!)
    else if (resumed) {
      yield { pid, call: `${begun.get(pid)}${resumed[1]}` }
      begun.delete(pid)
    } else yield { pid, call: text }
  }
  for (const [pid, call] of begun) yield { pid, call }
}
