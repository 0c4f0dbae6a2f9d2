import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openEvaluations } from './evaluations.ts'

let outer: string
let root: string
beforeEach(() => {
  outer = mkdtempSync(join(tmpdir(), 'ruminate-evaluations-'))
  root = join(outer, 'runs')
  mkdirSync(join(root, 'eval-1'), { recursive: true })
})
afterEach(() => rmSync(outer, { recursive: true }))

test.each(['results.json', 'answers.sqlite'])(
  '%s that is a link to a place outside is not followed',
  (name) => {
    writeFileSync(join(outer, name), '{}')
    for (const own of ['results.json', 'answers.sqlite'])
      if (own !== name) writeFileSync(join(root, 'eval-1', own), '{}')
    symlinkSync(join(outer, name), join(root, 'eval-1', name))
    const evaluations = openEvaluations(root)
    expect(evaluations.list()).toEqual([])
    expect(evaluations.read('eval-1')).toBeNull()
    expect(evaluations.answers('eval-1', 0, undefined)).toBeNull()
  },
)

test('a link to a place inside is followed', () => {
  writeFileSync(join(root, 'results.json'), '{}')
  symlinkSync(join(root, 'results.json'), join(root, 'eval-1', 'results.json'))
  expect(openEvaluations(root).list()).toMatchObject([{ id: 'eval-1', problem: expect.any(String) }])
})
