import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, freemem, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { defineCommand } from 'citty'
import pc from 'picocolors'
import { UserError } from '../../common/errors.ts'
import { versions } from '../../common/package.ts'
import { createDatabase } from '../../runs/database.ts'
import { type Language, sandboxFor } from '../../sandbox/index.ts'
import { command } from '../command.ts'
import { multiplyOnRuntime } from '../runtime-check.ts'
import { outputOf, outputOptions } from '../terminal/options.ts'

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export const doctor = command(
  defineCommand({
    meta: {
      name: 'doctor',
      description: 'Check that this machine can train: Node, ONNX Runtime, SQLite, memory, disk',
    },
    args: outputOptions,
  }),
  async (values) => {
    const output = outputOf(values)
    let failed = 0
    for (const [name, probe] of Object.entries(PROBES)) {
      const check = await attempt(name, probe)
      if (!check.ok) failed++
      output.emit({ type: 'check', ...check })
      if (!output.json)
        output.result(`${check.ok ? pc.green('ok  ') : pc.red('FAIL')} ${name.padEnd(19)} ${check.detail}`)
    }
    output.emit({ type: 'result', ok: failed === 0, versions: versions() })
    return failed === 0 ? 0 : 1
  },
)

/** Each returns what it saw, or throws what is wrong. */
const PROBES: Record<string, () => string | Promise<string>> = {
  node() {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    if (major < 20 || (major === 20 && minor < 19))
      throw new Error(`Node ${process.versions.node}; 20.19 or newer is needed`)
    return process.versions.node
  },
  'onnx runtime'() {
    const value = multiplyOnRuntime()
    if (value !== 32) throw new Error(`1·4 + 2·5 + 3·6 came out as ${value}, not 32`)
    return `${versions()['onnxruntime-node']}: 1·4 + 2·5 + 3·6 = 32`
  },
  sqlite() {
    return inTemporaryFolder((folder) => {
      const database = createDatabase(join(folder, 'run.sqlite'), ['doctor', 0, '{}', '{}', 'running', ''])
      const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string }
      database.close()
      return version
    })
  },
  'python programs': () => sandboxOf('python'),
  'javascript programs': () => sandboxOf('javascript'),
  cores: () => String(availableParallelism()),
  memory() {
    const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`
    if (totalmem() < 2 ** 30) throw new Error(`${gib(totalmem())}; the miniature needs about 1 GiB`)
    return `${gib(freemem())} free of ${gib(totalmem())}`
  },
  'write access'() {
    const folder = mkdtempSync(join(process.cwd(), '.ruminate-doctor-'))
    try {
      writeFileSync(join(folder, 'file'), 'x')
    } finally {
      rmSync(folder, { recursive: true })
    }
    return process.cwd()
  },
}

/** Training needs none, unless programs are rewarded. */
async function sandboxOf(language: Language): Promise<string> {
  try {
    return (await sandboxFor(language)).name
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
}

async function attempt(name: string, probe: () => string | Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, detail: await probe() }
  } catch (error) {
    return { name, ok: false, detail: error instanceof Error ? error.message : String(error) }
  }
}

function inTemporaryFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-doctor-'))
  try {
    return work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
