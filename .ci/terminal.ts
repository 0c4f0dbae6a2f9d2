import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stripVTControlCharacters } from 'node:util'

export const COLUMNS = 80

/** A line of a screen, and whether it is so long that the terminal had to break it, as far as that can be told. */
export interface ScreenLine {
  readonly text: string
  readonly wide: boolean
}

/** A shell in a terminal of 80 columns, into which commands are typed. */
export interface Terminal {
  /** Types a command, waits until it has ended, and resolves to its exit code. `look` is called every half second. */
  run(command: string, look: () => void): Promise<number>
  /** What is on the screen, after what has scrolled out of it since the command was typed. */
  screen(): ScreenLine[]
  close(): void
}

/**
 * Opens a terminal with a shell: in tmux, which knows what its screen shows, or else in util-linux's `script`.
 *
 * @param scratch a folder for the shell's files
 * @throws Error if there is neither.
 */
export function openTerminal(scratch: string, options: { cwd: string; env: NodeJS.ProcessEnv }): Terminal {
  const shell = writeShell(scratch)
  if (isInstalled('tmux', '-V')) return openTmux(scratch, shell, options)
  if (isInstalled('script', '--version')) return openScript(scratch, shell, options)
  throw new Error('neither tmux nor script is installed: the commands need a terminal to run in')
}

const isInstalled = (program: string, ...words: string[]): boolean => spawnSync(program, words).status === 0

/** How the shell is started, and the file to which it writes the exit code of each command. */
interface Shell {
  readonly words: readonly string[]
  readonly codes: string
}

function writeShell(scratch: string): Shell {
  const codes = join(scratch, 'codes')
  const rc = join(scratch, 'bashrc')
  writeFileSync(
    rc,
    `PS1='$ '; unset HISTFILE; stty cols ${COLUMNS} rows 24; PROMPT_COMMAND='echo $? >> "${codes}"'\n`,
  )
  return { words: ['bash', '--noprofile', '--rcfile', rc, '-i'], codes }
}

const exitCodes = ({ codes }: Shell): number[] =>
  existsSync(codes) ? readFileSync(codes, 'utf8').trim().split('\n').map(Number) : []

/** Resolves to the exit code of the command that is typed by `type`. */
async function typed(shell: Shell, type: () => void, look: () => void): Promise<number> {
  // The shell writes a first code before its first prompt.
  while (exitCodes(shell).length === 0) await sleep(50)
  const before = exitCodes(shell).length
  type()
  while (exitCodes(shell).length === before) {
    await sleep(500)
    look()
  }
  return exitCodes(shell)[before]!
}

/** Between two answers of tmux. */
const BOUNDARY = '\u241e\u241e\u241e'

function openTmux(
  scratch: string,
  shell: Shell,
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
): Terminal {
  const settings = join(scratch, 'tmux.conf')
  writeFileSync(settings, 'set -g status off\nset -g history-limit 100000\n')
  const server = ['-u', '-S', join(scratch, 'tmux'), '-f', settings]
  const tmux = (...words: string[]): string => {
    const { status, stdout, stderr } = spawnSync('tmux', [...server, ...words], {
      cwd,
      env,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`tmux ${words[0]}: ${stderr}`)
    return stdout
  }
  tmux('new-session', '-d', '-x', `${COLUMNS}`, '-y', '24', ...shell.words)
  const capture = ['capture-pane', '-p', '-S', '-']
  return {
    async run(command, look) {
      tmux('send-keys', 'C-l')
      await sleep(300)
      tmux('clear-history')
      return typed(
        shell,
        () => {
          tmux('send-keys', '-l', '--', command)
          tmux('send-keys', 'Enter')
        },
        look,
      )
    },
    screen() {
      // In one request, so that nothing is written between the two.
      const both = tmux(...capture, ';', 'display-message', '-p', BOUNDARY, ';', ...capture, '-J')
      const [broken, whole] = both.split(`${BOUNDARY}\n`)
      return joined(broken!.split('\n'), whole!.split('\n'))
    },
    close: () => void spawnSync('tmux', [...server, 'kill-server']),
  }
}

/** The lines of a screen: `whole` has them as they were written, and `broken` as they are shown, without spaces at ends. */
function joined(broken: readonly string[], whole: readonly string[]): ScreenLine[] {
  const inked = (text: string): string => text.replaceAll(' ', '')
  let at = 0
  return whole.map((line) => {
    const begin = at
    let found = inked(broken[at++] ?? '')
    while (found !== inked(line) && at < broken.length) found += inked(broken[at++]!)
    return { text: line.trimEnd(), wide: at - begin > 1 }
  })
}

function openScript(
  scratch: string,
  shell: Shell,
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
): Terminal {
  const words = shell.words.map((word) => `'${word}'`).join(' ')
  const record = join(scratch, 'typescript')
  const child: ChildProcess = spawn('script', ['-qfc', words, record], {
    cwd,
    env: { TERM: 'xterm', ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  let begin = 0
  return {
    run(command, look) {
      begin = readFileSync(record, 'utf8').length
      return typed(shell, () => void child.stdin!.write(`${command}\n`), look)
    },
    screen() {
      const lines = stripVTControlCharacters(readFileSync(record, 'utf8').slice(begin)).split('\r\n')
      // What a line showed last, before it was written anew.
      return lines.map((line) => ({ text: line.split('\r').at(-1)!, wide: false }))
    },
    close: () => void child.kill(),
  }
}
