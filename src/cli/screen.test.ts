import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, test } from 'vitest'

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ruminate-screen-'))
const hasTmux = spawnSync('tmux', ['-V']).status === 0
/** Each test has a server of its own: one that is ending takes no new session. */
let servers = 0
const server = (): string => `ruminate-${process.pid}-${servers}`
const tmux = (...words: string[]): string =>
  execFileSync('tmux', ['-L', server(), ...words], { encoding: 'utf8' })
afterEach(() => {
  if (hasTmux) spawnSync('tmux', ['-L', server(), 'kill-server'])
  servers++
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const rows = (): string[] => tmux('capture-pane', '-p', '-t', 'main').split('\n').filter(Boolean)
const until = async (found: (screen: string) => boolean): Promise<string> => {
  for (let i = 0; i < 600; i++) {
    const screen = rows().join('\n')
    if (found(screen)) return screen
    await wait(100)
  }
  throw new Error(`this was never found; the screen is:\n${rows().join('\n')}`)
}

// a terminal as people have it, which a machine may lack
describe.skipIf(!hasTmux)('in tmux', () => {
  test('a training at 80 and then 50 columns, stopped by Ctrl-C', { timeout: 120_000 }, async () => {
    const command = `cd ${folder} && env -u CI -u NO_COLOR TERM=screen-256color ${process.execPath} ${cli} zero --steps 500 --set eval.questions=8 --set eval.every=0; echo ended $?; sleep 60`
    tmux('new-session', '-d', '-s', 'main', '-x', '80', '-y', '24', command)

    const wide = await until((screen) => /^step \d+\/500 .*right/m.test(screen))
    const line = wide.split('\n').findIndex((row) => row.startsWith('step '))
    // the facts and the end of the newest sample, and nothing below
    expect(wide.split('\n').slice(line)).toHaveLength(2)
    expect(wide.match(/^step /gm)).toHaveLength(1)

    tmux('resize-window', '-t', 'main', '-x', '50', '-y', '24')
    // the terminal breaks the old lines, and after the next step there is nothing left of them
    const stepsIn = (screen: string): number[] =>
      [...screen.matchAll(/^step (\d+)\/500/gm)].map(([, step]) => Number(step))
    const [before] = stepsIn(wide)
    await until((screen) => {
      const [step, ...others] = stepsIn(screen)
      return step !== undefined && others.length === 0 && step > before! + 2 && !/^.{51}/m.test(screen)
    })

    tmux('send-keys', '-t', 'main', 'C-c')
    const end = await until((screen) => /^ended 130/m.test(screen))
    expect(end).not.toMatch(/\^C\S/)
    expect(end).toMatch(/^stopping /m)
    expect(end).toMatch(/^interrupted at step \d+/m)
    expect(end).not.toMatch(/^step \d+\/500/m)
  })

  test('Ctrl-C before there is a run leaves no line about what was being done', {
    timeout: 60_000,
  }, async () => {
    tmux(
      'new-session',
      '-d',
      '-s',
      'main',
      '-x',
      '80',
      '-y',
      '24',
      'env -u CI -u NO_COLOR HISTFILE=/dev/null bash --norc',
    )
    const type = (text: string) => tmux('send-keys', '-t', 'main', text, 'Enter')
    type(`cd ${folder}; PS1='ready> '; clear`)
    await until((screen) => screen === 'ready>')
    type(`TERM=screen-256color ${process.execPath} ${cli} zero --steps 500`)
    await until((screen) => /^(opening the model|R1-Zero on)/m.test(screen))
    tmux('send-keys', '-t', 'main', 'C-c')
    const end = await until((screen) => /\nready>$/.test(screen))
    expect(end).not.toMatch(/^opening|\^C/m)
  })
})
