import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { packageRoot } from '../common/files/package.ts'
import { Random } from '../common/random.ts'
import { isPeftFolder } from '../models/checkpoint/peft/adapter-config.ts'
import { Renderer } from '../renderer/renderer.ts'
import { Interrupted } from '../runs/interrupted.ts'
import type { Parts } from '../runs/parts.ts'
import { merge, type Tree } from '../settings/layers.ts'
import { loadTask } from '../tasks/index.ts'
import { demonstrate } from '../tasks/miniature/world/index.ts'
import { startTinkerServer } from '../testing/servers/tinker-server.ts'
import { r1, resumeR1, trainers, withWarnings } from './r1.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-r1-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string): string => join(folder, name)

const tuning = { batchSize: 8, epochs: 1, checkpointEvery: 2, eval: { every: 1000 } }
const memorising = { ...tuning, checkpointEvery: 20, learningRate: 1e-2 }
const reinforcing = {
  steps: 2,
  checkpointEvery: 1,
  rl: { questionsPerStep: 2, groupSize: 2, maxTokens: 24 },
  eval: { questions: 2 },
}
const modelling = { epochs: 1, batchSize: 4, checkpointEvery: 2 }

/** Every part of R1, on the smallest embedded model and on so few questions that it memorises them. */
const settings = {
  preset: 'quick',
  seed: 1,
  threads: 1,
  model: 'miniature-r1-student',
  task: at('questions.jsonl'),
  general: at('prompts.jsonl'),
  generalData: at('conversations.jsonl'),
  // the model is too small to be readable
  readable: { minLanguage: 0, maxRepetition: 1 },
  zero: reinforcing,
  coldStart: {
    examples: at('examples.jsonl'),
    rows: 24,
    batch: 16,
    rounds: 2,
    samples: 4,
    perQuestion: 4,
    sft: { ...memorising, epochs: 16 },
  },
  rl1: reinforcing,
  mixture: {
    questions: 16,
    samples: 4,
    perQuestion: 2,
    reused: 64,
    synthetic: 4,
    ratio: 0.2,
    sft: { ...memorising, batchSize: 16, epochs: 14 },
  },
  preferences: {
    prompts: 24,
    samples: 6,
    pairsPerPrompt: 4,
    times: 2,
    minMargin: 0,
    helpful: modelling,
    harmless: modelling,
  },
  rl2: { zero: reinforcing },
  student: { sft: tuning, zero: reinforcing },
  eval: { questions: 2, samples: 1, general: 2, maxTokens: 80 },
}

const write = (name: string, rows: readonly unknown[]) =>
  writeFileSync(at(name), rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n')

let whole: Awaited<ReturnType<typeof r1>>
const parts: string[] = []
const warnings: string[] = []
beforeAll(async () => {
  // of the questions that are left out
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const english = async (task: string, count: number) =>
    (await loadTask(task))
      .training({ seed: 9, step: 1, count })
      .filter(({ prompt }) => !/\p{Script=Han}/u.test(prompt))
  const questions = (await english('miniature', 200)).filter(({ kind }) => kind === 'fill/1').slice(0, 6)
  const prompts = await english('miniature/general', 400)
  const some = Object.entries({ 'talk/': 2, 'fact/': 2, 'harmful/': 4 }).flatMap(([kind, count]) =>
    prompts.filter((prompt) => prompt.kind.startsWith(kind)).slice(0, count),
  )
  const asRow = ({ prompt, gold }: (typeof prompts)[number]) => ({ question: prompt, answer: gold })
  // one question of each task is longer than the models' context
  const long = (word: string) => ({ question: `${word} `.repeat(2000), answer: '1' })
  write('questions.jsonl', [...questions.map(asRow), long('7')])
  write('prompts.jsonl', [...some.map(asRow), long('Hello')])
  write('long.jsonl', [long('7'), long('8'), long('9')])
  const random = new Random(1)
  write(
    'conversations.jsonl',
    Array.from({ length: 64 }, (_, i) => some[i % some.length]!).map((question) => ({
      messages: [
        { role: 'user', content: question.prompt },
        { role: 'assistant', content: demonstrate(random, question).summary },
      ],
    })),
  )
  const [{ prompt, gold }] = questions as [(typeof questions)[number]]
  const completion = `<think>\nSo the result is ${gold}.\n</think>\n\\boxed{${gold}}`
  write('examples.jsonl', [{ prompt, completion }])
  whole = await r1(settings, {
    out: at('whole'),
    onPart: (name) => parts.push(name),
    onWarning: (message) => warnings.push(message),
  })
})

test('questions that are left out are said once for each task; the warnings of a stage begin with its name', () => {
  const left = warnings.filter((message) => message.includes('cannot be asked'))
  expect(left).toHaveLength(2)
  expect(left).toEqual([expect.stringMatching(/^questions: 1 of/), expect.stringMatching(/^prompts: 1 of/)])
  const others = warnings.filter((message) => !left.includes(message))
  expect(others).toContainEqual(expect.stringMatching(/^rl-1: at step 2: /))
  expect(others).toContainEqual(expect.stringMatching(/^harmless: only \d optimizer steps? in all/))
  for (const message of others)
    expect(message).toMatch(/^(zero|rl-[12]|student-zero|cold-start|chat|mixture|helpful|harmless|distill): /)
})

test('does all four steps and teaches a student', () => {
  expect(whole.stages.map(({ stage }) => stage)).toEqual([
    'Base',
    'R1-Zero',
    'Step 1, cold start',
    'Step 2, RL',
    'Step 3, mixed SFT',
    'Step 4, RL for all',
    'Distilled student',
    'Student, RL alone',
  ])
  for (const name of ['cold-start', 'mixture']) {
    expect(lines(join(whole.run, 'data', `${name}.jsonl`)).length).toBeGreaterThan(3)
    expect(readFileSync(join(whole.run, 'data', `${name}.md`), 'utf8')).toContain('## Rejected')
  }
  for (const name of ['helpful', 'harmless'])
    expect(lines(join(whole.run, 'data', `${name}.jsonl`)).length).toBeGreaterThan(3)
  expect(readFileSync(whole.report, 'utf8')).toContain('Step 4: RL for all')
  expect(existsSync(join(whole.model, 'model.safetensors'))).toBe(true)
})

const short = { ...tuning, checkpointEvery: 1000, learningRate: 1e-4 }
const one = { ...reinforcing, steps: 1 }
/** With adapters, from a base that knows the answers, so that there are rows to learn from after few steps. */
const adapted = () => ({
  ...settings,
  model: whole.model,
  lora: { rank: 4 },
  zero: one,
  coldStart: { rows: 0 },
  rl1: one,
  mixture: { ...settings.mixture, questions: 4, samples: 2, reused: 16, synthetic: 0, sft: short },
  preferences: { ...settings.preferences, prompts: 16 },
  rl2: { zero: one },
  student: { model: null },
})
const quiet = { onWarning: () => {} }

test('with adapters in every stage, stopped in one and resumed', async () => {
  const stop = new AbortController()
  const stopped = r1(adapted(), {
    ...quiet,
    out: at('lora'),
    signal: stop.signal,
    onPart: (name) => void (name === 'harmless' && stop.abort()),
    reward: () => ({ signal: stop.signal }),
  })
  await expect(stopped).rejects.toThrow(Interrupted)
  const { run, stages } = await resumeR1(at('lora'), quiet)
  expect(stages.map(({ stage }) => stage)).toEqual([
    'Base',
    'R1-Zero',
    'Step 2, RL',
    'Step 3, mixed SFT',
    'Step 4, RL for all',
  ])
  for (const name of ['zero', 'rl-1', 'mixture', 'helpful', 'harmless', 'rl-2', '.'])
    expect([name, isPeftFolder(join(run, name, 'model'))]).toEqual([name, true])
})

test('all four steps and the student on a server of the Tinker protocol', { timeout: 900_000 }, async () => {
  vi.stubEnv('TINKER_API_KEY', 'tml-test')
  const server = await startTinkerServer({
    models: [whole.model, 'miniature-r1-student'],
    limits: { models: 16 },
  })
  try {
    const remote = {
      ...adapted(),
      engine: 'tinker',
      tinker: { url: server.url, patience: 60 },
      student: { sft: short, zero: one },
    }
    const { run, stages } = await r1(remote, { ...quiet, out: at('remote') })
    expect(stages.map(({ stage }) => stage)).toEqual([
      'Base',
      'R1-Zero',
      'Step 2, RL',
      'Step 3, mixed SFT',
      'Step 4, RL for all',
      'Distilled student',
      'Student, RL alone',
    ])
    // reward models are trained on this machine
    for (const name of ['zero', 'rl-1', 'mixture', 'helpful', 'harmless', 'rl-2', 'distill'])
      expect([name, isPeftFolder(join(run, name, 'model'))]).toEqual([name, !/^h/.test(name)])
    for (const name of ['rl-1', 'distill'])
      expect(Renderer.load(join(run, name, 'model')).template).toBe('chat')
  } finally {
    await server.end()
    vi.unstubAllEnvs()
  }
})

test('killed twice, and interrupted and moved in one part after another: the same result', async () => {
  let out = at('stopped')
  write('settings.json', [settings])
  await killedAt('cold-start', 'step', ['r1', '--config', at('settings.json'), '--out', out])
  await killedAt('mixture-data', 'part', ['resume', out])

  const later = parts.slice(parts.indexOf('mixture')).filter((name) => !name.startsWith('measure-'))
  expect(later).toHaveLength(7)
  for (const part of later) {
    const moved = at(`before ${part}`)
    renameSync(out, moved)
    out = moved
    const stop = new AbortController()
    const { signal } = stop
    const watching = () => ({ signal })
    const stopped = resumeR1(out, {
      signal,
      onPart: (name) => void (name === part && stop.abort()),
      zero: watching,
      sft: watching,
      reward: watching,
    })
    await expect(stopped).rejects.toThrow(Interrupted)
  }
  const run = await resumeR1(out)
  expect([run.sha256, run.stages]).toEqual([whole.sha256, whole.stages])
  for (const name of ['cold-start', 'mixture', 'helpful', 'harmless'])
    expect(lines(join(out, 'data', `${name}.jsonl`))).toEqual(lines(join(whole.run, 'data', `${name}.jsonl`)))
})

/** Runs a command line in a process of its own and kills it at the first event of a type in a part. */
async function killedAt(part: string, type: string, args: readonly string[]): Promise<void> {
  const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
  const child = spawn(process.execPath, [cli, ...args, '--json'], { stdio: ['ignore', 'pipe', 'ignore'] })
  let rest = ''
  let inPart = false
  let killed = false
  child.stdout.on('data', (chunk: Buffer) => {
    const events = (rest + chunk.toString()).split('\n')
    rest = events.pop()!
    for (const event of events.map((line) => JSON.parse(line) as { type: string; name?: string })) {
      if (event.type === 'part') inPart = event.name === part
      if (inPart && event.type === type && !killed) killed = child.kill('SIGKILL')
    }
  })
  await new Promise<void>((resolve) => child.on('close', () => resolve()))
  expect(killed).toBe(true)
}

test('a stage gets the template arguments that its model has', async () => {
  const begin = { train: (name: string, { begin }: { begin: (out: string) => unknown }) => begin(at(name)) }
  const { finetune } = trainers(begin as unknown as Parts, withWarnings({}), {})
  const miniature = join(packageRoot(), 'models', 'miniature-base')
  const chat = { arguments: { enable_thinking: false } }
  // The miniature has no such argument, which would be an error if it were given: what is missing is the data.
  await expect(finetune('stage', { model: miniature, data: at('none.jsonl'), chat })).rejects.toThrow(
    /none\.jsonl/,
  )
})

test('without a right answer to learn from it ends with the reasons', async () => {
  write(
    'wrong.jsonl',
    lines(at('questions.jsonl')).map((line) => ({ ...JSON.parse(line), answer: '0' })),
  )
  const lost = {
    ...settings,
    task: at('wrong.jsonl'),
    zero: { ...reinforcing, steps: 0 },
    coldStart: { ...settings.coldStart, rounds: 1, batch: 4 },
  }
  await expect(r1(lost, { out: at('lost') })).rejects.toThrow(
    /^Cold-start data: none of \d+ responses can be trained on \(.*\d+ wrong.*\); use easier or more questions/,
  )
})

const provider = { baseUrl: 'http://localhost:9/v1', model: 'x', keyVariable: 'RUMINATE_NO_SUCH_KEY' }
test.each<[string, object, RegExp]>([
  ['general data', { generalData: at('none.jsonl') }, /there is no file or folder/],
  ['worked examples', { coldStart: { examples: at('none.jsonl') } }, /there is no file or folder/],
  ['written solutions', { coldStart: { solutions: 1 } }, /questions have no written solutions/],
  ['the writer’s model', { writer: { model: at('none') } }, /no model folder/],
  ['the judge’s key', { judge: provider }, /set the environment variable RUMINATE_NO_SUCH_KEY/],
  ['a question that fits', { task: at('long.jsonl') }, /^long: .* questions cannot be asked.* None is left/],
  ['a context that is long enough', { rl2: { zero: { rl: { maxTokens: 5000 } } } }, /at most \d+ tokens/],
])('without %s there is no run', async (_, given, message) => {
  const out = at('refused')
  await expect(r1(merge(settings, given as Tree), { out, onWarning: () => {} })).rejects.toThrow(message)
  expect(existsSync(out)).toBe(false)
})
