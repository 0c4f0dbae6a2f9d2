import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { Database } from '../common/sqlite.ts'
import { readResults } from '../evaluation/results.ts'
import { ANSWERS_FILE } from '../evaluation/store/store.ts'

const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'ruminate-eval-killed-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const start = (out: string) =>
  spawn(
    process.execPath,
    [cli, ...'eval --questions 12 --samples 8 --threads 1 --quiet --out'.split(' '), out],
    { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] },
  )
const ended = (child: ReturnType<typeof spawn>): Promise<number | null> =>
  new Promise((resolve) => child.on('close', resolve))

/** The stored responses, each with the time that it took, by which a response that was asked for again would differ. */
function stored(out: string): string[] {
  const file = join(root, out, ANSWERS_FILE)
  if (!existsSync(file)) return []
  const database = new Database(file, { timeout: 5000 })
  try {
    const tables = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'responses'").all()
    if (tables.length === 0) return []
    const rows = database.prepare('SELECT request, sample, seconds FROM responses').all()
    return (rows as object[]).map((row) => JSON.stringify(row))
  } finally {
    database.close()
  }
}

test('an evaluation that was killed goes on where it was, and measures the same', async () => {
  const child = start('killed')
  const closed = ended(child)
  while (stored('killed').length < 20 && child.exitCode === null) await sleep(5)
  child.kill('SIGKILL')
  await closed
  const before = stored('killed')
  expect(before.length).toBeGreaterThanOrEqual(20)
  expect(before.length).toBeLessThan(96)
  expect(await ended(start('killed'))).toBe(0)
  const after = stored('killed')
  expect(after.length).toBe(96)
  expect(after).toEqual(expect.arrayContaining(before))
  expect(await ended(start('whole'))).toBe(0)
  expect(readResults(join(root, 'killed')).cells).toEqual(readResults(join(root, 'whole')).cells)
}, 120_000)

test('Ctrl-C stops an evaluation, which says what is kept', async () => {
  const child = start('interrupted')
  const closed = ended(child)
  let said = ''
  child.stderr.on('data', (data) => {
    said += data
  })
  while (stored('interrupted').length < 20 && child.exitCode === null) await sleep(5)
  child.kill('SIGINT')
  expect(await closed).toBe(130)
  expect(said).toBe('stopped; interrupted keeps what was answered, and the same command goes on from there\n')
  expect(stored('interrupted').length).toBeLessThan(96)
}, 120_000)
