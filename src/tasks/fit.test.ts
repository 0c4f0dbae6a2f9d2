import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { fittingTask } from './fit.ts'
import { loadTask, TASKS } from './index.ts'
import type { Fit, Question, Task } from './task.ts'

const folder = mkdtempSync(join(tmpdir(), 'ruminate-fit-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A question fits if it has at most this many characters; the last ten are looked at more closely. */
const atMost = (characters: number): Fit => ({
  unfit: ({ prompt }) => (prompt.length > characters ? `it has ${prompt.length} characters` : null),
  isShort: ({ prompt }) => prompt.length <= characters - 10,
})
const table = async (prompts: readonly string[], name = 'sums.jsonl'): Promise<Task> => {
  const file = join(folder, name)
  const rows = prompts.map((question) => JSON.stringify({ question, answer: '1' }))
  writeFileSync(file, `${rows.join('\n')}\n`)
  return loadTask(file, { warn: () => {} })
}
const short = Array.from({ length: 40 }, (_, i) => `What is ${i} + 1?`) // 14 or 15 characters
const long = (i: number) => `What is ${i} + 1${' + 0'.repeat(30)}?`

function fitted(task: Task, fit: Fit, training = 4) {
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  return { task: fittingTask(task, fit, { training, warn, progress: () => {} }), warnings }
}
const drawn = (task: Task, steps = 30): Question[] =>
  Array.from({ length: steps }, (_, step) => task.training({ seed: 3, step, count: 4 })).flat()

describe('a table', () => {
  const mixed = [...short.slice(0, 20), long(100), ...short.slice(20), long(101), long(102)]

  test('questions that do not fit are left out of both sides, counted, with the first one', async () => {
    const { task, warnings } = fitted(await table(mixed), atMost(50))
    const asked = [...drawn(task), ...task.heldOut({ count: 1000 })]
    expect(asked.filter(({ prompt }) => prompt.length > 50)).toEqual([])
    expect(new Set(asked.map(({ prompt }) => prompt))).toEqual(new Set(short))
    const counts = warnings.map((line) => Number(/: (\d+) of \d+ (training|held-out) q/.exec(line)![1]))
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(3)
    expect(warnings.join()).toMatch(/The first is sums\.jsonl:\d+: it has \d+ characters/)
  })

  test('the same questions are drawn each time', async () => {
    const [one, other] = await Promise.all([table(mixed, 'a.jsonl'), table(mixed, 'b.jsonl')])
    const prompts = (task: Task) => drawn(fitted(task, atMost(50)).task).map(({ prompt }) => prompt)
    expect(prompts(one)).toEqual(prompts(other))
  })

  test('the solutions of the questions that fit remain', async () => {
    const rows = mixed.map((question) => JSON.stringify({ question, answer: 'Count on.\n#### 1' }))
    const file = join(folder, 'solved.jsonl')
    writeFileSync(file, `${rows.join('\n')}\n`)
    const { task } = fitted(await loadTask(file, { solutions: true, warn: () => {} }), atMost(50))
    const solved = task.solved!({ side: 'training', seed: 0 })
    expect(solved.length).toBeGreaterThan(20)
    expect(solved.filter(({ question }) => question.prompt.length > 50)).toEqual([])
    expect(solved[0]).toMatchObject({ thinking: 'Count on.', answer: '1' })
  })

  test('the held-out questions that fit keep their order', async () => {
    const all = await table(mixed)
    const fit = atMost(14)
    const expected = all.heldOut({ count: 1000 }).filter((question) => fit.unfit(question) === null)
    expect(fitted(all, fit, 1).task.heldOut({ count: 1000 })).toEqual(expected)
  })

  test('where only held-out questions are asked, only these are looked at', async () => {
    const sides: boolean[] = []
    const task = await table(mixed)
    const heldOut = new Set(task.heldOut({ count: 1000 }).map(({ id }) => id))
    const fit: Fit = {
      unfit: ({ id }) => {
        sides.push(heldOut.has(id))
        return null
      },
      isShort: () => false,
    }
    fitted(task, fit, 0)
    expect(sides).toEqual(Array(heldOut.size).fill(true))
  })

  test('no other question takes the place of a held-out one that does not fit: another command trains on it', async () => {
    const all = await table(short.slice(0, 4))
    const [heldOut, ...others] = all.heldOut({ count: 10 })
    expect(others).toEqual([])
    const fit: Fit = {
      unfit: ({ id }) => (id === heldOut!.id ? 'it is too long' : null),
      isShort: () => false,
    }
    for (const training of [4, 0])
      expect(() => fitted(all, fit, training)).toThrow(
        /1 of 1 held-out question cannot be asked.*None is left\..*eval\.share/,
      )
  })

  test.each([
    [
      'none',
      [long(1), long(2), long(3), long(4)],
      1,
      /3 of 3 training questions .* None is left\. .*rl\.maxTokens/,
    ],
    [
      'too few',
      [...short.slice(0, 3), ...Array.from({ length: 20 }, (_, i) => long(i))],
      10,
      /Only [123] of them can be, and 10 are drawn at once/,
    ],
  ])('an error if %s are left', async (_, prompts, count, message) => {
    const task = await table(prompts)
    expect(() => fitted(task, atMost(50), count)).toThrow(message)
  })
})

describe('a task that makes its questions', () => {
  test('those that do not fit are replaced', () => {
    const [task] = TASKS
    const median = drawn(task!)
      .map(({ prompt }) => prompt.length)
      .sort((a, b) => a - b)[60]!
    const { task: fitting, warnings } = fitted(task!, atMost(median))
    for (const questions of [drawn(fitting), fitting.heldOut({ count: 120 })]) {
      expect(questions).toHaveLength(120)
      expect(questions.every(({ prompt }) => prompt.length <= median)).toBe(true)
    }
    expect(drawn(fitting)).toEqual(drawn(fitted(task!, atMost(median)).task))
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toMatch(/^miniature: a training question cannot be asked and is replaced: .*: it has/)
  })

  test('an error if none fits', () => {
    const { task, warnings } = fitted(TASKS[0]!, atMost(0))
    expect(() => task.training({ seed: 1, step: 1, count: 4 })).toThrow(
      /none of the training questions can be/,
    )
    expect(() => task.heldOut({ count: 4 })).toThrow(/none of the held-out questions can be asked/)
    expect(warnings).toEqual([])
  })

  test('the methods of a class stay its own', () => {
    class Own implements Task {
      readonly name = 'own'
      readonly description = ''
      readonly language = 'en'
      #asked = 'Why?'
      training({ count }: { count: number }): Question[] {
        return Array.from({ length: count }, () => ({ id: '1', prompt: this.#asked, gold: '', kind: 'own' }))
      }
      heldOut = this.training
      check = () => ({ correct: this.#asked === 'Why?', reason: '' })
      workedExample() {
        return { question: this.#asked, response: '' }
      }
    }
    const { task } = fitted(new Own(), atMost(50))
    expect(task.training({ seed: 1, step: 1, count: 2 })).toHaveLength(2)
    expect(task.check(task.heldOut({ count: 1 })[0]!, null)).toEqual({ correct: true, reason: '' })
    expect(task.workedExample!({ seed: 1 }).question).toBe('Why?')
  })
})

test.each(TASKS.map((task) => [task.name, task] as const))(
  '%s: where all questions fit, the same ones are drawn',
  (_, task) => {
    const { task: same, warnings } = fitted(task, atMost(1e6))
    expect(drawn(same, 5)).toEqual(drawn(task, 5))
    expect(same.heldOut({ count: 30, seed: 2 })).toEqual(task.heldOut({ count: 30, seed: 2 }))
    expect(warnings).toEqual([])
  },
)
