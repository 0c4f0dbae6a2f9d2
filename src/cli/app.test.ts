import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { engineNames } from '../engines/open.ts'
import { modelFolder } from '../hub/find-model.ts'
import { RunStore } from '../runs/store.ts'
import { algorithmNames, baseNames } from '../settings/presets.ts'
import { captured } from '../testing/captured.ts'
import { main } from './app.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate-cli-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const written = captured()

describe('wrong usage: one line, exit code 2', () => {
  const cases: [string, RegExp][] = [
    ['zreo', /unknown command "zreo"; did you mean zero\?/],
    ['--quiet zero', /--quiet is no command; options follow the command, as in `ruminate zero --quiet`/],
    ['help zreo', /unknown command "zreo"; did you mean zero\?/],
    ['runs note zero-1', /what is to be noted\? Add a text/],
    ['tasks check miniature', /the task miniature makes its own questions: there is no table to check/],
    ['train', /unknown command "train" \(/],
    ['zero --stpes 3', /unknown option --stpes; did you mean --steps\?/],
    ['zero -s', /unknown option -s/],
    ['zero --steps', /--steps needs a value: --steps N \(/],
    ['zero --steps=', /--steps needs a value: --steps N \(/],
    ['zero --toString x', /unknown option --toString/],
    ['zero --help=yes', /--help takes no value/],
    ['zero --steps --quiet', /--steps needs a value/],
    ['zero --steps -5', /--steps must be a whole number of at least 0, not -5/],
    ['zero --steps=-5', /--steps must be a whole number of at least 0, not -5/],
    ['zero --steps many', /--steps must be a whole number of at least 0, not many/],
    ['zero --seed 1.5', /--seed must be a whole number of at least 0, not 1\.5/],
    ['zero --threads 0', /--threads must be a whole number from 1 to 1024, not 0/],
    ['eval --samples 1,x', /--samples must be a whole number of at least 1, not x/],
    ['eval --budget some', /--budget must be a whole number of at least 0, or none, not some/],
    ['serve --port 70000', /--port must be a whole number from 0 to 65535, not 70000/],
    ['eval --top-p 0', /--top-p must be a number above 0 and of at most 1, not 0/],
    ['eval --held-out-share 1', /--held-out-share must be a number above 0 and below 1, not 1/],
    ['zero --json=yes', /--json takes no value/],
    ['zero now', /unexpected argument "now"/],
    ['zero --set steps', /write it as path\.to\.setting=value/],
    ['zero --algorithm ppo', /unknown algorithm "ppo"/],
    ['zero --template alpaca', /setting template is "alpaca"/],
    ['eval --engine nope', /--engine is "nope"; choose one of local/],
    ['chat --engine nope', /--engine is "nope"; choose one of local/],
    ['r1 --engine nope', /setting engine is "nope"/],
    ['distill --teacher t --engine nope', /setting engine is "nope"/],
    ['eval --template alpaca', /--template is "alpaca"; choose one of r1-zero, chat/],
    ['zero --config none.yaml', /cannot read the settings in none\.yaml: there is no such file/],
    ['pretrain --tokens 0', /--tokens must be a whole number of at least 1, not 0/],
    ['resume', /RUN is missing/],
    ['runs delete', /unknown action "delete"/],
    ['runs show', /which run\?/],
    ['eval --temperature -1', /--temperature must be a number from 0 to 10/],
  ]
  test.each(cases)('%s', async (line, message) => {
    expect(await main(line.split(' '))).toBe(2)
    expect(written.err).toMatch(message)
    expect(written.err.trim().split('\n')).toHaveLength(1)
    expect(written.out).toBe('')
  })
})

describe.each(['zero', 'sft', 'reward', 'dpo', 'r1', 'distill'])('%s', (name) => {
  test.each(['abc', '-1', '0', '1.5', '1e99'])('--lora %s', async (rank) => {
    expect(await main([name, '--lora', rank])).toBe(2)
    expect(written.err).toBe(`error: --lora must be a whole number of at least 1 (the rank), not ${rank}\n`)
  })
})

describe('options of another action of the command: one line, exit code 2', () => {
  const cases: [string, string][] = [
    ['runs list --split train', '--split belongs to `ruminate runs show RUN`, not to `ruminate runs`'],
    ['runs --samples 3', '--samples belongs to `ruminate runs show RUN`, not to `ruminate runs`'],
    [
      'runs note zero-1 x --metric loss',
      '--metric belongs to `ruminate runs show RUN`, not to `ruminate runs note RUN TEXT`',
    ],
    ['runs show zero-1 --yes', '--yes belongs to `ruminate runs rm RUN`, not to `ruminate runs show RUN`'],
    ['runs show zero-1 --metric loss --split train', '--metric shows a metric and --split rollouts'],
    [
      'eval show DIR --model x',
      '--model belongs to `ruminate eval` and `ruminate eval compare A B`, not to `ruminate eval show DIR`',
    ],
    ['eval compare A B --wrong', '--wrong belongs to `ruminate eval show DIR`'],
    [
      'tasks --columns question=q',
      '--columns belongs to `ruminate tasks check FILE`, not to `ruminate tasks`',
    ],
    ['tasks list my.csv', 'unexpected argument "my.csv": `ruminate tasks check my.csv` checks a table'],
  ]
  test.each(cases)('%s', async (line, message) => {
    expect(await main(line.split(' '))).toBe(2)
    expect(written.err).toMatch(`error: ${message}`)
    expect(written.err.trim().split('\n')).toHaveLength(1)
    expect(written.out).toBe('')
  })
})

describe('failures: one line, exit code 1', () => {
  const cases: [string, RegExp][] = [
    [`zero --model ${root}/none`, /no model folder at/],
    [`eval --model ${root}`, /it has no config\.json/],
    [`resume ${root}/none`, /there is no run /],
    [`runs show ${root}/none`, /there is no run /],
    [`runs show none --dir ${root}`, /there is no run none, /],
  ]
  test.each(cases)('%s', async (line, message) => {
    expect(await main(line.split(' '))).toBe(1)
    expect(written.err).toMatch(message)
    expect(written.err.trim().split('\n')).toHaveLength(1)
  })
})

test('help and version', async () => {
  expect(await main(['--help'])).toBe(0)
  expect(written.out).toMatch(/zero .*pretrain .*resume .*runs .*eval .*chat .*doctor/s)
  written.out = ''
  expect(await main(['zero', '--help'])).toBe(0)
  expect(written.out).toMatch(/--steps/)
  expect(written.out).not.toContain('\u001b')
  expect(written.out).not.toMatch(/ $/m)
  expect(written.out).toMatch(/--template=<NAME> +.*r1-zero \(default\), chat/)
  for (const name of [...algorithmNames, ...baseNames, ...engineNames]) expect(written.out).toContain(name)
  const help = written.out
  written.out = ''
  expect(await main(['help', 'zero'])).toBe(0)
  expect(written.out).toBe(help)
  written.out = ''
  expect(await main(['--version'])).toBe(0)
  expect(written.out).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test.each(['zero', 'r1', 'distill', 'sft', 'reward', 'eval', 'chat'])('%s takes an engine', async (name) => {
  expect(await main([name, '--help'])).toBe(0)
  expect(written.out).toMatch(/--engine=<NAME> +.*local \(default\)/)
})

test('eval truncates the sampling, and says so', async () => {
  const truncated = '--temperature 0.6 --top-k 20 --top-p 0.95 --min-p 0.01'.split(' ')
  const asked = ['eval', '--questions', '2', '--max-tokens', '10', ...truncated]
  expect(await main([...asked, '--json'])).toBe(0)
  const sampling = { temperature: 0.6, topK: 20, topP: 0.95, minP: 0.01 }
  expect(JSON.parse(written.out.trim().split('\n').at(-1)!)).toMatchObject({ type: 'result', ...sampling })
  written.out = ''
  expect(await main(asked)).toBe(0)
  expect(written.out).toContain('T = 0.6, top-k 20, top-p 0.95, min-p 0.01,')
})

test.each([
  ['--top-k', '-1', 2, /--top-k must be a whole number of at least 0, not -1/],
  ['--top-p', '0.9', 2, /--top-p has no effect on greedy sampling: add --temperature T above 0/],
  ['--min-p', '2', 2, /--min-p must be a number from 0 to 1, not 2/],
  ['--temperature', '1e-9', 1, /temperature must be 0 \(greedy\), or a finite number of at least 0\.000001/],
] as const)('chat %s %s', async (option, value, code, message) => {
  expect(await main(['chat', 'Why?', option, value])).toBe(code)
  expect(written.err).toMatch(message)
})

test.each(['', '  '])('chat with the empty message "%s"', async (message) => {
  expect(await main(['chat', message])).toBe(2)
  expect(written.err).toBe('error: MESSAGE is empty: give a question, or leave it out for a conversation\n')
})

test('with --json, warnings and errors are objects on standard output too', async () => {
  const objects = () =>
    written.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  expect(await main(['zero', '--task', 'no-such.csv', '--json'])).toBe(1)
  expect(objects()).toEqual([{ type: 'error', message: 'there is no file or folder no-such.csv' }])
  expect(written.err).toBe('error: there is no file or folder no-such.csv\n')
  written.out = ''
  expect(await main('eval --questions 1 --max-tokens 1 --threads 9 --json'.split(' '))).toBe(0)
  expect(objects()[0]).toEqual({
    type: 'warning',
    message: expect.stringMatching(/^9 threads on \d+ cores?/),
  })
  expect(objects().at(-1)).toMatchObject({ type: 'result' })
})

test('doctor finds that this machine can train', async () => {
  expect(await main(['doctor', '--json'])).toBe(0)
  expect(JSON.parse(written.out.trim().split('\n').at(-1)!)).toMatchObject({ type: 'result', ok: true })
})

describe('runs', () => {
  const directory = join(root, 'zero-1')
  const store = RunStore.create({
    recipe: 'zero',
    seed: 3,
    settings: { steps: 7, eval: { every: 2 }, own: {} },
    out: directory,
  })
  store.record(1, { metrics: { accuracy: 0.25 }, events: [{ level: 'warning', message: 'careful' }] })
  store.record(2, {
    metrics: { accuracy: 0.5 },
    rollouts: [
      {
        split: 'train',
        question: 'q',
        kind: 'k/1',
        gold: '1',
        prompt: 'User: ? Assistant:',
        tokens: Int32Array.of(1, 2),
        text: ' <think>hm</think>',
        thinking: 'hm',
        answer: null,
        logprobs: Float32Array.of(-1, -2),
        rewards: { accuracy: 0 },
        correct: false,
        total: 0,
        advantage: -0.5,
        stopReason: 'stop',
        length: 2,
      },
    ],
  })
  store.close()

  test('list', async () => {
    rmSync(join(root, 'broken'), { recursive: true, force: true })
    expect(await main(['runs', 'list', '--dir', root, '--json'])).toBe(0)
    expect(JSON.parse(written.out)).toMatchObject({ type: 'run', recipe: 'zero', seed: 3, step: 2 })
  })
  test.each(['runs', 'elsewhere', '.'])(
    'what is listed in %s can be shown, and its model be found',
    async (dir) => {
      const home = mkdtempSync(join(root, 'home-'))
      const old = process.cwd()
      process.chdir(home)
      try {
        RunStore.create({ recipe: 'zero', seed: 1, settings: {}, out: join(dir, 'zero 1') }).close()
        RunStore.create({ recipe: 'zero', seed: 2, settings: {}, out: join(dir, 'zero-2') }).close()
        for (const name of ['zero 1', 'zero-2']) {
          mkdirSync(join(dir, name, 'model'))
          writeFileSync(join(dir, name, 'model', 'config.json'), '{}')
        }
        expect(await main(['runs', '--dir', dir])).toBe(0)
        const listed = written.out.split('\n').flatMap((line) => /^ *(\S.*?) {2,}zero /.exec(line)?.[1] ?? [])
        expect(listed).toEqual(['zero 1', 'zero-2'].map((name) => join(dir, name)))
        for (const name of [...listed, ...(dir === 'runs' ? ['zero 1', 'zero-2'] : [])]) {
          expect(await main(['runs', 'show', name])).toBe(0)
          expect(await modelFolder(name)).toMatch(/zero.[12].model$/)
        }
      } finally {
        process.chdir(old)
      }
    },
  )
  test('show', async () => {
    expect(await main(['runs', 'show', directory])).toBe(0)
    expect(written.out).toMatch(/^ {2}steps: 7\n {2}eval: \{every: 2\}\n\n/m)
    expect(written.out).toMatch(/accuracy +2 +0\.5/)
    expect(written.out).toMatch(/warning at step 1: careful/)
  })
  test('show finds a run by its name, too', async () => {
    expect(await main(['runs', 'show', 'zero-1', '--dir', root])).toBe(0)
    expect(written.out).toContain(directory)
  })
  test('show --metric', async () => {
    expect(await main(['runs', 'show', directory, '--metric', 'accuracy', '--json'])).toBe(0)
    expect(
      written.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).value),
    ).toEqual([0.25, 0.5])
  })
  test('show --metric with a misspelled name', async () => {
    expect(await main(['runs', 'show', directory, '--metric', 'acuracy'])).toBe(2)
    expect(written.err).toMatch(/did you mean accuracy\?/)
  })
  test('show --samples', async () => {
    expect(await main(['runs', 'show', directory, '--samples', '3'])).toBe(0)
    expect(written.out).toMatch(/wrong.*accuracy 0.*advantage -0\.5.*2 tokens/)
    expect(written.out).toMatch(/<think>hm<\/think>/)
  })
})

test('merge takes the newest checkpoint of a run that has not finished, and says so', async () => {
  const run = join(root, 'unfinished')
  RunStore.create({ recipe: 'zero', seed: 0, settings: {}, out: run }).close()
  const checkpoint = join(run, 'checkpoints', 'step-000004')
  cpSync(await modelFolder('miniature-base'), checkpoint, { recursive: true })
  expect(await main(['merge', run, '--out', join(root, 'merged')])).toBe(1)
  expect(written.out).toMatch(/has not finished: this is its newest checkpoint, of step 4/)
  expect(written.err).toMatch(/error: .*step-000004 is a plain model already: it has no adapters to merge$/m)
  rmSync(run, { recursive: true })
})

test('a damaged run database is one line', async () => {
  const directory = mkdtempSync(join(root, 'damaged-'))
  writeFileSync(join(directory, 'run.sqlite'), 'this is not a database, it is text of some length')
  expect(await main(['runs', 'show', directory])).toBe(1)
  expect(written.err.trim().split('\n')).toHaveLength(1)
  expect(written.err).not.toMatch(/unexpected/)
  rmSync(directory, { recursive: true })
})
