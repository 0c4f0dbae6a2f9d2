import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { DEFAULT_LIMITS, type Outcome, runProgram, sandboxFor } from '../index.ts'

const LIMITS = { ...DEFAULT_LIMITS, cpuSeconds: 2, wallSeconds: 3, memoryMiB: 128, outputKiB: 64 }
// These tests cannot run on a machine without bubblewrap, or where it is not allowed to make namespaces.
const reason = await sandboxFor('python').then(
  () => null,
  (error: Error) => error.message,
)
if (reason) console.warn(`The tests of isolation are skipped: ${reason}`)

const python = (source: string, stdin = ''): Promise<Outcome> =>
  runProgram({ language: 'python', source, input: { stdin } }, LIMITS)

/** Processes of sandboxes that this process has started. */
function sandboxes(): string[] {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return ''
    }
  }
  const isOurs = (pid: number): boolean => pid === process.pid || (pid > 1 && isOurs(parentOf(pid)))
  const parentOf = (pid: number): number =>
    Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)
  return readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && read(`/proc/${pid}/cmdline`).includes('/box/main') && isOurs(Number(pid)),
  )
}

describe.skipIf(reason !== null)('in bubblewrap', () => {
  const secret = join(tmpdir(), `ruminate-secret-${process.pid}`)
  const server = createServer((socket) => socket.end('reached'))
  let port = 0
  beforeAll(async () => {
    writeFileSync(secret, 'host secret')
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as { port: number }).port
    process.env.RUMINATE_SECRET = 'host secret'
  })
  afterAll(() => {
    server.close()
    rmSync(secret)
    delete process.env.RUMINATE_SECRET
  })

  const attacks: [name: string, source: () => string, ends: Outcome['end'][]][] = [
    [
      'fork bomb',
      () => 'import os\nwhile True:\n  try: os.fork()\n  except OSError: pass',
      ['timeout', 'memory'],
    ],
    ['memory bomb', () => 'x = []\nwhile True: x.append(bytearray(1 << 20))', ['memory']],
    [
      'memory bomb of many processes',
      () => 'import os, time\nfor _ in range(4): os.fork()\nx = bytearray(60 << 20)\ntime.sleep(60)',
      ['memory'],
    ],
    [
      'files without end',
      () => 'i = 0\nwhile True:\n  open(f"/tmp/{i}", "w").close(); i += 1',
      ['memory', 'timeout', 'failed'],
    ],
    ['infinite loop', () => 'while True: pass', ['timeout']],
    ['sleep', () => 'import time\ntime.sleep(1000)', ['timeout']],
    ['infinite output', () => 'while True: print("x" * 1000)', ['output']],
  ]
  test.each(attacks)('%s is stopped, and the next program runs', async (_, source, ends) => {
    expect(ends).toContain((await python(source())).end)
    expect(await python('print(input())', 'next')).toMatchObject({ end: 'exit', stdout: 'next\n' })
    expect(sandboxes()).toEqual([])
  })

  const tries: [name: string, source: () => string][] = [
    [
      'the network',
      () => `import socket\nprint(socket.create_connection(("127.0.0.1", ${port})).recv(9).decode())`,
    ],
    ['a file of the host', () => `print(open(${JSON.stringify(secret)}).read())`],
    ['the passwords', () => 'print(open("/etc/passwd").read())'],
    ["the caller's environment", () => 'import os\nprint(os.environ["RUMINATE_SECRET"])'],
    [
      'a symlink to the host',
      () => `import os\nos.symlink(${JSON.stringify(secret)}, "/tmp/l")\nprint(open("/tmp/l").read())`,
    ],
    [
      'a symlink to the root',
      () =>
        `import os\nos.symlink("/proc/1/root", "/tmp/l")\nprint(open("/tmp/l"+${JSON.stringify(secret)}).read())`,
    ],
    ['writing outside', () => 'open("/usr/bin/ruminate-was-here", "w")\nprint("written")'],
    ['signalling the caller', () => `import os\nos.kill(${process.pid}, 9)\nprint("killed")`],
    [
      'signalling the first process',
      () =>
        'import os, signal\nos.kill(1, signal.SIGKILL)\nos.kill(1, 0)\nprint("killed") if os.getuid() == 0 else exit(1)',
    ],
    [
      'a namespace of its own',
      () => 'import ctypes\nl = ctypes.CDLL(None)\nexit(1) if l.unshare(0x10000000) else print("unshared")',
    ],
  ]
  test.each(tries)('%s is out of reach', async (_, source) => {
    expect(await python(source())).toMatchObject({ end: 'failed', stdout: '' })
  })

  test('a signal to every process reaches none outside', async () => {
    await python('import os\nos.kill(-1, 9)')
    expect(await python('print(1)')).toMatchObject({ stdout: '1\n' })
  })

  test('a process that is left running is killed, even in its own session', async () => {
    const source = 'import os, time\nif os.fork() == 0:\n  os.setsid()\n  time.sleep(1000)\nprint("done")'
    expect(await python(source)).toMatchObject({ end: 'exit', stdout: 'done\n' })
    expect(sandboxes()).toEqual([])
  })

  test('60 programs at once leave nothing behind', async () => {
    const resources = () => ({
      files: readdirSync('/proc/self/fd').length,
      folders: readdirSync(tmpdir()),
      mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
      programs: sandboxes(),
    })
    const own = mkdtempSync(join(tmpdir(), 'ruminate-sandbox-'))
    vi.stubEnv('TMPDIR', own)
    await python('print(0)')
    const before = resources()
    const outcomes = await Promise.all(Array.from({ length: 60 }, (_, i) => python('print(input())', `${i}`)))
    expect(outcomes.map(({ stdout }) => stdout)).toEqual(Array.from({ length: 60 }, (_, i) => `${i}\n`))
    expect(resources()).toEqual(before)
    vi.unstubAllEnvs()
    rmSync(own, { recursive: true })
  })
})
