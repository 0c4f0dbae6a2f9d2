import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll } from 'vitest'
import { type LoadOptions, loadTable } from '../tasks/index.ts'
import type { Issue } from '../tasks/table/issues.ts'

/** Writes tables for the tests of the calling file, and removes them at its end. */
export function tableWriter() {
  const root = mkdtempSync(join(tmpdir(), 'ruminate-tasks-'))
  afterAll(() => rmSync(root, { recursive: true }))
  let made = 0
  /** A folder with these files. */
  const folder = (files: Readonly<Record<string, string>>): string => {
    const place = join(root, `${made++}`)
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(place, name)), { recursive: true })
      writeFileSync(join(place, name), text)
    }
    return place
  }
  const file = (name: string, text: string): string => join(folder({ [name]: text }), name)
  return { root, folder, file }
}

export const jsonl = (rows: readonly object[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('')
/** Questions with their answers. */
export const sums = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    question: `What is ${from + i} + 1?`,
    answer: `${from + i + 1}`,
  }))

/** A table with all that it holds, and what is said of it. */
export async function readAll(place: string, options: LoadOptions = {}) {
  const issues: Issue[] = []
  const warnings: string[] = []
  const table = await loadTable(place, {
    warn: (message) => warnings.push(message),
    onIssue: (issue) => issues.push(issue),
    ...options,
  })
  const heldOut = table.size.heldOut > 0 ? table.heldOut({ count: 1e6 }) : []
  const training =
    table.size.training > 0 ? table.training({ seed: 0, step: 0, count: table.size.training }) : []
  return { table, issues, warnings, heldOut, training }
}
