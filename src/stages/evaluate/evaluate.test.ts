import { describe, expect, test } from 'vitest'
import { type Evaluation, evaluationFrom, evaluationMetrics } from './evaluate.ts'

const evaluation: Evaluation = {
  passAt1: 0.5,
  standardError: 0.1,
  format: 0.9,
  responseTokens: 20,
  reflection: 3,
  reflectionPerResponse: 0.06,
  mixed: 0,
  cut: 0.05,
  questions: 30,
  samples: 2,
  kinds: {},
  families: {},
}

describe('an evaluation as metrics of a step', () => {
  // families are the names of files
  const names = [
    ...Object.keys(evaluationMetrics(evaluation)).map((name) => name.replace('eval/', '')),
    ...['judge', 'kind', 'family', 'accuracy', 'sums', '', 'constructor', '7'],
  ]
  test.each(names)('a family called "%s" is read back and changes no other value', (name) => {
    const given = { ...evaluation, families: { [name]: 0.25, other: 1 }, kinds: { [`${name}/a/b`]: 0.125 } }
    expect(evaluationFrom(evaluationMetrics(given))).toEqual(given)
  })

  test('runs of earlier versions, in which families are called eval/NAME', () => {
    const { 'eval/family/sums': value, ...others } = evaluationMetrics({
      ...evaluation,
      families: { sums: 0.75 },
      kinds: { 'sums/1': 1, 'sums/2': 0.5 },
    })
    expect(evaluationFrom({ ...others, 'eval/sums': value! })).toMatchObject({
      families: { sums: 0.75 },
      kinds: { 'sums/1': 1, 'sums/2': 0.5 },
    })
  })
})
