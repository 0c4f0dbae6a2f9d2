import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, freemem, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { UserError } from '../common/errors.ts'
import { versions } from '../common/package.ts'
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
  /** What was found, or what is missing or wrong. */
  readonly detail: string
}

/** Returns what it found; throws where something is missing or wrong. */
type Probe = () => string | Promise<string>

/** Checks everything that training needs on this machine, and what only some rewards need, one result at a time. */
export async function* checkMachine(): AsyncGenerator<Check> {
  for (const [name, probe] of Object.entries(NEEDED)) yield check(name, probe, () => 'failed')
  for (const [name, probe] of Object.entries(OPTIONAL))
    yield check(name, probe, (error) => (error instanceof UserError ? 'skip' : 'failed'))
}

async function check(
  name: string,
  probe: Probe,
  statusOf: (error: unknown) => Check['status'],
): Promise<Check> {
  try {
    return { name, status: 'ok', detail: await probe() }
  } catch (error) {
    return { name, status: statusOf(error), detail: error instanceof Error ? error.message : String(error) }
  }
}

const NEEDED: Record<string, Probe> = {
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

/** Sandboxes, which only rewards and tasks that run programs need. */
const OPTIONAL: Record<string, Probe> = {
  'python programs': async () => (await sandboxFor('python')).name,
  'javascript programs': async () => (await sandboxFor('javascript')).name,
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
