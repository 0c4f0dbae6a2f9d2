import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadTable } from '../tasks/index.ts'
import { captured } from '../testing/captured.ts'
import { main } from './app.ts'
import { duration, size } from './terminal/init.ts'
import { withConfig } from './terminal/next.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-init-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const written = captured()

/** 24 questions in the words of the embedded base, whose answers it sometimes knows. */
const sums = Array.from({ length: 24 }, (_, i) => {
  const [a, b] = [11 + 2 * i, 12 + i]
  return `Compute ${a}+${b}.,"First ${a}+${b}=${a + b}\nSo the result is ${a + b}.",${a + b}`
})
writeFileSync(join(root, 'sums.csv'), `question,solution,answer\n${sums.join('\n')}\n`)

const at = (name: string): string => join(root, name)
const linesOf = (text: string): string[] => text.trimEnd().split('\n')

test('a table, a settings file, and commands that each tell the next', { timeout: 120_000 }, async () => {
  const file = at('ruminate.yaml')
  const run = async (words: string): Promise<string> => {
    written.out = ''
    expect(await main([...words.split(' '), '--threads', '1']), written.err).toBe(0)
    const next = linesOf(written.out.slice(written.out.lastIndexOf('Next')))
    return next
      .find((line) => line.startsWith('  npx '))!
      .trim()
      .replace(/ {3}.*$/, '')
  }
  const next = await run(`init ${at('sums.csv')} --out ${file} --questions 4`)
  expect(next).toMatch(/^npx ruminate (sft|zero|init|eval) /)
  expect(written.out).toMatch(/sums\.csv: 24 rows/)
  expect(written.out).toMatch(/"solution" is taken for the worked solution/)
  expect(written.out).toMatch(/pass@1 .*32 responses to 4 questions/)
  expect(written.out).toMatch(/What will work: /)
  const task = at('sums.csv')
  expect(readFileSync(file, 'utf8')).toMatch(`task: ${task}`)

  const [sft, zero] = [at('sft-1'), at('zero-1')]
  expect(await run(`sft --config ${file} --set epochs=4 --out ${sft}`)).toBe(
    `npx ruminate ${withConfig('zero', file, join(sft, 'model'))}`,
  )
  expect(await run(`zero --config ${file} --model ${sft} --out ${zero} ${TINY} --steps 1`)).toBe(
    `npx ruminate ${withConfig('eval', file, join(zero, 'model'))}`,
  )
  written.out = ''
  expect(await main(['eval', '--config', file, '--model', zero, '--samples', '1'])).toBe(0)
  // the questions that were held out of both trainings
  const { heldOut } = await loadTable(task, {
    heldOutShare: parse(readFileSync(file, 'utf8')).eval.share,
  }).then(({ size }) => size)
  expect(written.out).toMatch(`${heldOut} questions, 1 sample per question`)
})

/** Settings that make a step short. */
const TINY = '--set rl.maxTokens=20 --set rl.questionsPerStep=2 --set eval.samples=1'

test('an existing settings file is kept, unless it is to be replaced', async () => {
  const file = at('mine.yaml')
  writeFileSync(file, 'steps: 5\n')
  const words = `init ${at('sums.csv')} --out ${file} --questions 1 --quiet --threads 1`.split(' ')
  expect(await main(words)).toBe(2)
  expect(written.err).toBe(`error: ${file} exists already: --force replaces it, --out FILE writes another\n`)
  expect(readFileSync(file, 'utf8')).toBe('steps: 5\n')
  expect(await main([...words, '--force'])).toBe(0)
  expect(readFileSync(file, 'utf8')).toMatch('sums.csv')
})

test('a table that does not exist is said before a settings file that does', async () => {
  const file = at('kept.yaml')
  writeFileSync(file, 'steps: 5\n')
  expect(await main(['init', at('nowhere.csv'), '--out', file])).toBe(1)
  expect(written.err).toMatch(/there is no file or folder .*nowhere\.csv/)
})

/** Ten questions in a language that the embedded base does not know: too few for a trial. */
const days = Array.from({ length: 10 }, (_, i) => `Welcher Tag kommt nach Tag ${i} der Woche?,T${i + 1}`)

test.each([
  ['', days, '--model Qwen/Qwen2.5-0.5B-Instruct'],
  [',how', days.map((row, i) => `${row},one more than ${i}`), '--columns thinking=how'],
  [',how,id', days.map((row, i) => `${row},one more than ${i},${i}`), '--model Qwen/Qwen2.5-0.5B-Instruct'],
])(
  'the next command keeps the options that were given (columns question,answer%s)',
  async (more, rows, changed) => {
    const [table, out] = [at('days.csv'), at('days.yaml')]
    rmSync(out, { force: true })
    writeFileSync(table, `question,answer${more}\n${rows.join('\n')}\n`)
    expect(await main(`init ${table} --seed 3 --questions 2 --out ${out} --threads 1`.split(' '))).toBe(0)
    expect(written.out).toMatch('What will work: another base')
    expect(linesOf(written.out).findLast((line) => line.startsWith('  npx '))).toBe(
      `  npx ruminate init ${table} ${changed} --seed 3 --questions 2 --out ${out} --force`,
    )
    expect(readFileSync(out, 'utf8')).toMatch(
      `# Written by \`ruminate init ${table} --seed 3 --questions 2 --out ${out}\`.`,
    )
  },
)

test('another try with another base keeps the columns and the settings file', async () => {
  writeFileSync(at('few.csv'), 'Say,Reply\nQuelle est la capitale?,Paris\nOù est le chat?,ici\nQui?,moi\n')
  const file = at('my few.yaml')
  const words = ['init', at('few.csv'), '--columns', 'question=Say,answer=Reply', '--out', file]
  expect(await main([...words, '--questions', '1', '--threads', '1'])).toBe(0)
  expect(written.out).toMatch(
    new RegExp(`--columns question=Say,answer=Reply --model \\S+ --questions 1 --out '${file}' --force`),
  )
})

test.each([
  ['no folder', join('none', 'x.yaml'), /there is no folder .*none/],
  ['a folder', '.', /is a folder: name a file in it/],
])('%s for the settings file: one line, at once', async (_, out, message) => {
  expect(await main(['init', at('sums.csv'), '--out', at(out), '--force'])).toBe(2)
  expect(written.err).toMatch(message)
})

test('--json: the table, the answers and the report, one object per line', async () => {
  const words = `init ${at('sums.csv')} --json --out ${at('json.yaml')} --questions 2 --threads 1`
  expect(await main(words.split(' '))).toBe(0)
  const objects = linesOf(written.out).map((line) => JSON.parse(line))
  expect(objects.map(({ type }) => type)).toEqual(['table', 'answers', 'result'])
  expect(objects.at(-1)).toMatchObject({
    table: { rows: 24, columns: { thinking: 'solution' } },
    answers: { score: { questions: 2, responses: 16 } },
    verdict: { kind: expect.any(String), title: expect.any(String) },
    out: at('json.yaml'),
    next: { command: expect.stringMatching(/^npx ruminate /) },
  })
})

test('a table that cannot be read: one line, and no file', async () => {
  writeFileSync(at('xy.csv'), 'x,y\n1,2\n')
  expect(await main(['init', at('xy.csv'), '--out', at('none.yaml')])).toBe(2)
  expect(written.err).toMatch(
    /xy\.csv has no columns "question" and "answer"; its columns are "x", "y"\. .*--columns/,
  )
  expect(linesOf(written.err)).toHaveLength(1)
  expect(existsSync(at('none.yaml'))).toBe(false)
})

test.each([
  [4, 'a few seconds'],
  [28, 'about 30 seconds'],
  [70, 'about a minute'],
  [250, 'about 4 minutes'],
  [3500, 'about an hour'],
  [20_000, 'about 6 hours'],
  [400_000, 'about 5 days'],
])('%i seconds are %j', (seconds, text) => expect(duration(seconds)).toBe(text))

test.each([
  [4e8, 'about 0.5 GB'],
  [7.9e8, 'about 1 GB'],
  [1.34e10, 'about 14 GB'],
])('%d bytes are %j', (bytes, text) => expect(size(bytes)).toBe(text))
