import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { Renderer } from '../../renderer/renderer.ts'
import { fakeTask } from '../../testing/fakes/fake-engine.ts'
import { checkTeacherTokens, taughtTerms, withTeacher } from './teacher.ts'

test('α (log π_teacher − log π_old), and 0 at tokens that were not sampled', () => {
  const terms = taughtTerms(2, Float32Array.of(Number.NaN, -1, -0.5), [0, -2, -0.25])
  expect([...terms]).toEqual([0, 2, -0.5])
})

test('the policy gradient of the terms is that of −α KL[π_θ ‖ π_teacher]', () => {
  const softmax = (logits: readonly number[]): number[] => {
    const exps = logits.map(Math.exp)
    const sum = exps.reduce((a, b) => a + b, 0)
    return exps.map((x) => x / sum)
  }
  const teacher = softmax([0.3, -1, 0.8])
  const logits = [0.5, 0.1, -0.7]
  const kl = (at: readonly number[]): number =>
    softmax(at).reduce((sum, p, v) => sum + p * Math.log(p / teacher[v]!), 0)
  const policy = softmax(logits)
  const terms = taughtTerms(
    1,
    Float32Array.from(teacher, Math.log),
    policy.map((p) => Math.log(p)),
  )
  for (let k = 0; k < 3; k++) {
    // E_(v ~ π)[A_v ∂ log π(v) / ∂ logit_k], with ∂ log π(v) / ∂ logit_k = 1[v = k] − π(k)
    const gradient = policy.reduce((sum, p, v) => sum + p * terms[v]! * (Number(v === k) - policy[k]!), 0)
    const moved = (by: number) => logits.map((x, i) => (i === k ? x + by : x))
    expect(gradient).toBeCloseTo(-(kl(moved(1e-5)) - kl(moved(-1e-5))) / 2e-5, 5)
  }
})

describe('before a run', () => {
  const root = mkdtempSync(join(tmpdir(), 'ruminate-teacher-'))
  afterAll(() => rmSync(root, { recursive: true, force: true }))
  const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
  /** A tiny model with the miniature's tokenizer, in which `change` may alter the text of tokenizer.json. */
  const folder = (name: string, change: (text: string) => string = (text) => text): string => {
    const at = join(root, name)
    cpSync(path('../supervise/fixtures/sft'), at, { recursive: true })
    for (const file of ['tokenizer.json', 'tokenizer_config.json'])
      cpSync(path(`../../../models/miniature-base/${file}`), join(at, file))
    writeFileSync(join(at, 'tokenizer.json'), change(readFileSync(join(at, 'tokenizer.json'), 'utf8')))
    return at
  }
  const student = folder('student')

  test('the tokens must be the same', () => {
    expect(() => checkTeacherTokens(student, folder('same'))).not.toThrow()
    const other = folder('other', (text) => text.replaceAll('</think>', '</thought>'))
    expect(() => checkTeacherTokens(student, other)).toThrow(
      /the teacher .*other has other tokens than the student .*: token \d+ is "<\/think>" in one and "<\/thought>" in the other/,
    )
  })

  test('the teacher limits the length of a sequence, and a prompt that it would write otherwise is a warning', () =>
    withTeacher(
      {
        model: student,
        teacher: { model: folder('teacher'), weight: 1 },
        engine: 'local',
        tinker: null,
        threads: 1,
      },
      async (teacher) => {
        expect(teacher!.limited({ maxTokens: 9999 } as never).maxTokens).toBe(512)
        expect(teacher!.limited({ maxTokens: 100 } as never).maxTokens).toBe(100)
        expect(teacher!.limited({ maxTokens: null } as never).maxTokens).toBe(512)
        const warnings: string[] = []
        const warn = (message: string) => void warnings.push(message)
        teacher!.warnOfPrompts(fakeTask, Renderer.load(student, { template: 'r1-zero' }), warn)
        expect(warnings).toEqual([])
      },
    ))
})
