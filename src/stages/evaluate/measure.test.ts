import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { packageRoot } from '../../common/files/package.ts'
import { measure } from './measure.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-measure-'))
afterAll(() => rmSync(root, { recursive: true }))

/** Measures the embedded base model on held-out questions. */
function measured(name: string, questions: readonly string[], warnings: string[] = []) {
  mkdirSync(join(root, name))
  const rows = questions.map((question) => JSON.stringify({ question, answer: '4' }))
  writeFileSync(join(root, name, 'test.jsonl'), `${rows.join('\n')}\n`)
  return measure({
    model: join(packageRoot(), 'models', 'miniature-base'),
    task: join(root, name),
    questions: 10,
    samples: 1,
    temperature: 1,
    maxTokens: 8,
    seed: 1,
    threads: 1,
    warn: (message) => void warnings.push(message),
  })
}
const long = '2 + '.repeat(1000)

test('a question longer than the context is left out, with a warning', async () => {
  const warnings: string[] = []
  const { evaluation } = await measured('mixed', ['2 + 2?', long, '1 + 3?'], warnings)
  expect(evaluation.questions).toBe(2)
  expect(warnings).toEqual([
    expect.stringMatching(
      /^mixed: 1 of 3 held-out questions cannot be asked\. The first is test\.jsonl:2: its prompt/,
    ),
  ])
})

test('an error if no question fits', async () => {
  await expect(measured('long', [long])).rejects.toThrow(
    /1 of 1 held-out question cannot .* None is left\. .*--max-tok/,
  )
})
