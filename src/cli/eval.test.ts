import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { captured } from '../testing/captured.ts'
import { main } from './app.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-eval-'))
afterAll(() => rmSync(root, { recursive: true }))
const at = (name: string): string => join(root, name)
const written = captured()

/** Runs a command line, in which `@` stands for the folder of this file. */
async function run(line: string, code = 0): Promise<{ out: string; err: string }> {
  written.out = ''
  written.err = ''
  expect([await main(line.split(' ').map((word) => word.replaceAll('@', `${root}/`))), written.err]).toEqual([
    code,
    code === 0 ? expect.not.stringContaining('error') : expect.anything(),
  ])
  return { out: written.out, err: written.err }
}

const objects = (out: string): Record<string, unknown>[] =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

const small = '--questions 3 --max-tokens 24 --threads 1'
const grid = `eval ${small} --strategy vote --samples 1,3 --budget 6,none --out @grid`

beforeAll(async () => {
  expect(
    await main(
      `zero --steps 2 --threads 1 --set checkpointEvery=1 --set keepCheckpoints=all --set eval.questions=3 --set eval.every=1 --set rl.maxTokens=24 --set rl.questionsPerStep=2 --set rl.groupSize=2 --set whenNothingToLearn=continue --quiet --out ${at('zero-1')}`.split(
        ' ',
      ),
    ),
  ).toBe(0)
}, 60_000)

test('a grid of votes and budgets: a table, results.json, and pictures', async () => {
  const { out } = await run(grid)
  expect(out).toMatch(/^ {2}# +budget +measure +right +interval +thinking$/m)
  expect(out).toMatch(/^ {2}1 +6 +pass@1 +[\d.]+ % +[\d.]+–[\d.]+ % +[\d.]+$/m)
  expect(out).toMatch(/^ {2}4 +none +cons@3 +/m)
  for (const line of out.split('\n').filter((one) => one.startsWith('  ')))
    expect(line.length).toBeLessThanOrEqual(80)
  for (const name of [
    'answers.sqlite',
    'results.json',
    'test-compute.svg',
    'test-compute.png',
    'difficulty.svg',
  ])
    expect(existsSync(join(at('grid'), name)), name).toBe(true)
  const { cells } = JSON.parse(readFileSync(join(at('grid'), 'results.json'), 'utf8'))
  expect(cells.map((cell: { budget: number | null }) => cell.budget)).toEqual([6, null])
  expect(cells[0].thinkingTokens.mean).toBeLessThanOrEqual(6)
})

test('a repeated command shows the same without asking again', async () => {
  const first = objects((await run(`${grid} --json`)).out)
  const again = objects((await run(`${grid} --json`)).out)
  expect(again.slice(0, -1)).toEqual(first.slice(0, -1))
  expect(again.at(-1)).toMatchObject({ type: 'result', questions: 3, samples: 3, cells: 2 })
})

test('every answer can be read, with the reason of its verdict', async () => {
  const all = objects((await run('eval show @grid --json')).out)
  expect(all.length).toBe(2 * 3 * 3)
  expect(all[0]).toMatchObject({ type: 'answer', strategy: 'vote', budget: 6, gold: expect.any(String) })
  for (const { reason } of all) expect(reason).toMatch(/./)
  const id = String(all[0]!.question)
  const one = objects((await run(`eval show @grid --json --line 4 --wrong`)).out)
  expect(one.every(({ budget, correct }) => budget === null && correct !== true)).toBe(true)
  const [code, words] = [await main(['eval', 'show', at('grid'), '--question', id]), written.out]
  expect(code).toBe(0)
  expect(words).toMatch(/ · (right|wrong): .* · \d+ tokens? · /)
  expect(words).toContain('gold: ')
  const [word] = id.split(' ').slice(-1)
  const byWord = objects((await run(`eval show @grid --json --question ${word}`)).out)
  expect(byWord).toEqual(all.filter(({ question }) => question === id))
})

test('the checkpoints of a run, with what it recorded, against training compute', async () => {
  const { out } = await run(`eval ${small} --checkpoints @zero-1 --out @curve --json`)
  const lines = objects(out)
  expect(
    lines.flatMap((line) => (line.type === 'accuracy' ? [(line.training as { step: number }).step] : [])),
  ).toEqual([0, 1, 2])
  expect(lines.at(-1)!.files).toContain('train-compute.svg')
  const { cells, recorded } = JSON.parse(readFileSync(join(at('curve'), 'results.json'), 'utf8'))
  expect(cells[0].training).toMatchObject({ run: 'zero-1', step: 0, flops: 0 })
  expect(cells[2].training.flops).toBeGreaterThan(cells[1].training.flops)
  expect(recorded.map(({ step }: { step: number }) => step)).toEqual([0, 1, 2])
  // the run asked the same questions in the same way
  for (const [i, { passAt1 }] of recorded.entries()) expect(cells[i].passAt1.mean).toBeCloseTo(passAt1, 12)
})

test('two evaluations, two lines and two models are compared', async () => {
  const folders = objects((await run('eval compare @grid:1 @grid:3 --json')).out)
  expect(folders).toEqual([
    expect.objectContaining({ type: 'comparison', questions: 3, test: expect.any(String) }),
  ])
  const { out } = await run(`eval compare miniature-base @zero-1 ${small}`)
  expect(out).toMatch(
    /B − A: [+-]?[\d.]+ points, 95 % interval .* B is\s+better on \d+ questions? and worse on \d+\./s,
  )
})

test('several models are asked the same questions', async () => {
  const { out } = await run(`eval ${small} --model miniature-base --model @zero-1 --json`)
  const models = objects(out).flatMap((line) => (line.type === 'accuracy' ? [line.model] : []))
  expect(models).toEqual(['miniature-base', expect.stringContaining('zero-1')])
})

test('a question longer than the context is left out, with a warning', async () => {
  const long = '2 + '.repeat(1000)
  const rows = ['2 + 2?', long, '1 + 3?'].map((question) => JSON.stringify({ question, answer: '4' }))
  mkdirSync(at('mixed'))
  writeFileSync(join(at('mixed'), 'test.jsonl'), `${rows.join('\n')}\n`)
  const { out, err } = await run(`eval --task @mixed --max-tokens 8 --threads 1 --json`)
  expect(objects(out).at(-1)).toMatchObject({ questions: 2 })
  expect(err).toMatch(/1 of 3 held-out questions cannot be asked\. The first is test\.jsonl:2: its prompt/)
})

test.each<[string, 1 | 2, RegExp]>([
  [
    'eval --strategy vot',
    2,
    /--strategy is "vot"; choose one of sample, vote, best-of-n, refine; did you mean "vote"/,
  ],
  ['eval --samples 0', 2, /--samples must be a whole number of at least 1, not 0/],
  ['eval --samples 1,,4', 2, /--samples 1,,4: a value between commas is missing/],
  ['eval --samples 1,x', 2, /--samples must be a whole number of at least 1, not x/],
  ['eval --budget many', 2, /--budget must be a whole number of at least 0, or none, not many/],
  ['eval --budget 8 --effort low', 2, /--budget and --effort both limit the thinking/],
  [
    'eval --strategy best-of-n --samples 4',
    2,
    /needs something that chooses: --reward-model DIR or --judge MODEL/,
  ],
  [
    'eval --judge miniature-base',
    2,
    /--judge chooses the best of several responses: add --strategy best-of-n/,
  ],
  ['eval --seed 1 --seeds 1,2', 2, /give one of the two options/],
  ['eval --checkpoints @none', 1, /there is no run .*none/],
  ['eval --model miniature-base,@none', 1, /no model folder at .*none/],
  ['eval --model nobody:model', 2, /there is no provider nobody/],
  ['eval --out @grid/results.json', 1, /cannot create .*results\.json: a file with that name already exists/],
  [
    'eval show @grid --model miniature-base',
    2,
    /--model belongs to `ruminate eval` and `ruminate eval compare A B`/,
  ],
  [
    'eval compare @grid:1 @grid:2 --questions 5',
    2,
    /--questions has no effect, since .* have been evaluated already/,
  ],
  ['eval --temperature 0 --top-p 0.9', 2, /eval\.topP has no effect on greedy sampling/],
  ['eval --wrong', 2, /--wrong belongs to `ruminate eval show DIR`/],
  ['eval shwo @grid', 2, /unknown action "shwo" of eval/],
  ['eval show', 2, /which evaluation\?/],
  ['eval show @none', 1, /none is not a finished evaluation: it has no results\.json/],
  ['eval show @grid --line 99', 2, /has no line 99: its table has 4 lines/],
  ['eval show @grid --question nope', 2, /has no question nope; it has /],
  ['eval compare @grid', 2, /which two\?/],
  ['eval compare @grid miniature-base', 2, /grid is an evaluation, and miniature-base is none/],
  ['eval compare @grid @grid', 2, /both sides are /],
  ['eval compare @grid:9 @grid:1', 2, /has no line 9/],
  ['eval compare miniature-base @zero-1 --model miniature-base', 2, /leave out --model/],
])('%s', async (line, code, message) => {
  const { err } = await run(line, code)
  expect(err).toMatch(message)
  expect(err.trim().split('\n').length).toBe(1)
})
