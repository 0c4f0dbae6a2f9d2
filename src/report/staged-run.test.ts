import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { Generator } from '../providers/generator.ts'
import { Account } from '../providers/spending.ts'
import { Interrupted } from '../runs/interrupted.ts'
import { RunStore } from '../runs/store.ts'
import { openGenerator } from '../stages/data/generators/open-generator.ts'
import { givenRow } from '../stages/data/rows.ts'
import { fakeRenderer, fakeTask } from '../testing/fakes/fake-engine.ts'
import { loadTasks, type StagedSettings, type StagedWatch, stagedRun } from './staged-run.ts'

vi.mock('../stages/data/generators/open-generator.ts', () => ({ openGenerator: vi.fn() }))

const settings: StagedSettings = {
  task: 'miniature',
  general: 'miniature/general',
  judge: 'miniature',
  seed: 1,
  threads: 1,
  engine: 'local',
  tinker: null,
  chat: { arguments: {}, date: '2026-01-01' },
  readable: { maxTokens: 100, maxParagraph: 100, maxRepetition: 0.1, minLanguage: 1 },
  eval: {
    share: 0.1,
    questions: 1,
    samples: 1,
    general: 1,
    temperature: 1,
    topP: 1,
    maxTokens: 10,
    easy: [],
    hard: [],
  },
}
const model = { model: 'm', maxTokens: 1, temperature: 1 }

let out: string
let closed: string[]
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), 'ruminate-staged-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  out = join(folder, 'run')
  closed = []
  let opened = 0
  vi.mocked(openGenerator).mockImplementation(async (): Promise<Generator> => {
    const identity = `generator ${++opened}`
    return {
      identity,
      generate: () => Promise.reject(new Error('no replies')),
      spent: () => new Account(null).spent(),
      close: async () => void closed.push(identity),
    }
  })
})

const tasks = await loadTasks(settings, {})
const begin = (
  stages: Parameters<typeof stagedRun<StagedSettings>>[2],
  watch: StagedWatch<StagedSettings> = {},
) => stagedRun({ recipe: 'r1', seed: 1, settings, out }, { title: 'Stages', settings, tasks, watch }, stages)
const statusOf = (): string => {
  const store = RunStore.open(out)
  try {
    return store.info().status
  } finally {
    store.close()
  }
}

test('ends with the report, the model and the cost of each model', async () => {
  const lines: string[] = []
  const result = await begin(
    async (run) => {
      await run.open('writer', model)
      const folder = join(run.directory, 'trained')
      mkdirSync(folder)
      writeFileSync(join(folder, 'model.safetensors'), 'weights')
      return folder
    },
    { onData: (line) => lines.push(line) },
  )
  expect(result).toMatchObject({ run: out, model: join(out, 'model'), seed: 1, stages: [] })
  expect(readFileSync(result.report, 'utf8')).toMatch(/^# Stages\n/)
  expect(readFileSync(join(out, 'model', 'model.safetensors'), 'utf8')).toBe('weights')
  expect(lines).toEqual(['the writer: 0 calls, 0 + 0 tokens, cost unknown'])
  expect(closed.sort()).toEqual(['generator 1', 'generator 2'])
  expect(statusOf()).toBe('done')
})

test('closes its generators when a stage fails', async () => {
  const failing = begin(async (run) => {
    await run.open('writer', model)
    throw new Error('no disk')
  })
  await expect(failing).rejects.toThrow('no disk')
  expect(closed.sort()).toEqual(['generator 1', 'generator 2'])
  expect(statusOf()).toBe('failed')
})

test('stops between parts when its signal is aborted', async () => {
  const stop = new AbortController()
  const stopped = begin(
    async ({ parts }) => {
      await parts.make('first', async () => {
        stop.abort()
        return 1
      })
      return parts.make('second', async () => 'never')
    },
    { signal: stop.signal },
  )
  await expect(stopped).rejects.toThrow(Interrupted)
  expect(closed).toEqual(['generator 1'])
  expect(statusOf()).toBe('interrupted')
})

test('makes a data set once and saves it with its card', async () => {
  const [question] = fakeTask.heldOut({ count: 1 })
  const row = givenRow(fakeRenderer, fakeTask, question!, { source: 'given', thinking: null, summary: 'a' })
  const rejected = { ...row, rejected: 'wrong' as const }
  const make = vi.fn(async () => ({
    rows: [row, row, rejected],
    kept: [row],
    made: { seed: 1 },
    summary: { kept: 1 },
  }))
  const lines: string[] = []
  const files: string[] = []
  const stop = async (run: Parameters<Parameters<typeof begin>[0]>[0]) => {
    files.push(await run.makeData('talk', 'Talk', make))
    throw new Error('enough')
  }
  await expect(begin(stop, { onData: (line) => lines.push(line) })).rejects.toThrow('enough')
  const again = stagedRun({ resume: out }, { title: 'Stages', settings, tasks, watch: {} }, stop)
  await expect(again).rejects.toThrow('enough')
  expect(make).toHaveBeenCalledTimes(1)
  expect(files).toEqual(Array(2).fill(join(out, 'data', 'talk.jsonl')))
  expect(lines).toEqual(['Talk: 1 row kept of 3 candidates'])
  expect(readFileSync(files[0]!, 'utf8').trimEnd().split('\n')).toHaveLength(1)
  expect(readFileSync(join(out, 'data', 'talk.md'), 'utf8')).toMatch(/^# Talk\n[\s\S]*\| wrong \| 1 \| 1 \|/)
  expect(JSON.parse(readFileSync(join(out, 'talk-data.json'), 'utf8'))).toEqual({ kept: 1 })
  expect(existsSync(join(out, 'report.md'))).toBe(false)
  const store = RunStore.open(out)
  expect(store.metricsAt(1)).toEqual({ 'data/talk/rows': 1, 'data/talk/seen': 3 })
  store.close()
})

test('a data set without kept rows is an error with the reasons', async () => {
  const failing = begin(async (run) => {
    await run.makeData('talk', 'Talk', async () => ({ rows: [], kept: [], made: {}, summary: null }))
    return ''
  })
  await expect(failing).rejects.toThrow(/^Talk: none of 0 responses can be trained on/)
})
