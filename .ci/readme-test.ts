import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { COLUMNS, openTerminal, type ScreenLine, type Terminal } from './terminal.ts'

/*
 * Types the commands of every `sh` block of README.md, as they stand and in order, into a terminal of 80 columns: in a
 * fresh clone of what is committed, with an empty home folder and empty caches of npm and npx. Every command has to
 * succeed, and no line may be wider than the terminal. What the screen showed is in --out, a file for each command.
 */
const root = fileURLToPath(new URL('../', import.meta.url))
const { out } = parseArgs({
  options: { out: { type: 'string', default: join(root, 'node_modules/.cache/readme') } },
}).values

/** What the terminal may have to break: what a model read and wrote, shown as it is, and lines of npm and the test runner. */
const NOT_OURS = { command: /^npx ruminate (chat|runs show .*--samples)|npm test$/, line: /^npm / }
/** A word of this many columns, a path, cannot be broken by whoever writes the line. */
const LONG_WORD = 60

const work = mkdtempSync(join(tmpdir(), 'ruminate-readme-'))
// some tests run as another user
chmodSync(work, 0o755)
let terminal: Terminal | null = null
process.on('exit', () => {
  terminal?.close()
  rmSync(work, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const clone = join(work, 'ruminate')
succeed('git', 'clone', '--quiet', root, clone)
if (succeed('git', '-C', root, 'status', '--porcelain', '--untracked-files=no') !== '')
  console.log('what is not committed is not tested')
const readme = readFileSync(join(clone, 'README.md'), 'utf8')
const home = join(work, 'home')
mkdirSync(home)
terminal = openTerminal(work, { cwd: clone, env: environment() })

/** What is wrong, in lines to show. */
const wrong: string[] = []
let typed = 0
// Tried too early, it must say what is missing, and must not keep npx from finding the command afterwards.
const tooEarly = { command: 'npx ruminate --version', code: 1 }
for (const { command, code } of [tooEarly, ...commandsOf(readme).map((command) => ({ command, code: 0 }))])
  if (!(await type(command, code))) break
const left = readdirSync(home)
if (left.length > 0) wrong.push(`the home folder is no longer empty: ${left.join(', ')}`)
console.log(wrong.length > 0 ? `\n${wrong.join('\n')}\n` : 'every command of README.md works as it stands')
console.log(`the screens are in ${out}`)
process.exit(wrong.length > 0 ? 1 : 0)

/** The commands in the `sh` blocks of a page, each as it is typed: of one line, or of several that belong together. */
function commandsOf(page: string): string[] {
  const commands: string[] = []
  for (const [, block] of page.matchAll(/^```sh\n(.*?)^```$/gms)) {
    let command = ''
    for (const line of block!.trimEnd().split('\n')) {
      command += command ? `\n${line}` : line
      if (!isWhole(command)) continue
      if (command.trim()) commands.push(command)
      command = ''
    }
    if (command) throw new Error(`README.md: this command has no end: ${command}`)
  }
  return commands
}

/** Whether a shell would run this, rather than wait for more lines. */
function isWhole(command: string): boolean {
  const { status, stderr } = spawnSync('bash', ['-n', '-c', command])
  return status === 0 && stderr.length === 0 && !command.endsWith('\\')
}

/** Types a command and records its screens. Resolves to whether it ended with the expected exit code. */
async function type(command: string, expected: number): Promise<boolean> {
  const record: string[] = []
  const wide = new Set<string>()
  const started = performance.now()
  const elapsed = (): number => (performance.now() - started) / 1000
  const look = (): ScreenLine[] => {
    const lines = terminal!.screen()
    for (const line of lines) if (isTooWide(line, command)) wide.add(line.text)
    return lines
  }
  let next = 0
  const code = await terminal!.run(command, () => {
    if (elapsed() < next) return
    // Often at first, and later a few times in a minute.
    next = Math.max(elapsed() + 1, elapsed() * 1.2)
    const shown = look().slice(-24)
    record.push(`──── after ${elapsed().toFixed(0)} s`, ...shown.map(({ text }) => text))
  })
  const time = `${elapsed().toFixed(0)} s`
  const lines = look().map(({ text }) => text)
  record.push(`──── at the end, ${time}, exit code ${code}`, ...lines)
  const file = `${String(typed++).padStart(2, '0')}-${command.replace(/\W+/g, '-').slice(0, 50)}.txt`
  writeFileSync(join(out, file), `${record.join('\n').trimEnd()}\n`)

  console.log(`${code === expected ? 'ok    ' : 'FAILED'} ${time.padStart(6)}  ${command}`)
  if (code !== expected)
    wrong.push(
      `${command}: exit code ${code}, not ${expected}`,
      ...lines.slice(-40).map((line) => `  ${line}`),
    )
  if (wide.size > 0)
    wrong.push(`${command}: wider than ${COLUMNS} columns:`, ...[...wide].map((line) => `  ${line}`))
  return code === expected
}

function isTooWide({ text, wide }: ScreenLine, command: string): boolean {
  if (!wide || text === `$ ${command}` || NOT_OURS.command.test(command) || NOT_OURS.line.test(text))
    return false
  return !text.split(/\s+/).some((word) => word.length >= LONG_WORD)
}

/** That of this process, with the home folder and the caches of a new user, who has the same npm registry. */
function environment(): NodeJS.ProcessEnv {
  // What npm tells the scripts that it runs is not for those who type a command.
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_(?!config_registry$)|INIT_CWD$|NODE_ENV$|CI$|XDG_|TMUX)/.test(name),
  )
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    LANG: 'C.UTF-8',
    npm_config_cache: join(work, 'npm-cache'),
    npm_config_userconfig: succeed('npm', 'config', 'get', 'userconfig').trim(),
  }
}

function succeed(program: string, ...words: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stderr}`)
  return stdout
}
