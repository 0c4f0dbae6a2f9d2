import { expect, test } from 'vitest'
import { estimate } from './estimate.ts'

const planned = {
  sft: { epochs: 10, batchSize: 8, every: 15 },
  zero: { steps: 60, questionsPerStep: 10, groupSize: 8, every: 20 },
  questions: 15,
  samples: 10,
}
const workload = {
  training: 40,
  heldOut: 15,
  tokens: { prompt: 100, response: 50 },
  solutions: { prompt: 100, response: 80 },
  parameters: 1e6,
  speeds: { sampling: 1000, training: 10_000, finetuning: 5000, memory: 1e9 },
}

test('seconds and memory follow from the speeds', () => {
  const { sft, zero, eval: evaluation, memory } = estimate(planned, workload)
  // 50 steps: 400 rows, and 5 evaluations of 15 rows at a third of the time, of 180 tokens each
  expect(sft).toBeCloseTo(3 + ((400 + 25) * 180) / 5000, 6)
  // 4,800 rollouts of 50 tokens, 150 with the prompt, and 4 evaluations of 150 responses
  expect(zero).toBeCloseTo(3 + 240 + (4800 * 150 * (4 / 3)) / 10_000 + 4 * 7.5, 6)
  expect(evaluation).toBeCloseTo(3 + 7.5, 6)
  expect(memory).toBe(1e9 + 4e6)
})

test('adapters need no second copy of the model as the reference policy', () => {
  expect(estimate({ ...planned, lora: { rank: 16 } }, workload).memory).toBe(1e9)
})

test('without solutions there is nothing to fine-tune on', () => {
  expect(estimate(planned, { ...workload, solutions: null }).sft).toBeNull()
})
