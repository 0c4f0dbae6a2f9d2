import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { conversions, writeSource } from '../../../common/files/conversions.ts'
import { modelFolder } from '../../../hub/find-model.ts'
import type { ZeroResult } from '../../../recipes/zero.ts'
import { RunStore } from '../../../runs/store.ts'
import { merge, type Tree } from '../../../settings/layers.ts'
import { resolveZeroSettings } from '../../../settings/zero.ts'
import type { Evaluation } from '../../../stages/evaluate/evaluate.ts'
import { Output } from '../output.ts'
import { summarizeZero } from './zero.ts'

const root = mkdtempSync(join(tmpdir(), 'ruminate summary-'))
afterAll(() => rmSync(root, { recursive: true }))
afterEach(() => void vi.restoreAllMocks())

/** The commands that are suggested at the end of a run with these settings, in which pass@1 has risen. */
async function next(
  given: Tree,
  out: string,
  storedAs: (settings: Tree) => Tree = (settings) => settings,
): Promise<string[]> {
  const text = await summaryOf(given, out, { storedAs })
  return text
    .slice(text.indexOf('Next'))
    .split('\n')
    .filter((line) => line.startsWith('  npx '))
    .map((line) => line.trim().replace(/ {3}.*$/, ''))
}

interface Ended {
  readonly storedAs?: (settings: Tree) => Tree
  readonly passAt1?: readonly [before: number, after: number]
  readonly warnings?: readonly string[]
  /** Held-out questions. */
  readonly questions?: number
}

/** The summary of a run with these settings. */
async function summaryOf(
  given: Tree,
  out: string,
  {
    storedAs = (settings) => settings,
    passAt1: [before, after] = [0.5, 0.6],
    warnings = [],
    questions = 300,
  }: Ended,
): Promise<string> {
  const { model, ...settings } = resolveZeroSettings(merge(given))
  const store = RunStore.create({
    recipe: 'zero',
    seed: 4,
    settings: storedAs({ ...settings, model: await modelFolder(model) }),
    out: join(root, out),
  })
  store.record(3, { events: warnings.map((message) => ({ level: 'warning', message })) })
  store.close()
  let text = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += part
    return true
  })
  const evaluation = { questions, standardError: 0.1, families: {}, responseTokens: 9 } as Evaluation
  const result = { run: store.directory, model: 'MODEL', seed: 4, seconds: 1 } as ZeroResult
  summarizeZero(new Output({}), {
    ...result,
    before: { ...evaluation, passAt1: before, reflectionPerResponse: 0, reflection: 0 },
    after: { ...evaluation, passAt1: after, reflectionPerResponse: 0, reflection: 0 },
  })
  return text
}

test('the suggested commands ask the same questions', async () => {
  const [show, chat, evaluate, again] = await next({}, 'usual')
  expect(show).toBe(`npx ruminate runs show '${join(root, 'usual')}' --samples 5`)
  expect(chat).toBe('npx ruminate chat --model MODEL')
  expect(evaluate).toBe('npx ruminate eval --model MODEL')
  expect(again).toBe('npx ruminate zero --seed 5')

  const asked = "--task my.csv --columns 'question=the question,answer=null,choices=[A,B]'"
  const columns = { question: 'the question', choices: ['A', 'B'], answer: null }
  const given = await next(
    { task: 'my.csv', columns, algorithm: 'dapo', steps: 9, template: 'chat' },
    'table',
  )
  expect(given[2]).toBe(`npx ruminate eval --model MODEL --template chat ${asked}`)
  expect(given[3]).toBe(`npx ruminate zero --seed 5 --template chat --algorithm dapo --steps 9 ${asked}`)
})

test('the training with another seed has all the settings that were changed', async () => {
  const rl = { maxTokens: 100, groupSize: 4 }
  const [, , , again] = await next({ rl, rewards: { language: 0.1 }, algorithm: 'dapo' }, 'sets')
  expect(again).toBe(
    'npx ruminate zero --seed 5 --algorithm dapo --set rl.maxTokens=100 --set rl.groupSize=4 --set rewards.language=0.1',
  )
})

test.each<[string, Tree, string]>([
  ['a server', {}, ''],
  ['another rank', { lora: { rank: 4 } }, ' --lora 4'],
  ['all weights', { lora: null }, ' --set lora=null'],
  ['sampling ahead', { async: { staleness: 2 } }, ' --set async.staleness=2'],
])('what a server changes is not repeated: %s', async (name, given, options) => {
  const [evaluate, again] = (await next({ engine: 'tinker', ...given }, name)).slice(-3, -1)
  expect(evaluate).toBe('npx ruminate eval --model MODEL --engine tinker')
  expect(again).toBe(`npx ruminate zero --seed 5${options} --engine tinker`)
})

test('a run that an earlier version began has a summary: settings that it lacks are the defaults', async () => {
  const earlier = ({ chat, rl, eval: evaluation, ...settings }: Tree): Tree => {
    const { topK, topP, minP, ...kept } = rl as Tree
    const { topK: _, topP: __, minP: ___, ...asked } = evaluation as Tree
    return { ...settings, rl: kept, eval: asked, own: { task: false, rewards: null } }
  }
  const [, , evaluate, again] = await next({ rl: { groupSize: 4 } }, 'earlier', earlier)
  expect(evaluate).toBe('npx ruminate eval --model MODEL')
  expect(again).toBe('npx ruminate zero --seed 5 --set rl.groupSize=4')
})

test('a model with a chat template of its own that was trained in R1-Zero’s is measured in R1-Zero’s', async () => {
  const model = join(root, 'chat-model')
  cpSync(await modelFolder('miniature-base'), model, { recursive: true })
  writeFileSync(join(model, 'chat_template.jinja'), '<user>{{ messages[0].content }}<assistant>')
  const [, , evaluate, again] = await next({ model }, 'own-template')
  expect(evaluate).toBe('npx ruminate eval --model MODEL --template r1-zero')
  expect(again).toBe(`npx ruminate zero --seed 5 --model '${model}'`)
})

test('a GGUF file is named in the suggested commands, not the folder that it was converted to', async () => {
  vi.stubEnv('HF_HUB_CACHE', join(root, 'cache'))
  const file = '/models/Tiny.Q8_0.gguf'
  const model = join(conversions(), 'Tiny.Q8_0-0123456789ab')
  cpSync(await modelFolder('miniature-base'), model, { recursive: true })
  writeSource(model, file)
  const [, , , again] = await next({ model, teacher: { model } }, 'gguf')
  expect(again).toBe(`npx ruminate zero --seed 5 --model ${file} --teacher ${file}`)
  vi.unstubAllEnvs()
})

test.each<[string, readonly [number, number], string[], RegExp]>([
  [
    'stays',
    [0, 0],
    ['no answer is right: use easier questions'],
    /pass@1 did not rise \(0\.0 % before, 0\.0 % after\).*\nAt step 3: no answer is right: use easier/,
  ],
  [
    'falls',
    [0.5, 0.4],
    [],
    /pass@1 did not rise \(50\.0 % before, 40\.0 % after\).*\nNo cause was found\. Train for more steps/,
  ],
  ['is unknown', [Number.NaN, Number.NaN], [], /pass@1 is unknown, since no answer could be checked/],
])(
  'where pass@1 %s, the causes are named and no other seed is suggested',
  async (name, passAt1, warnings, message) => {
    const text = await summaryOf({}, `not-${name}`, { passAt1, warnings })
    expect(text).toMatch(message)
    expect(text).toMatch(/ruminate runs show/)
    expect(text).not.toMatch(/--seed/)
    expect(await summaryOf({}, `but-${name}`, { warnings })).not.toMatch(/pass@1 (did not rise|is unknown)/)
  },
)

test('where pass@1 does not rise on a few questions, the summary says that they can hardly tell', async () => {
  const ended = { passAt1: [0, 0], questions: 1 } as const
  expect(await summaryOf({}, 'one question', ended)).toMatch(
    /No cause was found\. 1 held-out question can hardly tell\. Train for more steps/,
  )
})
