import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'

/* What a terminal and a program see where there is nothing to learn from. */

const built = (file: string): string => fileURLToPath(new URL(`../../dist/${file}`, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ruminate-nothing-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const write = (name: string, lines: readonly string[]): void =>
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`)

function node(words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' })
  return { status, out: stdout, errors: stderr.split('\n').filter((line) => line !== '') }
}
const ruminate = (line: string) => node([built('cli/main.js'), ...line.split(' ')])

/** Questions that the embedded base never answers right. */
write('hours.csv', [
  'question,answer',
  ...Array.from(
    { length: 60 },
    (_, i) => `How many minutes are ${i + 2} hours and 7 minutes?,${60 * (i + 2) + 7}000`,
  ),
])
const small = '--task hours.csv --set rl.maxTokens=64 --set eval.questions=5 --set eval.every=0'

test('rewards that are all equal: a warning at once, then exit code 1 with what to do, resumed or not', () => {
  const { status, errors } = ruminate(`zero --out equal --steps 3 --set rewards.format=0 ${small}`)
  expect(status).toBe(1)
  const cause =
    /all rewards within each group are the same, because none of \d+ answers is right: use easier questions.*`ruminate sft`.*--model.*"How many minutes are \d+ hours and 7 minutes\?" got the answer ".*" instead of "\d+"/
  expect(errors).toEqual([
    expect.stringMatching(/^warning at step 1: /),
    expect.stringMatching(
      /^error: there was nothing to learn from in any of the first 3 steps \(240 rollouts\): .*set whenNothingToLearn=continue$/,
    ),
  ])
  for (const error of errors) expect(error).toMatch(cause)

  const shown = ruminate('runs show equal')
  expect(shown.status).toBe(0)
  expect(shown.out).toMatch(/failed at step 3/)
  expect(shown.out).toMatch(/at step 3: there was nothing to learn from/)
  expect(ruminate('runs show equal --samples 1').out).toMatch(/How many minutes/)
  expect(ruminate('resume equal')).toMatchObject({ status: 1, errors: [errors[1]] })
})

test('an answer that is never right while the format differs: the hint does not suggest another seed', () => {
  const { status, out, errors } = ruminate(`zero --out format --steps 3 ${small}`)
  expect(status).toBe(0)
  expect(errors).toEqual([
    expect.stringMatching(
      /^warning at step 3: none of the first 240 answers is right, so only format can be learned/,
    ),
  ])
  expect(out).toMatch(/pass@1 did not rise \(0\.0 % before, 0\.0 % after\)/)
  expect(out.split('pass@1 did not rise')[1]).toMatch(
    /At step 3: none of the first 240 answers is right.*ruminate sft/,
  )
  expect(out).not.toMatch(/--seed/)
})

test('five conversations: what is too little is said before training', () => {
  write(
    'five.jsonl',
    [1, 2, 3, 4, 5].map((n) =>
      JSON.stringify({
        messages: [
          { role: 'user', content: `${n}?` },
          { role: 'assistant', content: `It is ${n}.` },
        ],
      }),
    ),
  )
  const { status, errors } = ruminate('sft --data five.jsonl --out five --quiet')
  expect(status).toBe(0)
  expect(errors).toEqual([
    expect.stringMatching(
      /^warning only 3 optimizer steps in all \(4 training rows, batchSize=16, epochs=3\).*raise epochs or lower batchSize/,
    ),
    expect.stringMatching(/^warning the held-out loss is that of 1 row/),
  ])
  expect(ruminate('runs show five').out).toMatch(/warning at step 0: only 3 optimizer steps/)
})

test.each<[string, string, RegExp]>([
  [
    'a reward that throws',
    "() => { throw new Error('no network') }",
    /a reward fails on each of the 80 rollouts.*mine: no network/,
  ],
  ['the same number for all', '() => 0.5', /every response gets the same reward, 0\.5/],
])('a program without a callback hears of %s on standard error, and the run fails', (name, score, cause) => {
  write('program.mjs', [
    `import { zero } from ${JSON.stringify(pathToFileURL(built('index.js')))}`,
    `await zero({ out: ${JSON.stringify(name)}, steps: 20, eval: { questions: 4, every: 0 }, rl: { maxTokens: 64 },`,
    `  rewards: [{ name: 'mine', weight: 1, score: ${score} }] })`,
  ])
  const { status, errors } = node(['program.mjs'])
  expect(status).toBe(1)
  expect(errors.filter((line) => line.includes('Warning: at step'))).toEqual([expect.stringMatching(cause)])
  expect(
    errors.filter((line) => /there was nothing to learn from in any of the first 3 steps/.test(line)),
  ).toEqual([expect.stringMatching(cause)])
})
