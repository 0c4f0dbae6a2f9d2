import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { Database } from '../../../common/sqlite.ts'
import { get, ids, type Json, read, root, run } from '../../../testing/servers/open-studio.ts'
import { response } from '../../../testing/studio-runs.ts'
import { riseIn } from './stories.ts'

describe('samples', () => {
  test('come with their rewards, newest first, page by page', async () => {
    run('zero-1')
    const first = await get('runs/zero-1/samples?limit=3&split=train')
    expect(first.total).toBe(80)
    expect(first.samples[0]).toMatchObject({
      step: 10,
      split: 'train',
      question: 'b10',
      asked: 'What about b10?',
      reason: 'equal',
      rewards: [
        { name: 'accuracy', value: 1, weight: 1, reason: 'equal' },
        { name: 'format', value: null, weight: 0.5, reason: null },
      ],
      correct: null,
      stopReason: 'stop',
      cut: false,
    })
    const seen: number[] = first.samples.map(({ id }: { id: number }) => id)
    for (let next = first.next; next !== null; ) {
      const page = await get(`runs/zero-1/samples?limit=3&split=train&cursor=${next}`)
      seen.push(...page.samples.map(({ id }: { id: number }) => id))
      next = page.next
    }
    expect(seen).toHaveLength(80)
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => b - a))
  })

  it.each([
    ['step=3', 8],
    ['from=3&to=4', 16],
    ['split=eval-after', 2],
    ['split=eval*', 4],
    ['correct=right&split=train', 40],
    ['correct=unknown', 20],
    ['stop=length', 20],
    ['kind=arithmetic', 84],
    ['kind=arith', 0],
    ['question=a3', 4],
    ['minReward=2', 20],
    ['maxReward=0&step=1', 2],
    ['minLength=1000', 8],
    ['text=let me check 5.', 2],
    ['text=LET ME CHECK', 12],
    ['text=100%', 0],
    ['text=_', 0],
    ['asked=what about A3', 4],
    ['asked=about&split=train&step=3', 8],
    ['asked=100%', 0],
    ['asked=what about a3&correct=right', 2],
    ['asked=about&text=let me check 5.', 2],
    ['language=mixed', 1],
    ['text=&step=', 85],
  ])('%s: %i, also in a run of an earlier release, which has no texts of questions', async (query, count) => {
    const store = run('zero-1')
    store.record(10, {
      rollouts: [
        response('zh', {
          kind: 'language',
          split: 'zh',
          correct: false,
          text: 'wir 等一下 wait',
          thinking: null,
          total: null,
        }),
      ],
    })
    const found = async (id: string): Promise<number> => {
      let all = 0
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = await get(`runs/${id}/samples?${query}&limit=7&cursor=${cursor}`)
        all += page.samples.length
        cursor = page.next
      }
      return all
    }
    expect(await found('zero-1')).toBe(count)
    const old = run('zero-2')
    old.record(10, { rollouts: store.rollouts({ split: 'zh' }) })
    old.close()
    const database = new Database(join(root, 'zero-2', 'run.sqlite'))
    database.exec(
      `UPDATE rollouts SET prompt = 'User: ' || (SELECT questions.text FROM questions WHERE questions.id = asked);
       DROP INDEX rollouts_facts; DROP TABLE questions;
       ${['asked', 'reason', 'reasons', 'entropies'].map((name) => `ALTER TABLE rollouts DROP COLUMN ${name};`).join('')}`,
    )
    database.close()
    expect(await found('zero-2')).toBe(count)
  })

  it.each(['reward', 'length', 'advantage', 'step'])(
    'are sorted by %s, unknown values last',
    async (sort) => {
      run('zero-1', { steps: 3 })
      const field = sort === 'reward' ? 'total' : sort
      for (const order of ['asc', 'desc']) {
        const values: (number | null)[] = []
        for (let cursor: string | null = ''; cursor !== null; ) {
          const page = await get(
            `runs/zero-1/samples?split=train&sort=${sort}&order=${order}&limit=5&cursor=${cursor}`,
          )
          values.push(...page.samples.map((sample: Record<string, number | null>) => sample[field]))
          cursor = page.next
        }
        expect(values).toHaveLength(24)
        const known = values.filter((value) => value !== null)
        expect(known).toEqual([...known].sort((a, b) => (order === 'asc' ? a - b : b - a)))
        expect(values.slice(known.length).every((value) => value === null)).toBe(true)
      }
    },
  )

  test('are found in a file of an earlier release, which has no index of facts', async () => {
    const store = run('zero-1')
    store.close()
    const database = new Database(join(root, 'zero-1', 'run.sqlite'))
    database.exec('DROP INDEX rollouts_facts')
    database.close()
    expect(await ids('correct=right&step=2&sort=reward')).toHaveLength(4)
  })

  it.each(['cursor=x', 'limit=0', 'sort=color', 'correct=maybe', 'step=two'])('%s: 400', async (query) => {
    run('zero-1')
    const { status, body } = await read(`runs/zero-1/samples?${query}`)
    expect(status).toBe(400)
    expect(body.error.message).toContain(query.split('=')[0])
  })

  test('a long text is cut in a page, and whole in the sample', async () => {
    const text = `<script>alert(1)</script>\x1b[31m${'x'.repeat(10_000)}`
    run('zero-1').record(11, { rollouts: [response('long', { text })] })
    const [id] = await ids('question=long')
    const { samples } = await get('runs/zero-1/samples?question=long')
    expect(samples[0]).toMatchObject({ cut: true, text: text.slice(0, 4000) })
    expect(await get(`runs/zero-1/samples/${id}`)).toMatchObject({ cut: false, text })
  })

  test('one of them, with its group and its tokens', async () => {
    run('zero-1')
    const [id] = await ids('step=2&question=a2')
    const sample = await get(`runs/zero-1/samples/${id}`)
    expect(sample.group).toHaveLength(4)
    expect(sample.group.map(({ question }: { question: string }) => question)).toEqual(Array(4).fill('a2'))
    expect(sample.tokens).toBeNull()
    expect(sample.tokensProblem).toContain('has no tokenizer')
    expect((await read('runs/zero-1/samples/99999')).status).toBe(404)
  })

  test('the ones before and after it, in the order of sampling', async () => {
    run('zero-1')
    const all = (await ids('limit=200')).sort((a, b) => a - b)
    const around = async (id: number): Promise<unknown> => {
      const { previous, next } = await get(`runs/zero-1/samples/${id}`)
      return [previous, next]
    }
    expect(await around(all[0]!)).toEqual([null, all[1]])
    expect(await around(all[3]!)).toEqual([all[2], all[4]])
    expect(await around(all.at(-1)!)).toEqual([all.at(-2), null])
  })

  test('their tokens, by the tokenizer of the trained model', async () => {
    run('zero-1')
    cpSync(new URL('../../../../models/miniature-base', import.meta.url), join(root, 'zero-1', 'model'), {
      recursive: true,
    })
    const [id] = await ids('step=2&question=a2')
    const { tokens } = await get(`runs/zero-1/samples/${id}`)
    expect(tokens).toHaveLength(2)
    expect(tokens.map(({ logprob, entropy }: Json) => [logprob, entropy])).toEqual([
      [-0.5, 0.25],
      [-1.25, null],
    ])
    expect(tokens[0].text).not.toBe('')
  })

  test('their tokens, by the tokenizer that is there now', async () => {
    run('zero-1')
    const model = join(root, 'zero-1', 'model')
    cpSync(new URL('../../../../models/miniature-base', import.meta.url), model, { recursive: true })
    const [id] = await ids('step=4&order=asc')
    const [before] = (await get(`runs/zero-1/samples/${id}`)).tokens
    const file = join(model, 'tokenizer.json')
    const tokenizer = JSON.parse(readFileSync(file, 'utf8'))
    const { vocab } = tokenizer.model
    const [name, other] = [72, 73].map((token) => Object.keys(vocab).find((one) => vocab[one] === token)!)
    Object.assign(vocab, { [name!]: 73, [other!]: 72 })
    writeFileSync(file, JSON.stringify(tokenizer))
    const [after] = (await get(`runs/zero-1/samples/${id}`)).tokens
    expect(after.text).not.toBe(before.text)
  })
})

describe('stories', () => {
  test('a question over time', async () => {
    run('zero-1')
    const history = await get('runs/zero-1/questions/h2')
    expect(history).toMatchObject({ question: 'h2', asked: 'What about h2?', gold: '71', total: 2 })
    expect(history.samples.map(({ split }: { split: string }) => split)).toEqual([
      'eval-before',
      'eval-after',
    ])
    expect((await read('runs/zero-1/questions/none')).status).toBe(404)
  })

  test('how the model began to check itself', async () => {
    run('zero-1', { steps: 20 })
    const aha = await get('runs/zero-1/aha')
    const [first] = await ids('step=5&order=asc')
    expect(aha.firstReflection).toEqual({ step: 5, sampleId: first })
    expect(aha.rise.step).toBeGreaterThanOrEqual(2)
    expect(aha.rise.step).toBeLessThanOrEqual(5)
    expect(aha.length.value[0]).toBe(10)
    expect(aha.changed).toMatchObject({
      question: 'h2',
      before: { split: 'eval-before', correct: false },
      after: { split: 'eval-after', correct: true },
    })
  })

  it.each<[string, (step: number) => number, rise: number | null]>([
    ['rises and stays', (step) => (step <= 20 ? 1 : 3), 18],
    ['rises, and dips once for a while', (step) => (step <= 20 || (step > 50 && step < 58) ? 1 : 3), 18],
    ['has one peak at its beginning', (step) => (step === 10 ? 9 : step <= 40 ? 1 : 3), 38],
    ['never rises by more than half', (step) => (step <= 20 ? 2 : 2.9), null],
    ['falls', (step) => 100 - step, null],
    ['has one peak at its end', (step) => (step === 60 ? 9 : 1), null],
  ])('where a series leaves its beginning that %s', (_, value, rise) => {
    const step = Array.from({ length: 60 }, (_, i) => i + 1)
    expect(riseIn({ step, value: step.map(value) })).toBe(rise)
  })

  test('of a run without responses there is none', async () => {
    run('sft-1', { recipe: 'sft', steps: 0 }).truncateAfter(-1)
    expect(await get('runs/sft-1/aha')).toMatchObject({ firstReflection: null, rise: null, changed: null })
  })

  test('data sets with their cards', async () => {
    const store = run('r1-1', { recipe: 'r1' })
    store.record(2, {
      metrics: { 'data/mixture/rows': 1, 'data/mixture/seen': 2 },
      rollouts: [
        response('m1', { split: 'mixture/policy', rewards: { kept: 1 } }),
        response('m2', { split: 'mixture/policy', rewards: { kept: 0, wrong: 1 } }),
      ],
    })
    mkdirSync(join(root, 'r1-1', 'data'))
    writeFileSync(join(root, 'r1-1', 'data', 'mixture.md'), '# Mixed data')
    writeFileSync(join(root, 'secret.md'), 'secret')
    symlinkSync(join(root, 'secret.md'), join(root, 'r1-1', 'data', 'linked.md'))
    expect(await get('runs/r1-1/data')).toEqual({
      dataSets: [
        {
          name: 'mixture',
          rows: 1,
          seen: 2,
          counts: null,
          card: '# Mixed data',
          splits: ['mixture/policy'],
          file: null,
        },
      ],
    })
  })

  test('rows of data sets, page by page, among them preferences', async () => {
    run('r1-1', { recipe: 'r1', steps: 0 })
    const folder = join(root, 'r1-1')
    mkdirSync(join(folder, 'data'))
    const pairs = Array.from({ length: 7 }, (_, i) => ({
      prompt: `q${i} é`,
      chosen: 'a',
      rejected: 'b',
      margin: 2,
    }))
    const lines = [...pairs.map((pair) => JSON.stringify(pair)), 'torn {']
    writeFileSync(join(folder, 'data', 'helpful.jsonl'), lines.join('\n'))
    writeFileSync(join(folder, 'data', 'empty.jsonl'), '')
    writeFileSync(
      join(folder, 'preference-data.json'),
      '{"pairs": {"kept": 7, "judged": 9, "close": 2, "unknown": null, "odd": "x"}}',
    )
    writeFileSync(join(root, 'secret.jsonl'), '{"secret": 1}')
    symlinkSync(join(root, 'secret.jsonl'), join(folder, 'data', 'linked.jsonl'))
    const { dataSets } = await get('runs/r1-1/data')
    expect(dataSets).toEqual([
      {
        name: 'empty',
        rows: 0,
        seen: null,
        counts: null,
        card: null,
        splits: [],
        file: { kind: 'other', rows: 0 },
      },
      {
        name: 'helpful',
        rows: 8,
        seen: 9,
        counts: { kept: 7, judged: 9, close: 2 },
        card: null,
        splits: [],
        file: { kind: 'pairs', rows: 8 },
      },
    ])
    const rows: unknown[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await get(`runs/r1-1/data/helpful?limit=3&cursor=${cursor}`)
      expect(page.kind).toBe('pairs')
      rows.push(...page.rows)
      cursor = page.next
    }
    expect(rows).toEqual([...pairs, null])
    expect(await get('runs/r1-1/data/empty')).toEqual({ kind: 'other', rows: [], next: null })
    for (const name of ['linked', 'none', '..%2F..%2Fsecret', 'helpful.jsonl'])
      expect((await read(`runs/r1-1/data/${name}`)).status).toBe(404)
  })

  test('a folder of data that is a link to another place is not followed', async () => {
    run('r1-1', { recipe: 'r1', steps: 0 })
    const outside = mkdtempSync(join(tmpdir(), 'ruminate-outside-'))
    writeFileSync(join(outside, 'secret.md'), 'secret')
    writeFileSync(join(outside, 'secret.jsonl'), '{"secret": 1}')
    symlinkSync(outside, join(root, 'r1-1', 'data'))
    expect(await get('runs/r1-1/data')).toEqual({ dataSets: [] })
    expect((await read('runs/r1-1/data/secret')).status).toBe(404)
    rmSync(outside, { recursive: true })
  })
})
