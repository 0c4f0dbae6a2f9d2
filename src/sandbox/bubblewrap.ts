import { randomInt } from 'node:crypto'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { RESULT_FD } from './call.ts'
import { type Interpreter, SYSTEM } from './interpreters.ts'
import type { Language, Limits } from './program.ts'

/** File descriptors of the sandbox's own command line. */
export const FD = { result: RESULT_FD, filter: 4, main: 5, stdin: 6 } as const

const MIB = 2 ** 20
/** Node keeps memory of its own beside the program's. */
const NODE_MIB = 192
const LOCALE = { LANG: 'C.UTF-8', PATH: '/usr/bin:/bin', HOME: '/tmp', TMPDIR: '/tmp' }
const ENVIRONMENT: Record<Language, Record<string, string>> = {
  // The same order of sets in every run; one thread in numerical libraries.
  python: {
    PYTHONHASHSEED: '0',
    PYTHONUTF8: '1',
    OMP_NUM_THREADS: '1',
    OPENBLAS_NUM_THREADS: '1',
  },
  javascript: {},
}

/**
 * The command that runs /box/main in an interpreter behind bubblewrap: own process, network, IPC, host name and mount
 * namespaces; of the host's files only the interpreter and the system's libraries, read-only; no environment; a small
 * private /tmp; no capability and no way to one; a user of its own, so that the limit on processes counts only these.
 *
 * As root the program drops to `uid`, which nobody else has; otherwise bubblewrap makes a user namespace, in which
 * Linux (5.14 and newer) counts processes apart.
 */
export function commandLine(
  language: Language,
  interpreter: Interpreter,
  limits: Limits,
  { uid }: { uid: number | null },
): string[] {
  const mounted = [...SYSTEM, '/etc/ld.so.cache', '/etc/alternatives', ...interpreter.files].filter(
    existsSync,
  )
  return [
    // Where the machine runs out of memory, this goes first and not the trainer.
    ...['choom', '-n', '1000', '--', 'bwrap', '--die-with-parent', '--new-session'],
    ...[
      '--unshare-pid',
      '--as-pid-1',
      '--unshare-net',
      '--unshare-ipc',
      '--unshare-uts',
      '--unshare-cgroup-try',
    ],
    ...['--hostname', 'sandbox', '--seccomp', String(FD.filter), '--clearenv'],
    ...Object.entries({ ...LOCALE, ...ENVIRONMENT[language] }).flatMap(([k, v]) => ['--setenv', k, v]),
    ...(uid === null ? ['--unshare-user', '--uid', '65534', '--gid', '65534'] : []),
    ...foldersAbove([...mounted, '/box/main']).flatMap((path) => ['--perms', '0755', '--dir', path]),
    ...mounted.flatMap((path) => ['--ro-bind', path, path]),
    ...['/bin', '/lib', '/lib32', '/lib64'].flatMap(sameAsOnHost),
    ...['--perms', '0444', '--file', String(FD.main), '/box/main'],
    ...['--perms', '0444', '--file', String(FD.stdin), '/box/stdin'],
    ...['--proc', '/proc', '--dev', '/dev', ...tmpfs('/dev/shm', limits), '--remount-ro', '/dev'],
    ...[...tmpfs('/tmp', limits), '--chdir', '/tmp', '--remount-ro', '/'],
    ...(uid === null ? [] : ['--cap-add', 'CAP_SETUID', '--cap-add', 'CAP_SETGID']),
    // The first process: when it ends, the kernel ends all others before anyone hears of it. Input is a file, not a pipe,
    // so that programs can open /dev/stdin.
    ...['--', 'sh', '-c', '"$@" </box/stdin; exit $?', 'sh'],
    ...(uid === null ? [] : dropTo(uid)),
    ...resourceLimits(language, limits),
    // Says on the result's descriptor that everything stands.
    ...['sh', '-c', `echo >&${FD.result}; exec "$@"`, 'sh', interpreter.command],
    ...(language === 'python' ? ['-s', '-B'] : [`--max-old-space-size=${limits.memoryMiB}`]),
    '/box/main',
  ]
}

function tmpfs(path: string, { tmpMiB }: Limits): string[] {
  return ['--perms', '1777', '--size', String(tmpMiB * MIB), '--tmpfs', path]
}

function dropTo(uid: number): string[] {
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${uid}`,
    '--clear-groups',
    '--inh-caps=-all',
    '--bounding-set=-all',
  ]
}

/** MiB that a process, and all together, may hold. */
export function memoryFor(language: Language, { memoryMiB }: Limits): number {
  return memoryMiB + (language === 'javascript' ? NODE_MIB : 0)
}

function resourceLimits(language: Language, limits: Limits): string[] {
  const memory = memoryFor(language, limits) * MIB
  return [
    ...['prlimit', '--core=0', `--cpu=${limits.cpuSeconds}:${limits.cpuSeconds + 1}`],
    ...[`--data=${memory}`, `--nproc=${limits.processes}`, '--nofile=128', '--memlock=0', '--msgqueue=0'],
    `--fsize=${limits.tmpMiB * MIB}`,
    // Node reserves far more addresses than it uses.
    ...(language === 'python' ? [`--as=${memory}`] : []),
  ]
}

/** `/lib` is a link into /usr on most systems, a folder on some, and absent on others. */
function sameAsOnHost(path: string): string[] {
  if (!existsSync(path)) return []
  try {
    return ['--symlink', readlinkSync(path), path]
  } catch {
    return ['--ro-bind', path, path]
  }
}

/** Every folder above the paths but the root, outermost first. */
function foldersAbove(paths: readonly string[]): string[] {
  const folders = new Set<string>()
  for (const path of paths)
    for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) folders.add(folder)
  return [...folders].sort((a, b) => a.length - b.length)
}

/** For root: a user number that is mapped here, and of no other run of this machine that is likely to live. */
export function spareUid(): number | null {
  if (process.getuid?.() !== 0) return null
  // Lines of first, first outside, count: with a user namespace around this process, few numbers exist.
  const ends = readFileSync('/proc/self/uid_map', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([first = 0, , count = 0]) => first + count)
  const end = Math.min(Math.max(...ends), 2 ** 31)
  // Of the upper half, up to 65533 where that is all there is.
  const spare = Math.floor(end / 2)
  return randomInt(end - spare, end - 2)
}
