import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { packageRoot } from '../common/files/package.ts'
import type { RolloutRow } from '../runs/rows.ts'
import { RunStore } from '../runs/store.ts'
import { captured } from '../testing/captured.ts'
import { main } from './app.ts'
import { displayWidth } from './terminal/width.ts'

/* `ruminate runs`, in a folder of its own. */

const written = captured()
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ruminate-runs-'))
  vi.spyOn(process, 'cwd').mockReturnValue(root)
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
})

const rollout: Omit<RolloutRow, 'step'> = {
  split: 'train',
  question: 'q1',
  kind: 'sum\u001b[2J',
  gold: '3',
  prompt: 'What is 1+2?\u001b]0;title\u0007',
  tokens: Int32Array.of(1),
  text: 'It is \u001b[31mred\r\n and half \ud83d',
  thinking: null,
  answer: '3',
  logprobs: Float32Array.of(0),
  rewards: {},
  correct: true,
  total: 1,
  advantage: 0,
  stopReason: 'stop',
  length: 1,
}

function create(name: string, recipe = 'zero'): RunStore {
  const store = RunStore.create({ recipe, seed: 0, settings: { steps: 9 }, out: join(root, name) })
  onTestFinished(() => store.close())
  store.record(3, { metrics: { accuracy: 1, 'reward/accuracy': 1, 'reward/format': 1, loss: 0 } })
  store.record(3, { rollouts: [rollout, { ...rollout, split: 'eval-after' }] })
  return store
}

const runs = async (...words: string[]): Promise<number> => {
  written.out = written.err = ''
  return main(['runs', '--dir', root, ...words])
}

describe('the list', () => {
  test('fits 80 columns, with a long name, a note and a stage', async () => {
    create('zero-1').close()
    create('r1-1', 'r1')
    create('r1-1/student-zero').close()
    create('a-name-that-is-much-too-long-for-a-line-that-has-other-things-on-it-too').close()
    await runs('note', 'zero-1', `with\nseveral lines \u001b[2J ${'and much to say '.repeat(9)}`)
    expect(await runs()).toBe(0)
    const lines = written.out.trimEnd().split('\n')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    expect(written.out).toMatch(/ {2}zero-1 .* stopped at step 3\n {4}with several lines ␛\[2J and much/)
    expect(written.out).toMatch(/ {2}r1-1 .* running in student-zero at step 3\n/)
    expect(written.out).toMatch(/ {2}a-name-that-is-much-too-long.*-too\n {3,}zero .*stopped at step 3\n/)
  })

  test('names of any characters have one line, and wide ones are aligned', async () => {
    for (const name of ['zero-1', '思考', 'two\nlines', '-dash']) create(name).close()
    expect(await runs()).toBe(0)
    const lines = written.out.trimEnd().split('\n')
    expect(lines).toHaveLength(5)
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}two␊lines {2}zero /))
    for (const line of lines.slice(1)) expect(displayWidth(line.replace(/ {2}zero .*/, ''))).toBe(11)
    expect(await runs('show', 'two\nlines')).toBe(0)
    expect(written.out).toMatch(/^two␊lines {2}zero, seed 0/)
  })

  test('programs get the status, the note and the stage', async () => {
    create('zero-1')
    expect(await runs('--json')).toBe(0)
    expect(JSON.parse(written.out)).toMatchObject({ status: 'running', step: 3, note: null, stage: null })
  })

  test('a name in the place of the action is shown how to be used', async () => {
    create('zero-1').close()
    expect(await runs('zero-1')).toBe(2)
    expect(written.err).toContain('`ruminate runs show zero-1` shows this run')
    expect(await runs('list', 'zero-1')).toBe(2)
    expect(written.err).toContain('unexpected argument "zero-1"')
  })
})

describe('show', () => {
  beforeEach(() => create('zero-1').close())

  test.each([
    ['acc', 'did you mean accuracy, reward/accuracy?'],
    ['reward', 'did you mean reward/accuracy, reward/format?'],
    ['acuracy', 'did you mean accuracy, reward/accuracy?'],
    ['reward/fromat', 'did you mean reward/format?'],
    ['xyz', 'it has accuracy, loss, reward/accuracy, reward/format'],
  ])('the metric %s is not known', async (name, hint) => {
    expect(await runs('show', 'zero-1', '--metric', name)).toBe(2)
    expect(written.err).toContain(`the run has no metric "${name}"; ${hint}`)
  })

  test('an unknown split lists the splits', async () => {
    for (const samples of [[], ['--samples', '2']]) {
      expect(await runs('show', 'zero-1', '--split', 'evil', ...samples)).toBe(2)
      expect(written.err).toContain('the run has no split "evil"; it has train, eval-after')
    }
    expect(await runs('show', 'zero-1', '--split', 'eval-after')).toBe(0)
    expect(written.out.match(/step 3 · /g)).toHaveLength(1)
  })

  test('the text of a model is printed without its control characters', async () => {
    expect(await runs('show', 'zero-1', '--samples', '1')).toBe(0)
    expect(written.out).toContain('What is 1+2?␛]0;title␇\nIt is ␛[31mred\n and half \ufffd\n')
    expect(written.out).toContain('sum␛[2J')
  })

  test.each([80, 40])('what is shown fits %d columns, and no word is broken', async (columns) => {
    vi.stubEnv('NO_COLOR', '1')
    const kept = [process.stdout.isTTY, process.stdout.columns]
    Object.assign(process.stdout, { isTTY: true, columns })
    onTestFinished(() => {
      vi.unstubAllEnvs()
      Object.assign(process.stdout, { isTTY: kept[0], columns: kept[1] })
    })
    const message = `none of the first 240 answers is right: ${'use easier questions, '.repeat(9)}`
    const model = join(packageRoot(), 'models', 'miniature-base')
    const settings = { model, task: join(root, 'a.csv'), schedule: { kind: 'constant', warmup: 5, floor: 0 } }
    const store = RunStore.create({ recipe: 'zero', seed: 0, settings, out: join(root, 'zero-2') })
    const text = 'one two three four five six seven eight nine ten '.repeat(4)
    const rewards = { accuracy: 1, format: 1, language: 1, 'a reward with a long name': 0.5 }
    store.record(3, {
      metrics: { 'reflection/per_response_and_more': 0.062512 },
      rollouts: [{ ...rollout, kind: 'sum', prompt: text, text, rewards }],
      events: [{ level: 'warning', message }],
    })
    store.close()

    expect(await runs('show', 'zero-2')).toBe(0)
    expect(written.out).toMatch(/^ {2}model: miniature-base\n {2}task: a\.csv$/m)
    expect(written.out.replace(/\s+/g, ' ')).toContain(message.trim())
    const all = written.out
    expect(await runs('show', 'zero-2', '--samples', '1')).toBe(0)
    expect(written.out.replace(/\s+/g, ' ')).toContain(text.trim())
    const samples = written.out
    expect(await runs()).toBe(0)
    for (const line of stripVTControlCharacters(all + samples + written.out).split('\n'))
      expect(line.length, line).toBeLessThanOrEqual(columns)
  })

  test('tags are shown', async () => {
    expect(await runs('tag', 'zero-1', ' short,baseline,,short')).toBe(0)
    expect(written.out + written.err).toContain('tags of zero-1: baseline, short')
    expect(await runs('show', 'zero-1')).toBe(0)
    expect(written.out).toContain('\n  tags: baseline, short\n')
    expect(await runs()).toBe(0)
    expect(written.out).toContain('\n    #baseline #short\n')
    expect(await runs('tag', 'zero-1', 'x'.repeat(41))).toBe(2)
    expect(written.err).toContain('is not a tag; a tag has at most 40 characters')
    expect(await runs('tag', 'zero-1')).toBe(2)
    expect(written.err).toContain('which tags?')
    expect(await runs('tag', 'zero-1', '')).toBe(0)
    expect(await runs('--json')).toBe(0)
    expect(JSON.parse(written.out.split('\n')[0]!)).toMatchObject({ tags: [] })
  })

  test('a note is shown', async () => {
    expect(await runs('note', 'zero-1', 'better')).toBe(0)
    expect(await runs('show', 'zero-1')).toBe(0)
    expect(written.out).toContain('\n  note: better\n')
    expect(await runs('note', 'zero-1', '')).toBe(0)
    expect(await runs('show', 'zero-1')).toBe(0)
    expect(written.out).not.toContain('note:')
  })
})

describe('rm', () => {
  const terminal = (isTTY: boolean) => {
    const original = Object.getOwnPropertyDescriptor(process.stdin, 'isTTY')
    Object.defineProperty(process.stdin, 'isTTY', { value: isTTY, configurable: true })
    onTestFinished(() => {
      if (original) Object.defineProperty(process.stdin, 'isTTY', original)
      else delete (process.stdin as { isTTY?: boolean }).isTTY
    })
  }

  test('deletes several runs with --yes, and says so', async () => {
    for (const name of ['zero-1', 'zero-2', 'zero-3']) create(name).close()
    expect(await runs('rm', 'zero-1', join(root, 'zero-2'), '--yes')).toBe(0)
    expect(['zero-1', 'zero-2', 'zero-3'].map((name) => existsSync(join(root, name)))).toEqual([
      false,
      false,
      true,
    ])
    expect(written.out).toMatch(/deleted zero-1 \(\d+ kB\)\ndeleted zero-2 /)
  })

  test('without a terminal and without --yes nothing is deleted', async () => {
    terminal(false)
    create('zero-1').close()
    expect(await runs('rm', 'zero-1')).toBe(2)
    expect(written.err).toContain('give --yes')
    expect(existsSync(join(root, 'zero-1'))).toBe(true)
  })

  test('if one of them may not be deleted, none is', async () => {
    create('zero-1').close()
    create('zero-2')
    mkdirSync(join(root, 'photos'))
    writeFileSync(join(root, 'photos', 'a.jpg'), '')
    mkdirSync(join(root, 'zero-1', 'checkpoints', 'step-000001'))
    for (const [name, message] of [
      ['zero-2', 'a process is writing it'],
      ['photos', 'there is no run photos'],
      [join(root, 'photos'), 'is not a run'],
      ['zero-1/checkpoints/step-000001', 'is not a run but a folder of one'],
    ] as const) {
      expect(await runs('rm', 'zero-1', name, '--yes')).toBe(1)
      expect(written.err).toContain(message)
    }
    for (const path of ['zero-1', 'zero-2', 'photos/a.jpg']) expect(existsSync(join(root, path))).toBe(true)
    expect(await runs('rm')).toBe(2)
  })
})

test('a folder that holds a run is named as it is seen from here', () => {
  create('zero-1').close()
  expect(() => create('zero-1')).toThrow(
    /^zero-1 already holds a run; choose another folder, or continue it with `ruminate resume zero-1`$/,
  )
})
