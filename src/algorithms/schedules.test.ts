import { expect, test } from 'vitest'
import { learningRateAt, type Schedule } from './schedules.ts'

const linear: Schedule = { kind: 'linear', warmup: 0, final: 0 }
const cosine: Schedule = { kind: 'cosine', warmup: 0, final: 0.1 }
const wsd: Schedule = { kind: 'warmup_stable_decay', warmup: 2, stable: 0.5, final: 0.2 }

// schedule, steps, the rate at every step with a peak of 1
test.each<[Schedule, number[]]>([
  [{ kind: 'constant', warmup: 0 }, [1, 1, 1]],
  [{ kind: 'constant', warmup: 4 }, [0.25, 0.5, 0.75, 1, 1, 1]],
  [linear, [1, 0.75, 0.5, 0.25, 0]],
  [{ ...linear, warmup: 2, final: 0.5 }, [0.5, 1, 1, 0.75, 0.5]],
  [cosine, [1, 0.55, 0.1]],
  [{ ...cosine, warmup: 1 }, [1, 1, 0.775, 0.325, 0.1]],
  [wsd, [0.5, 1, 1, 1, 1, 0.6, 0.2]],
  [{ kind: 'constant', warmup: 4 }, [0.25, 0.5]],
])('%j', (schedule, expected) => {
  const rates = expected.map((_, step) => learningRateAt(schedule, 1, step, expected.length))
  for (const [step, rate] of expected.entries()) expect(rates[step]).toBeCloseTo(rate, 12)
})

test.each([-1, 5, 6])('step %d of 5 is an error', (step) =>
  expect(() => learningRateAt(linear, 1, step, 5)).toThrow(/outside of 0 … 4/),
)
