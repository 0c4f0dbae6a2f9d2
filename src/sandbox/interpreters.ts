import { execFile } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Language } from './program.ts'

/** An interpreter on this machine, and the files it needs besides `SYSTEM`. */
export interface Interpreter {
  readonly command: string
  readonly version: string
  readonly files: readonly string[]
}

/** Folders of programs and libraries that every sandbox can read, if the host has them. */
export const SYSTEM = ['/usr/bin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/share/zoneinfo']

const DESCRIBE =
  'import json, sys; print(json.dumps([sys.executable, sys.base_prefix, sys.version.split()[0]]))'

/** The interpreter of a language: the Node that runs this process, or the first Python that starts; null if there is none. */
export async function findInterpreter(language: Language): Promise<Interpreter | null> {
  if (language === 'javascript') {
    const node = realpathSync(process.execPath)
    return { command: node, version: `Node ${process.versions.node}`, files: outsideSystem([node]) }
  }
  for (const python of ['python3', '/usr/bin/python3', '/usr/local/bin/python3']) {
    const described = await output(python, ['-I', '-c', DESCRIBE])
    if (!described) continue
    const [executable, prefix, version] = JSON.parse(described) as [string, string, string]
    const command = realpathSync(executable)
    // Python looks for its library in ../lib, relative to the folder of its binary.
    const library = join(dirname(dirname(command)), 'lib')
    return {
      command,
      version: `Python ${version}`,
      files: outsideSystem([...new Set([command, library, join(prefix, 'lib')])]),
    }
  }
  return null
}

function outsideSystem(paths: readonly string[]): string[] {
  return paths.filter((path) => !SYSTEM.some((folder) => path === folder || path.startsWith(`${folder}/`)))
}

function output(command: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 10_000 }, (error, stdout) => resolve(error ? null : stdout))
  })
}
