import { randomInt } from 'node:crypto'
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Interpreter, SYSTEM } from '../interpreters.ts'
import { type Language, type Limits, RESULT_FD } from '../program.ts'

/** File descriptors of the sandbox's own command line. */
export const FD = { result: RESULT_FD, filter: 4, main: 5, stdin: 6 } as const

const MIB = 2 ** 20
/** Memory that Node itself needs, in addition to the program's. */
const NODE_MIB = 192
/**
 * A larger stack for deep recursion, which counts as memory when it is used; it stays as it is where the host allows less.
 * Only for Python: in Node, every thread would reserve as much.
 */
const STACK = { python: 'command ulimit -S -s 262144 2>/dev/null;', javascript: '' }
/** In KiB, of the 8 MiB that Linux gives the main thread. */
const NODE_STACK = 6500
const LOCALE = { LANG: 'C.UTF-8', PATH: '/usr/bin:/bin', HOME: '/tmp', TMPDIR: '/tmp' }
const ENVIRONMENT: Record<Language, Record<string, string>> = {
  // The same order of sets in every run, integers of any length as text, and one thread in numerical libraries.
  python: {
    PYTHONHASHSEED: '0',
    PYTHONINTMAXSTRDIGITS: '0',
    PYTHONUTF8: '1',
    OMP_NUM_THREADS: '1',
    OPENBLAS_NUM_THREADS: '1',
  },
  javascript: {},
}

/**
 * The command that runs /box/main with an interpreter in bubblewrap. The program has its own process, network, IPC, host
 * name and mount namespaces; it can read only the interpreter and the system's libraries among the host's files; it has no
 * environment, a small private /tmp, no capabilities and no means to gain any; and its own user, so that the limit on
 * processes counts only its own.
 *
 * When this process runs as root, the program runs as the otherwise unused user `uid`; else bubblewrap makes a user
 * namespace, in which Linux (5.14 and newer) counts processes separately.
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
    // If the machine runs out of memory, Linux kills this process first, not the trainer.
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
    // The first process in the namespace: when it ends, the kernel kills all others. The input is a file, not a pipe, so
    // that programs can open /dev/stdin.
    ...['--', 'sh', '-c', '"$@" </box/stdin; exit $?', 'sh'],
    ...(uid === null ? [] : dropTo(uid)),
    ...resourceLimits(language, limits),
    // Writes a line to the result's descriptor when the sandbox is set up.
    ...['sh', '-c', `${STACK[language]} echo >&${FD.result}; exec "$@"`, 'sh', interpreter.command],
    ...(language === 'python'
      ? ['-s', '-B']
      : [`--max-old-space-size=${limits.memoryMiB}`, `--stack-size=${NODE_STACK}`]),
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

/** Memory limit in MiB for a process, and for all processes together. */
export function memoryFor(language: Language, { memoryMiB }: Limits): number {
  return memoryMiB + (language === 'javascript' ? NODE_MIB : 0)
}

function resourceLimits(language: Language, limits: Limits): string[] {
  const memory = memoryFor(language, limits) * MIB
  return [
    ...['prlimit', '--core=0', `--cpu=${limits.cpuSeconds}:${limits.cpuSeconds + 1}`],
    ...[`--data=${memory}`, `--nproc=${limits.processes}`, '--nofile=128', '--memlock=0', '--msgqueue=0'],
    `--fsize=${limits.tmpMiB * MIB}`,
    // Node reserves far more address space than it uses.
    ...(language === 'python' ? [`--as=${memory}`] : []),
  ]
}

/** Options that make a path the same as on the host: `/lib`, say, is a link into /usr, a folder, or absent. */
function sameAsOnHost(path: string): string[] {
  if (!existsSync(path)) return []
  try {
    return ['--symlink', readlinkSync(path), path]
  } catch {
    return ['--ro-bind', path, path]
  }
}

/** All folders that contain the paths, without the root, outermost first. */
function foldersAbove(paths: readonly string[]): string[] {
  const folders = new Set<string>()
  for (const path of paths)
    for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) folders.add(folder)
  return [...folders].sort((a, b) => a.length - b.length)
}

/** If this process runs as root: a random user id that exists here and is unlikely to be in use; else null. */
export function spareUid(): number | null {
  if (process.getuid?.() !== 0) return null
  // Each line is: first id inside, first id outside, count. In a user namespace, only few ids exist.
  const ends = readFileSync('/proc/self/uid_map', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([first = 0, , count = 0]) => first + count)
  const end = Math.min(Math.max(...ends), 2 ** 31)
  // From the upper half of the ids.
  const spare = Math.floor(end / 2)
  return randomInt(end - spare, end - 2)
}
