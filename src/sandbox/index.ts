import { availableParallelism } from 'node:os'
import pLimit from 'p-limit'
import { UserError } from '../common/errors.ts'
import { findInterpreter } from './interpreters.ts'
import { runIsolated } from './isolated/isolated.ts'
import { DEFAULT_LIMITS, type Language, type Limits, type Outcome, type Program } from './program.ts'
import { runInterpreted } from './quickjs/quickjs.ts'

export { DEFAULT_LIMITS, type Language, type Limits, type Outcome, type Program }

/** Runs programs of one language, isolated from the rest of the machine. */
interface Sandbox {
  /** To show to people, e.g. "bubblewrap, Python 3.11.2". */
  readonly name: string
  run(program: Program, limits: Limits): Promise<Outcome>
}

/** A sandbox must print 42 with this program before it is used: otherwise its own failures would count as a program's. */
const HELLO: Record<Language, string> = { python: 'print(6 * 7)', javascript: 'console.log(6 * 7)' }
const INSTALL = 'install bubblewrap, and util-linux if it is missing: apt-get install bubblewrap util-linux'

const sandboxes = new Map<Language, Promise<Sandbox>>()
const limit = pLimit(availableParallelism())

/**
 * The sandbox of a language on this machine: bubblewrap, or for JavaScript an interpreter in WebAssembly. It is tested
 * once in a process.
 *
 * @throws UserError if there is none; no program is ever run outside a sandbox.
 */
export function sandboxFor(language: Language): Promise<Sandbox> {
  const sandbox = sandboxes.get(language) ?? find(language)
  sandboxes.set(language, sandbox)
  return sandbox
}

async function find(language: Language): Promise<Sandbox> {
  try {
    return await bubblewrap(language)
  } catch (error) {
    if (language === 'javascript')
      return tested(language, { name: 'QuickJS in WebAssembly', run: runInterpreted })
    const reason = error instanceof Error ? error.message : String(error)
    throw new UserError(`no sandbox for Python programs on this machine (${reason}); ${INSTALL}`)
  }
}

/** @throws Error with the reason why bubblewrap cannot be used. */
async function bubblewrap(language: Language): Promise<Sandbox> {
  if (process.platform !== 'linux') throw new Error('bubblewrap runs on Linux only')
  const interpreter = await findInterpreter(language)
  if (!interpreter) throw new Error('there is no python3')
  return tested(language, {
    name: `bubblewrap, ${interpreter.version}`,
    run: (program, limits) => runIsolated(program, interpreter, limits),
  })
}

async function tested(language: Language, sandbox: Sandbox): Promise<Sandbox> {
  const hello = { language, source: HELLO[language], input: { stdin: '' } }
  const { stdout, detail } = await sandbox.run(hello, DEFAULT_LIMITS)
  if (stdout !== '42\n') throw new Error(`the test program failed: ${detail}`)
  return sandbox
}

/**
 * Runs an untrusted program in a sandbox, at most one program per core at a time.
 *
 * @throws UserError if this machine has no sandbox for its language; Error if the sandbox itself failed.
 */
export async function runProgram(program: Program, limits: Limits = DEFAULT_LIMITS): Promise<Outcome> {
  const sandbox = await sandboxFor(program.language)
  return limit(() => sandbox.run(program, limits))
}
