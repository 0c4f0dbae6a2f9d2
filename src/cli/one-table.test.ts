import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { RunStore } from '../runs/store.ts'
import { captured } from '../testing/captured.ts'
import { main } from './app.ts'

/* One table, and one file of settings, for several commands. */

const root = mkdtempSync(join(tmpdir(), 'ruminate-one-table-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const at = (name: string): string => join(root, name)
const written = captured()

/** Runs a command and reads the last object that it prints. */
async function run(line: string): Promise<Record<string, unknown>> {
  written.out = ''
  written.err = ''
  const words = line.split(' ').map((word) => (word.startsWith('@') ? at(word.slice(1)) : word))
  expect([await main([...words, '--json']), written.err]).toEqual([0, expect.not.stringContaining('error')])
  return JSON.parse(written.out.trim().split('\n').at(-1)!)
}

const rows = Array.from({ length: 24 }, (_, n) => `What is twice ${n}?,${2 * n}\n`)
writeFileSync(at('twice.csv'), `problem,answer\n${rows.join('')}`)
writeFileSync(
  at('ruminate.yaml'),
  `task: ${at('twice.csv')}
columns: {question: problem}
seed: 1
threads: 1
eval: {share: 0.3, samples: 2}
sft: {minSteps: 4, batchSize: 4}
zero: {steps: 2, rl: {questionsPerStep: 2, groupSize: 2, maxTokens: 20}}
`,
)

test('fine-tuning, reinforcement learning and evaluation take one file of settings, and one split', async () => {
  const tuned = await run('sft --config @ruminate.yaml --out @sft-1')
  const { training, heldOut } = tuned.data as { training: number; heldOut: number }
  expect([training + heldOut, heldOut > 2, heldOut < 13]).toEqual([24, true, true])

  const trained = await run('zero --config @ruminate.yaml --model @sft-1 --out @zero-1')
  const store = RunStore.open(at('zero-1'))
  const asked = (split: string) => new Set(store.rollouts({ split }).map(({ question }) => question))
  const [learned, before] = [asked('train'), asked('eval-before')]
  store.close()
  expect(before.size).toBe(heldOut)
  expect(learned.size).toBeGreaterThan(1)
  expect([...learned].filter((question) => before.has(question))).toEqual([])

  // as the run measured it, from its settings or from the file
  const { after } = trained as { after: object }
  expect(await run('eval --model @zero-1')).toMatchObject({
    ...after,
    questions: heldOut,
    task: at('twice.csv'),
  })
  expect(written.err).toContain(`asking the held-out questions of ${at('twice.csv')} as `)
  expect(await run('eval --config @ruminate.yaml --model @zero-1')).toMatchObject(after)
  // options win
  expect(await run('eval --model @zero-1 --samples 1 --held-out-share 0.9 --max-tokens 2')).toMatchObject({
    samples: 1,
    questions: expect.toSatisfy((n: number) => n > heldOut),
    responseTokens: 2,
  })
  expect(await run('eval --model @sft-1 --questions 3')).toMatchObject({
    task: at('twice.csv'),
    questions: 3,
  })
  expect(await run('eval --model @zero-1 --task countdown --questions 2 --max-tokens 2')).toMatchObject({
    task: 'countdown',
    samples: 1,
  })
})

test('a model is not asked what an earlier run with another share has learned', async () => {
  const table = `@twice.csv --columns question=problem`
  const zero = '--threads 1 --steps 1 --set rl.maxTokens=4 --set rl.questionsPerStep=2 --set rl.groupSize=2'
  await run(
    'sft --data @twice.csv --columns prompt=problem,completion=answer --epochs 1 --set eval.share=0.02 --out @few',
  )
  const few = { questions: 1 }
  expect(await run(`eval --model @few --max-tokens 4 --task ${table}`)).toMatchObject(few)
  expect(written.err).toMatch(/few, from which this model comes, held out only a share of 0\.02 of /)
  expect(await run(`eval --model @few --max-tokens 4 --held-out-share 0.5 --task ${table}`)).toMatchObject({
    questions: expect.toSatisfy((n: number) => n > 5),
  })
  expect(written.err).toMatch(/with 0\.5, the model is also asked questions that it has learned/)

  // also through a later run
  await run(`zero --model @few ${zero} --set whenNothingToLearn=continue --out @later --task ${table}`)
  expect(await run(`eval --model @later --max-tokens 4 --task ${table}`)).toMatchObject(few)
  await run(`eval --model @later --max-tokens 4`)
  expect(written.err).toMatch(/few, from which this model comes/)
})

test('tasks check takes the share', async () => {
  const check = 'tasks check @twice.csv --columns question=problem'
  const [tenth, third] = [await run(check), await run(`${check} --held-out-share 0.3`)]
  expect(third.heldOut as number).toBeGreaterThan(tenth.heldOut as number)
})

writeFileSync(at('one.csv'), 'question,answer\n1+1?,2\n')
writeFileSync(at('pair.jsonl'), '{"prompt":"a","chosen":"b","rejected":"c"}\n')
test.each([
  [
    'zero --task @one.csv',
    /one has no training questions: its only one is held out, and training needs others/,
  ],
  ['sft --task @one.csv', /one has no training questions/],
  [
    'sft --data @one.csv --columns prompt=question,completion=answer',
    /1 to hold out; .*add rows with other questions/,
  ],
  ['reward --data @pair.jsonl', /0 rows to train on and 1 to hold out; .*add rows with other questions/],
  ['distill --data @one.csv --columns prompt=question,completion=answer', /add rows with other questions/],
  ['distill --teacher miniature-r1-base --task @one.csv', /one has no training questions/],
  ['r1 --task @one.csv', /one has no training questions/],
])('%s: an error before there is a run', async (line, message) => {
  const words = line.split(' ').map((word) => (word.startsWith('@') ? at(word.slice(1)) : word))
  expect(await main([...words, '--out', at('none')])).toBe(1)
  expect(written.err).toMatch(message)
  expect(written.err.trim().split('\n')).toHaveLength(1)
  expect(existsSync(at('none'))).toBe(false)
})

test.each(['zero', 'sft', 'eval'])('%s in another folder than its settings file says so', async (command) => {
  writeFileSync(at('beside.yaml'), 'task: twice.csv\n')
  written.err = ''
  expect(await main([command, '--config', at('beside.yaml')])).toBe(2)
  expect(written.err).toMatch(
    /there is no twice\.csv in the current folder, .*beside\.yaml .*: run the command there/,
  )
})

test('one question can be evaluated', async () => {
  expect(await run('eval --task @one.csv --max-tokens 4')).toMatchObject({ questions: 1 })
})
