import { expect, test } from 'vitest'
import { StagedWarnings, subject } from './warnings.ts'

test.each([
  [
    't: 3 of 60 training questions cannot be asked. The first is a.csv:7',
    't: 4 of 60 training questions cannot be asked. The first is a.csv:9',
    true,
  ],
  [
    '97 % of the responses are cut off. For example: "a"',
    '100 % of the responses are cut off. For example: "b"',
    true,
  ],
  ['1,200 rows are left out', '7 rows are left out', true],
  ['1 reward computation failed; it is left out', '2 reward computations failed; it is left out', true],
  ['the learning rate is 0', 'no answer is right', false],
])('%j and %j are about the same: %j', (one, other, same) => {
  expect(subject(one) === subject(other)).toBe(same)
})

test('a stage does not repeat what the run has said; its other warnings have its name', () => {
  const ofRun: string[] = []
  const ofStage: string[] = []
  const warnings = new StagedWarnings((message) => ofRun.push(message))
  warnings.ofRun('3 questions are left out. The first is a')
  warnings.ofStage('zero')('2 questions are left out. The first is b')
  warnings.ofStage('zero')('only 3 steps')
  warnings.ofStage('cold-start', (message) => ofStage.push(message))('only 3 steps')
  expect(ofRun).toEqual(['3 questions are left out. The first is a', 'zero: only 3 steps'])
  expect(ofStage).toEqual(['cold-start: only 3 steps'])
})
