import { expect, test } from 'vitest'
import { diagnose, type Symptoms } from './diagnose.ts'

const healthy = {
  accuracy: 0.4,
  format: 0.8,
  'length/cut': 0.1,
  learning_rate: 1e-4,
  'groups/zero_variance': 0.2,
  grad_norm: 0.5,
  'mismatch/max': 1e-4,
  entropy: 0.3,
}
const good = {
  text: '<think>x</think><answer>1</answer>',
  answer: '1',
  total: 1,
  correct: true,
  stopReason: 'stop' as const,
}
const symptoms = (
  metrics: Partial<Record<keyof typeof healthy, number>>,
  samples: Symptoms['samples'] = [good],
  errors: string[] = [],
): Symptoms => ({
  window: Array.from({ length: 5 }, () => ({ ...healthy, ...metrics })),
  samples,
  errors,
})

const cases: [string, Symptoms, RegExp[]][] = [
  ['a healthy run', symptoms({}), []],
  ['no steps yet', { window: [], samples: [], errors: [] }, []],
  [
    'a reward fails',
    symptoms({}, [good], ['judge: timeout', 'judge: x']),
    [/2 reward computations failed.*judge: timeout/],
  ],
  [
    'all cut off',
    symptoms({ 'length/cut': 0.97 }, [{ ...good, text: 'on and on', stopReason: 'length' }]),
    [/97 % .*cut off.*"on and on"/],
  ],
  ['no answer', symptoms({}, [{ ...good, text: 'hm', answer: null }]), [/no answer could be read.*"hm"/]],
  ['format never right', symptoms({ format: 0 }), [/format never occurs/]],
  ['learning rate 0', symptoms({ learning_rate: 0 }), [/learning rate is 0/]],
  ['nothing right', symptoms({ 'groups/zero_variance': 1, accuracy: 0 }), [/no answer is right/]],
  ['all right', symptoms({ 'groups/zero_variance': 1, accuracy: 1 }), [/every answer is right/]],
  ['all groups the same', symptoms({ 'groups/zero_variance': 1 }), [/every advantage is 0/]],
  ['no gradient', symptoms({ grad_norm: 0 }), [/gradient is 0/]],
  ['mismatch', symptoms({ 'mismatch/max': 0.5 }), [/disagree by up to 0\.500/]],
  ['collapsed', symptoms({ entropy: 1e-5 }), [/no longer explores/]],
]

test.each(cases)('%s', (_, given, expected) => {
  const causes = diagnose(given)
  expect(causes).toHaveLength(expected.length)
  for (const [i, pattern] of expected.entries()) expect(causes[i]).toMatch(pattern)
})

test('a symptom in only some of the steps is not reported', () => {
  const given = symptoms({ format: 0 })
  expect(diagnose({ ...given, window: [{ ...healthy }, ...given.window.slice(1)] })).toEqual([])
})
