import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { deletable, deleteRun } from './delete-run.ts'
import { RunStore } from './store.ts'

let root: string
let run: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ruminate-delete-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  run = made('r1-1')
})

function made(name: string): string {
  const store = RunStore.create({ recipe: 'r1', seed: 0, settings: {}, out: join(root, name) })
  store.close()
  return store.directory
}

test('a run is deleted with its stages, models and data', () => {
  made('r1-1/zero')
  for (const folder of ['model', 'data', 'plots', 'base', 'student', 'checkpoints/step-000001'])
    mkdirSync(join(run, folder), { recursive: true })
  writeFileSync(join(run, 'model', 'model.safetensors'), 'x'.repeat(1000))
  for (const file of ['report.md', 'cold-start-data.json', 'replies.sqlite'])
    writeFileSync(join(run, file), '')
  const found = deletable(run)
  expect(found.bytes).toBeGreaterThan(1000)
  deleteRun(found)
  expect(existsSync(run)).toBe(false)
})

describe('refused:', () => {
  test.each<[why: string, prepare: () => string | undefined, message: RegExp]>([
    [
      'a folder that is not a run',
      () => {
        mkdirSync(join(root, 'x'))
        return join(root, 'x')
      },
      /it is not a run/,
    ],
    [
      'a file that is called run.sqlite in a folder of other things',
      () => {
        mkdirSync(join(root, 'y'))
        writeFileSync(join(root, 'y', 'run.sqlite'), 'these are not the tables of a run, but some text')
        return join(root, 'y')
      },
      /not a SQLite database/,
    ],
    [
      'a link',
      () => {
        symlinkSync(run, join(root, 'l'))
        return join(root, 'l')
      },
      /it is a link/,
    ],
    ['other files in it', () => void writeFileSync(join(run, 'notes.txt'), ''), /did not make notes\.txt/],
    ['a folder of other things in it', () => void mkdirSync(join(run, 'photos')), /did not make photos/],
    [
      'a folder around the current one',
      () => void vi.spyOn(process, 'cwd').mockReturnValue(join(run, 'model')),
      /the current folder is inside it/,
    ],
  ])('%s', (_, prepare, message) => {
    onTestFinished(() => void vi.restoreAllMocks())
    expect(() => deletable(prepare() ?? run)).toThrow(message)
    expect(existsSync(run)).toBe(true)
  })

  test('a run in progress, or one of its stages', () => {
    for (const writer of [run, made('r1-1/rl-1')]) {
      const store = RunStore.open(writer, { write: true })
      expect(() => deletable(run)).toThrow(/a process is writing it; stop it first/)
      store.close()
    }
    deletable(run)
  })
})
