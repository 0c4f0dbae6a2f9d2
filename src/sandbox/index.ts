import { UserError } from '../common/errors.ts'
import { findInterpreter } from './interpreters.ts'
import { runIsolated } from './isolated.ts'
import { pool } from './pool.ts'
import { DEFAULT_LIMITS, type Language, type Limits, type Outcome, type Program } from './program.ts'
import { runInterpreted } from './quickjs.ts'

export { DEFAULT_LIMITS, type Language, type Limits, type Outcome, type Program }

/** What keeps the programs of a language from the rest of the machine. */
export interface Sandbox {
  /** "bubblewrap, Python 3.11.2": for people. */
  readonly name: string
  run(program: Program, limits: Limits): Promise<Outcome>
}

/** What a sandbox must be able to run before it is trusted with a program whose failure counts. */
const HELLO: Record<Language, string> = { python: 'print(6 * 7)', javascript: 'console.log(6 * 7)' }
const INSTALL =
  'install bubblewrap, and util-linux where it is missing: apt-get install bubblewrap util-linux'

const found = new Map<Language, Promise<Sandbox>>()

/**
 * The sandbox of a language on this machine, tried once: bubblewrap, or for JavaScript an interpreter in WebAssembly.
 *
 * @throws UserError where there is none: no program ever runs without.
 */
export function sandboxFor(language: Language): Promise<Sandbox> {
  const known = found.get(language) ?? find(language)
  found.set(language, known)
  return known
}

async function find(language: Language): Promise<Sandbox> {
  try {
    return await isolation(language)
  } catch (error) {
    if (language === 'javascript')
      return tried(language, { name: 'QuickJS in WebAssembly', run: runInterpreted })
    const reason = error instanceof Error ? error.message : String(error)
    throw new UserError(`no sandbox for Python programs on this machine (${reason}); ${INSTALL}`)
  }
}

/** The sandbox of bubblewrap, or why there is none. */
async function isolation(language: Language): Promise<Sandbox> {
  if (process.platform !== 'linux') throw new Error('bubblewrap is for Linux')
  const interpreter = await findInterpreter(language)
  if (!interpreter) throw new Error('there is no python3')
  return tried(language, {
    name: `bubblewrap, ${interpreter.version}`,
    run: (program, limits) => runIsolated(program, interpreter, limits),
  })
}

async function tried(language: Language, sandbox: Sandbox): Promise<Sandbox> {
  const hello = { language, source: HELLO[language], input: { stdin: '' } }
  const { stdout, detail } = await sandbox.run(hello, DEFAULT_LIMITS)
  if (stdout !== '42\n') throw new Error(`a first program failed: ${detail}`)
  return sandbox
}

/**
 * Runs an untrusted program in a sandbox, as many at a time as there are cores.
 *
 * @throws UserError where this machine has no sandbox for its language; Error where the sandbox has failed.
 */
export async function runProgram(program: Program, limits: Limits = DEFAULT_LIMITS): Promise<Outcome> {
  const sandbox = await sandboxFor(program.language)
  return pool.run(() => sandbox.run(program, limits))
}
