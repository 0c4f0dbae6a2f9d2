import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { UserError } from '../common/errors.ts'
import { FakeHub } from '../testing/servers/fake-hub.ts'
import { jsonl, sums, tableWriter } from '../testing/tables.ts'
import { BENCHMARKS, loadTable, loadTask, TASKS } from './index.ts'

const { root, folder, file } = tableWriter()

describe('names', () => {
  test.each(TASKS.map(({ name }) => name))('%s', async (name) =>
    expect((await loadTask(name)).name).toBe(name),
  )
  test('benchmarks can be read from local files', async () => {
    const path = file('mine.jsonl', jsonl([{ problem: 'P?', answer: '3' }]))
    expect(await loadTask(`aime:${path}`)).toMatchObject({ name: 'aime', size: { training: 0, heldOut: 1 } })
  })
  test('are unique', () => {
    const names = [...TASKS, ...BENCHMARKS].map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
  })
  test.each<[string, number, RegExp]>([
    ['chess', 2, /unknown task "chess"\. Tasks: miniature, .*gsm8k.*a file/],
    ['countdwon', 2, /did you mean countdown\?/],
    ['missing.jsonl', 1, /there is no file or folder missing\.jsonl/],
    ['data/missing.csv', 1, /there is no file or folder data\/missing\.csv/],
    ['gsm8k:nowhere', 1, /there is no file or folder nowhere/],
    [
      file('a.json', '[]'),
      1,
      /a\.json is not a table: .*to convert a JSON array: jq -c '\.\[\]' \S+a\.json > \S+a\.jsonl$/,
    ],
    [file('notes.txt', 'x'), 1, /notes\.txt is not a table: JSONL/],
    [folder({ 'notes.txt': 'x' }), 1, /contains no table/],
  ])('%s is refused', async (name, exitCode, message) => {
    const failed = loadTask(name)
    await expect(failed).rejects.toThrow(message)
    await expect(failed).rejects.toMatchObject({ exitCode })
  })
  test('a task that is not a table has no columns', async () => {
    await expect(loadTask('countdown', { columns: { question: 'q' } })).rejects.toThrow(/is not a table/)
  })
})

describe('datasets of the hub', () => {
  let hub: FakeHub
  beforeEach(async () => {
    vi.stubEnv('HF_HUB_CACHE', mkdtempSync(join(root, 'cache-')))
    vi.stubEnv('HF_TOKEN', '')
    vi.stubEnv('HF_ENDPOINT', '')
    hub = await FakeHub.start()
  })
  afterEach(async () => {
    await hub.stop()
    vi.unstubAllEnvs()
  })
  const parquet = (columns: Record<string, unknown[]>) =>
    new Uint8Array(
      parquetWriteBuffer({ columnData: Object.entries(columns).map(([name, data]) => ({ name, data })) }),
    )

  const published: [
    name: string,
    repository: string,
    files: Record<string, string | Uint8Array>,
    gold: string,
  ][] = [
    [
      'gsm8k',
      'openai/gsm8k',
      {
        'main/train-0.parquet': parquet({ question: ['A?', 'B?'], answer: ['#### 1', 'x #### 2'] }),
        'main/test-0.parquet': parquet({ question: ['C?'], answer: ['so\n#### 72'] }),
        'socratic/test-0.parquet': parquet({ question: ['D?'], answer: ['#### 5'] }),
      },
      '72',
    ],
    [
      'math-500',
      'HuggingFaceH4/MATH-500',
      { 'test.jsonl': jsonl([{ problem: 'P', solution: 's', answer: '9', subject: 'Algebra', level: 2 }]) },
      '9',
    ],
    [
      'aime',
      'HuggingFaceH4/aime_2024',
      { 'data/train-0.parquet': parquet({ id: [60], problem: ['P'], solution: ['s'], answer: ['204'] }) },
      '204',
    ],
    [
      'mmlu',
      'cais/mmlu',
      {
        'all/test-0.parquet': parquet({
          question: ['Q'],
          subject: ['law'],
          choices: [['a', 'b', 'c', 'd']],
          answer: [3n],
        }),
        'all/auxiliary_train-0.parquet': parquet({
          question: ['T'],
          subject: [''],
          choices: [['a', 'b', 'c', 'd']],
          answer: [0n],
        }),
        'law/test-0.parquet': 'never read',
      },
      'D',
    ],
    [
      'gpqa',
      'Idavidrein/gpqa',
      {
        'gpqa_diamond.csv':
          'Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3,High-level domain\nQ,r,a,b,c,Physics\n',
        'gpqa_main.csv': 'never read',
      },
      '[A-D]',
    ],
  ]
  test.each(published)('%s', async (name, repository, files, gold) => {
    hub.add(`datasets/${repository}`, files)
    const task = await loadTask(name)
    expect(task.heldOut({ count: 9 }).map((q) => q.gold)).toEqual([
      expect.stringMatching(new RegExp(`^${gold}$`)),
    ])
    await hub.stop()
    expect((await loadTask(name)).heldOut({ count: 9 })).toEqual(task.heldOut({ count: 9 }))
  })

  test('general prompts', async () => {
    hub.add('datasets/HuggingFaceH4/no_robots', {
      'data/train-0.parquet': parquet({ prompt: ['Hi', 'Ho'], category: ['Chat', 'Chat'] }),
    })
    const task = await loadTask('chat')
    expect(task.heldOut({ count: 9 })).toMatchObject([{ kind: 'chat/Chat', gold: '' }])
  })

  test('one part of a dataset of several parts must be chosen', async () => {
    hub.add('datasets/owner/parts', {
      'a/train.jsonl': jsonl(sums(0, 20)),
      'b/train.jsonl': jsonl(sums(50, 20)),
    })
    await expect(loadTask('owner/parts')).rejects.toThrow(
      /has several parts: a, b\. Choose one \(owner\/parts\/a\)/,
    )
    await expect(loadTask('owner/parts/c')).rejects.toThrow(/has no table "c"; it has a, b/)
    expect((await loadTable('owner/parts/b')).size.rows).toBe(20)
    expect((await loadTable('owner/parts/a/train.jsonl')).size.rows).toBe(20)
    expect((await loadTable('owner/parts/*')).size.rows).toBe(40)
  })
  test('a dataset without a table', async () => {
    hub.add('datasets/owner/images', { 'a.png': 'x' })
    await expect(loadTask('owner/images')).rejects.toThrow(UserError)
    await expect(loadTask('owner/images')).rejects.toThrow(/has no table among its 1 file/)
  })
  test('a hub that cannot be reached', async () => {
    await hub.stop()
    await expect(loadTask('gsm8k')).rejects.toThrow(
      /cannot reach 127\.0\.0\.1:\d+ \(ECONNREFUSED\) for the dataset openai\/gsm8k/,
    )
  })
})
