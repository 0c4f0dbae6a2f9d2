import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packageRoot } from '../common/files/package.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-telemetry-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const source = (path: string): string => JSON.stringify(join(packageRoot(), 'src', path))

/** Runs a program in a process whose home folder is empty. Returns the files in that folder afterwards. */
function filesLeftBy(name: string, program: string): string[] {
  const home = join(folder, name)
  mkdirSync(home)
  const file = join(folder, `${name}.mts`)
  writeFileSync(file, program)
  const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env
  const places = { HOME: home, USERPROFILE: home, XDG_CACHE_HOME: join(home, 'cache'), LOCALAPPDATA: home }
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', file], {
    cwd: packageRoot(),
    env: { ...env, ...places },
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return readdirSync(home, { recursive: true }) as string[]
}

test.each([
  [
    'package',
    `import { openSampler } from ${source('index.ts')}
     const model = ${JSON.stringify(join(packageRoot(), 'models', 'miniature-base'))}
     const sampler = await openSampler({ model, threads: 2 })
     await sampler.sample(Int32Array.of(5), { n: 2, maxTokens: 4, temperature: 1, seed: 1 })
     await sampler.close()`,
  ],
  [
    'in a worker thread alone',
    `import { Worker } from 'node:worker_threads'
     const code = \`
       require('tsx/cjs/api').register()
       const { openLocalEngine } = require(${source('engines/local/index.ts')})
       const model = ${JSON.stringify(join(packageRoot(), 'models', 'miniature-base'))}
       openLocalEngine({ model, threads: 2 }).then((engine) => engine.close())\`
     new Worker(code, { eval: true, execArgv: [] })`,
  ],
  [
    'session',
    `import { Graph } from ${source('onnx/graph.ts')}
     import { neg } from ${source('onnx/ops.ts')}
     import { Session } from ${source('onnx/session.ts')}
     const graph = new Graph()
     graph.output('y', neg(graph.input('x', 'float32', [])))
     const session = new Session(graph, { threads: 1 })
     session.run({ x: { data: Float32Array.of(1), dims: [] } })
     session.dispose()`,
  ],
])('the runtime leaves no device id and no events behind: %s', (name, program) => {
  expect(filesLeftBy(name, program)).toEqual([])
})
