import { afterEach, describe, expect, test } from 'vitest'
import { captured } from '../../testing/captured.ts'
import { main } from '../app.ts'
import { displayWidth } from './width.ts'

const written = captured()
const kept = process.stdout.columns
afterEach(() => void Object.assign(process.stdout, { columns: kept }))

async function helpLines(words: string[], columns: number | undefined): Promise<string[]> {
  Object.assign(process.stdout, { columns })
  written.out = ''
  expect(await main(words)).toBe(0)
  return written.out.trimEnd().split('\n')
}

const COMMANDS = [
  'init',
  'zero',
  'r1',
  'distill',
  'sft',
  'reward',
  'merge',
  'pretrain',
  'resume',
  'runs',
  'eval',
  'chat',
  'serve',
  'studio',
  'tasks',
  'verify',
  'doctor',
]

describe.each([40, 60, 80, 120])('%d columns', (columns) => {
  test('the overview', async () => {
    const lines = await helpLines(['--help'], columns)
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns)
    for (const name of COMMANDS) expect(lines.some((line) => line.startsWith(`  ${name}`))).toBe(true)
  })
  test.each(COMMANDS)('%s --help', async (name) => {
    const lines = await helpLines([name, '--help'], columns)
    expect(lines.some((line) => line.startsWith(`Usage: ruminate ${name}`))).toBe(true)
    // a word that is wider than its column, such as the default of --order, stays whole
    for (const line of lines)
      if (/\S+ \S+/.test(line.trim())) expect(displayWidth(line)).toBeLessThanOrEqual(columns)
  })
})

test('a file or pipe has 80 columns, names are on the left, and descriptions are continued in their column', async () => {
  const lines = await helpLines(['zero', '--help'], undefined)
  const at = lines.findIndex((line) => line.startsWith('  --columns='))
  expect(lines.slice(at, at + 2)).toEqual([
    '  --columns=<a=b,c=d>        columns of a table: question=NAME, answer=NAME,',
    '                             choices=NAME or [A,B,C,D], kind=NAME, tests=NAME,',
  ])
})

test('on a narrow terminal, descriptions stand below the names', async () => {
  const lines = await helpLines(['zero', '--help'], 40)
  const at = lines.indexOf('  --steps=<N>')
  expect(lines.slice(at + 1, at + 3)).toEqual(['    steps of reinforcement learning', '    (default 200)'])
})
