import { execFile } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Language } from './program.ts'

/** What runs a language, and what of the host's files it needs beside the system's own. */
export interface Interpreter {
  readonly command: string
  readonly version: string
  readonly files: readonly string[]
}

/** In every sandbox, where the host has them: programs and libraries, nothing else of the host. */
export const SYSTEM = ['/usr/bin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/share/zoneinfo']

const DESCRIBE =
  'import json, sys; print(json.dumps([sys.executable, sys.base_prefix, sys.version.split()[0]]))'

/** The interpreter of a language on this machine: the Node that runs this; the first Python that starts. */
export async function findInterpreter(language: Language): Promise<Interpreter | null> {
  if (language === 'javascript') {
    const node = realpathSync(process.execPath)
    return { command: node, version: `Node ${process.versions.node}`, files: beyondSystem([node]) }
  }
  for (const python of ['python3', '/usr/bin/python3', '/usr/local/bin/python3']) {
    const described = await output(python, ['-I', '-c', DESCRIBE])
    if (!described) continue
    const [executable, prefix, version] = JSON.parse(described) as [string, string, string]
    const command = realpathSync(executable)
    // The binary looks for its library beside the folder that it lies in.
    const library = join(dirname(dirname(command)), 'lib')
    return {
      command,
      version: `Python ${version}`,
      files: beyondSystem([...new Set([command, library, join(prefix, 'lib')])]),
    }
  }
  return null
}

function beyondSystem(paths: readonly string[]): string[] {
  return paths.filter((path) => !SYSTEM.some((folder) => path === folder || path.startsWith(`${folder}/`)))
}

function output(command: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 10_000 }, (error, stdout) => resolve(error ? null : stdout))
  })
}
