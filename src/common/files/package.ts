import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the package, which has package.json and models/, whether this runs from src/ or from dist/. */
export function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url))
  for (;;) {
    if (readJson(join(directory, 'package.json'))?.name === 'ruminate') return directory
    const parent = dirname(directory)
    if (parent === directory) throw new Error(`no package.json of ruminate above ${import.meta.url}`)
    directory = parent
  }
}

/** Versions of everything that a run's numbers depend on. */
export function versions(): Record<string, string> {
  const require = createRequire(import.meta.url)
  const runtime = readJson(require.resolve('onnxruntime-node/package.json'))
  return {
    ruminate: readJson(join(packageRoot(), 'package.json'))?.version ?? 'unknown',
    'onnxruntime-node': runtime?.version ?? 'unknown',
    node: process.versions.node,
    platform: `${platform()}-${arch()}`,
  }
}

function readJson(file: string): { name?: string; version?: string } | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
