import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { pathFromHere } from '../common/files/paths.ts'
import { captured } from '../testing/captured.ts'
import { main } from './app.ts'

/* With --quiet, a command prints its result alone. */

const root = mkdtempSync(join(tmpdir(), 'ruminate-quiet-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const at = (name: string): string => join(root, name)
const written = captured()
const jsonLines = (name: string, rows: readonly object[]): void =>
  writeFileSync(at(name), rows.map((row) => JSON.stringify(row)).join('\n'))
const numbers = Array.from({ length: 24 }, (_, n) => n)
jsonLines(
  'rows.jsonl',
  numbers.map((n) => ({ prompt: `What is ${n} + 1?`, completion: `It is ${n + 1}.` })),
)
jsonLines(
  'pairs.jsonl',
  numbers.map((n) => ({ prompt: `What is ${n} + 1?`, chosen: `It is ${n + 1}.`, rejected: `${n}` })),
)

/** Runs a command line quietly, and resolves to the lines on standard output. */
async function quiet(line: string): Promise<string[]> {
  written.out = written.err = ''
  const words = line.split(' ').map((word) => (word.startsWith('@') ? at(word.slice(1)) : word))
  expect(await main([...words, '--quiet']), written.err).toBe(0)
  return written.out.trimEnd().split('\n')
}

const RL = '--set rl.maxTokens=4 --set rl.questionsPerStep=2 --set rl.groupSize=2 --set eval.questions=1'
const trainings: [string, RegExp][] = [
  [
    `zero --steps 2 ${RL} --set whenNothingToLearn=continue --threads 1 --out @zero`,
    /^R1-Zero, before and after \(1 held-out question/,
  ],
  ['sft --data @rows.jsonl --epochs 1 --threads 1 --out @sft', /^Fine-tuning, before and after /],
  ['reward --data @pairs.jsonl --epochs 1 --threads 1 --out @reward', /^Reward model, before and after /],
  ['dpo --data @pairs.jsonl --epochs 1 --threads 1 --out @dpo', /^Preferences, before and after /],
]
test.each(trainings)('%s: a table, and where the model is', async (line, title) => {
  const [heading, ...rest] = await quiet(line)
  const out = at(line.split('@').at(-1)!)
  expect(heading).toMatch(title)
  const text = rest.join('\n')
  expect(rest.slice(-3)).toEqual(['', 'Model', `  ${pathFromHere(join(out, 'model'))}`])
  // every line between is one of the table
  const table = rest.slice(1, -3)
  expect(table[0]).toMatch(/^ +before +after$/)
  for (const row of table.slice(1)) expect(row).toMatch(/^ {2} *\S.* {2,}\S/)
  expect(text).not.toMatch(/npx|Next|Question|█|│|┤/)
})

test('a metric: its values, without the plot', async () => {
  expect(await quiet('runs show @zero --metric accuracy')).toEqual([
    expect.stringMatching(/^ {2}1 +\d/),
    expect.stringMatching(/^ {2}2 +\d/),
  ])
})

test('init: the verdict and the file', async () => {
  writeFileSync(
    at('sums.csv'),
    `question,answer\n${numbers.map((n) => `Compute ${n}+1.,${n + 1}`).join('\n')}\n`,
  )
  const lines = await quiet('init @sums.csv --out @ruminate.yaml --questions 1 --threads 1')
  expect(lines[0]).toMatch(/^What will work: /)
  expect(lines.join('\n')).toMatch(/^wrote .*ruminate\.yaml/m)
  expect(lines.join('\n')).not.toMatch(/npx|Next|Question|held out/)
})

test.each<[string, RegExp]>([
  ['export miniature-r1-student --to gguf --out @a.gguf', /a\.gguf: \S+, .*B, in [\d.]+ s$/],
  ['verify 1/2 0.5', /^equal$/],
])('%s: one line', async (line, result) => {
  expect(await quiet(line)).toEqual([expect.stringMatching(result)])
})
