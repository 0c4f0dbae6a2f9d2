import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, freemem, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import { freeBytes } from '../common/files/disk.ts'
import { packageRoot, versions } from '../common/files/package.ts'
import { plural } from '../common/words.ts'
import { hubToken } from '../hub/environment.ts'
import { EMBEDDED_BASE } from '../hub/find-model.ts'
import { Graph } from '../onnx/graph.ts'
import { matmul } from '../onnx/ops.ts'
import { Session } from '../onnx/session.ts'
import { createDatabase } from '../runs/database.ts'
import { sandboxFor } from '../sandbox/index.ts'

/** What one check of this machine found. */
export interface Check {
  readonly name: string
  /** `skip`: something that only some uses need is missing. */
  readonly status: 'ok' | 'skip' | 'failed'
  /** What was found; or what is missing or wrong, what it is for, and how to get it. */
  readonly detail: string
}

/** Returns what it found; throws where something is missing or wrong: a UserError where only some uses need it. */
type Probe = () => string | Promise<string>

/** Checks everything that training needs on this machine, and what only some uses need, one result at a time. */
export async function* checkMachine(): AsyncGenerator<Check> {
  for (const [name, probe] of Object.entries(PROBES)) yield check(name, probe)
}

async function check(name: string, probe: Probe): Promise<Check> {
  try {
    return { name, status: 'ok', detail: await probe() }
  } catch (error) {
    const status = error instanceof UserError ? 'skip' : 'failed'
    return { name, status, detail: error instanceof Error ? error.message : String(error) }
  }
}

const GIB = 2 ** 30
const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`
/** What a run of the miniature needs. */
const MEMORY = GIB
const DISK = 0.25 * GIB

const PROBES: Readonly<Record<string, Probe>> = {
  node() {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    if (major < 20 || (major === 20 && minor < 19))
      throw new Error(
        `this is Node ${process.versions.node}, but Ruminate needs 20.19 or newer: https://nodejs.org`,
      )
    return process.versions.node
  },
  ruminate() {
    const weights = join(packageRoot(), 'models', EMBEDDED_BASE, 'model.safetensors')
    if (!existsSync(weights)) throw new Error(`${weights} is missing: install or clone Ruminate again`)
    const form = import.meta.url.endsWith('.ts') ? 'from its sources' : 'built'
    return `${versions().ruminate}, ${form}, in ${packageRoot()}`
  },
  'onnx runtime'() {
    const value = multiplyOnRuntime()
    if (value !== 32) throw new Error(`1·4 + 2·5 + 3·6 came out as ${value}, not 32`)
    return `${versions()['onnxruntime-node']}: 1·4 + 2·5 + 3·6 = 32`
  },
  sqlite() {
    const folder = mkdtempSync(join(tmpdir(), 'ruminate-doctor-'))
    try {
      const database = createDatabase(join(folder, 'run.sqlite'), ['doctor', 0, '{}', '{}', 'running', ''])
      const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string }
      database.close()
      return version
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
  processor() {
    const flags = processorFlags()
    if (flags === null) return process.arch
    const best = ['avx512f', 'avx2', 'avx'].find((flag) => flags.includes(flag))
    if (best === undefined || best === 'avx')
      throw new UserError(
        `${process.arch} without AVX2: training works, but several times slower than on a processor that has it (most since 2015)`,
      )
    return `${process.arch} with ${best === 'avx2' ? 'AVX2' : 'AVX-512'}`
  },
  cores() {
    const [usable, all] = [availableParallelism(), cpus().length]
    return usable < all ? `${usable} usable of ${all}` : plural(usable, 'core')
  },
  memory() {
    const total = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY)
    const free = Math.min(process.availableMemory?.() ?? freemem(), total)
    const found = `${gib(free)} free of ${gib(total)}`
    if (total < MEMORY) throw new Error(`${found}; the miniature needs about ${gib(MEMORY)}`)
    if (free < MEMORY)
      throw new UserError(`${found}; the miniature needs about ${gib(MEMORY)}: end other programs`)
    return found
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
  'disk space'() {
    const free = freeBytes(process.cwd())
    const found = `${gib(free)} free in this folder`
    if (free < DISK)
      throw new Error(`${found}; a run of the miniature takes up to ${gib(DISK)}: delete files, or use --out`)
    return found
  },
  'python programs': () => sandboxName('python', 'the task code and the reward code run Python programs'),
  'javascript programs': () => sandboxName('javascript', 'the reward code runs JavaScript programs'),
  gpu() {
    throw new UserError('not used: Ruminate computes on the CPU')
  },
  'hub token'() {
    const token = hubToken()
    if (!token)
      throw new UserError(
        'none is set; needed only for gated models and data on the Hugging Face hub: create one at huggingface.co/settings/tokens, then `export HF_TOKEN=…`',
      )
    return `from ${token.source}`
  },
}

/** The sandbox of a language. @throws UserError that says what it is for, where there is none. */
async function sandboxName(language: 'python' | 'javascript', purpose: string): Promise<string> {
  try {
    return (await sandboxFor(language)).name
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError(`${error.message}. Needed only where ${purpose}`)
  }
}

/** What the processor can do; null where it cannot be read, or is not an x64 one. */
function processorFlags(): string[] | null {
  const file = '/proc/cpuinfo'
  if (process.arch !== 'x64' || !existsSync(file)) return null
  return /^flags\s*: (.*)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.split(' ') ?? null
}

/** [1 2 3] · [4 5 6] as a tensor program on ONNX Runtime. */
function multiplyOnRuntime(): number {
  const graph = new Graph()
  const a = graph.input('a', 'float32', [1, 3])
  const b = graph.input('b', 'float32', [3, 1])
  graph.output('product', matmul(a, b))
  const session = new Session(graph, { threads: 1 })
  try {
    const feeds = {
      a: { data: Float32Array.of(1, 2, 3), dims: [1, 3] },
      b: { data: Float32Array.of(4, 5, 6), dims: [3, 1] },
    }
    return (session.run(feeds).product!.data as Float32Array)[0]!
  } finally {
    session.dispose()
  }
}
