import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where the readers are installed. */
export interface Environment {
  /** An interpreter with the packages of requirements.txt. */
  readonly python: string
  /** A folder whose node_modules/ has `PACKAGES`. */
  readonly modules: string
  /** The sources of llama.cpp, with its converter. */
  readonly llamaCpp: string
  /** The program ollama.go, built with Ollama's own packages. */
  readonly ollama: string
}

/** What readers are installed with. */
export type Needs = 'python' | 'node' | 'go'

const PACKAGES = ['@huggingface/transformers@4.3.2', 'playwright-core@1.65.1']
/** Its source package contains llama.cpp. */
const LLAMA_CPP = 'llama-cpp-python==0.3.36'
const OLLAMA = 'github.com/ollama/ollama@v0.17.4'

/**
 * Installs what the readers need into ~/.cache/ruminate-readers (READERS_HOME), with exact versions; about 6 GB. Each part
 * can be one that is there already: READERS_PYTHON (an interpreter), READERS_MODULES (a folder with node_modules/),
 * READERS_LLAMA_CPP (sources of llama.cpp). The browser is Chromium at READERS_CHROMIUM, by default /usr/bin/chromium.
 */
export function setUp(needed: ReadonlySet<Needs>): Environment {
  const home = process.env.READERS_HOME ?? join(homedir(), '.cache', 'ruminate-readers')
  mkdirSync(home, { recursive: true })
  const run = (program: string, ...words: string[]): void => {
    console.error(`${program} ${words.join(' ')}`)
    execFileSync(program, words, { stdio: ['ignore', 'inherit', 'inherit'], cwd: home })
  }

  const python = process.env.READERS_PYTHON ?? join(home, 'venv', 'bin', 'python')
  const llamaCpp = process.env.READERS_LLAMA_CPP ?? join(home, 'llama.cpp')
  if (needed.has('python')) {
    if (!existsSync(python)) {
      run('python3', '-m', 'venv', join(home, 'venv'))
      run(python, '-m', 'pip', 'install', '-q', '-r', join(import.meta.dirname, 'requirements.txt'))
    }
    if (!existsSync(llamaCpp)) {
      run(python, '-m', 'pip', 'download', '-q', '--no-deps', '--no-binary', ':all:', '-d', home, LLAMA_CPP)
      const archive = readdirSync(home).find((name) => /^llama_cpp_python-.*\.tar\.gz$/.test(name))!
      mkdirSync(llamaCpp)
      run('tar', 'xzf', archive, '-C', llamaCpp, '--strip-components=3', '--wildcards', '*/vendor/llama.cpp')
    }
  }

  const modules = process.env.READERS_MODULES ?? home
  if (needed.has('node') && !existsSync(join(modules, 'node_modules', 'playwright-core'))) {
    if (!existsSync(join(modules, 'package.json')))
      writeFileSync(join(modules, 'package.json'), '{"private": true}')
    run(
      'npm',
      'install',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--save-exact',
      '--prefix',
      modules,
      ...PACKAGES,
    )
  }

  const ollama = process.env.READERS_OLLAMA ?? join(home, 'ollama', 'reader')
  if (needed.has('go') && !existsSync(ollama)) {
    const folder = join(home, 'ollama')
    const go = (...words: string[]): void => run('go', '-C', folder, ...words)
    mkdirSync(folder, { recursive: true })
    copyFileSync(join(import.meta.dirname, 'ollama.go'), join(folder, 'main.go'))
    if (!existsSync(join(folder, 'go.mod'))) go('mod', 'init', 'reader')
    go('get', OLLAMA)
    go('build', '-o', ollama, '.')
  }
  return { python, modules, llamaCpp, ollama }
}
