import { afterEach, expect, test, vi } from 'vitest'
import type { ReinforceStep } from '../../../stages/reinforce/job.ts'
import { captured } from '../../../testing/captured.ts'
import { Output } from '../output.ts'
import { showFinetuning, showPretraining, showReinforcement, showRewardTraining } from './progress.ts'

const written = captured()
afterEach(() => void vi.useRealTimers())

const rollout = { response: 'hm' } as ReinforceStep['newest']
const reinforced = (step: number, metrics: Record<string, number>): ReinforceStep => ({
  step,
  metrics,
  warnings: [],
  newest: rollout,
})
const tuned = { loss: 1, tokensPerSecond: 9, epoch: 0.5, heldOut: null }

/** The steps of each kind of training, of which the first and the tenth have a line where nothing can be redrawn. */
const cases: [string, (output: Output) => (step: number) => void][] = [
  [
    'reinforcement learning',
    (output) => {
      const show = showReinforcement(output, 20)
      return (step) =>
        show(reinforced(step, { 'reward/total': 0.5, accuracy: 0.25, 'length/mean': 9, 'speed/sampling': 7 }))
    },
  ],
  [
    'pretraining',
    (output) => {
      const show = showPretraining(output, 2000)
      return (step) =>
        show({ step: step === 1 ? 1 : 100, tokens: 100 * step, loss: 1, tokensPerSecond: 9 } as never)
    },
  ],
  [
    'fine-tuning',
    (output) => {
      const show = showFinetuning(output)
      return (step) => show({ ...tuned, step, steps: 20 } as never)
    },
  ],
  [
    'a reward model',
    (output) => {
      const show = showRewardTraining(output)
      return (step) => show({ ...tuned, step, steps: 20, accuracy: 0.5 } as never)
    },
  ],
]
test.each(cases)('%s: the time left is shown once it is known', (_, begin) => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const show = begin(new Output({}))
  show(1)
  expect(written.out).toMatch(/^step 1/)
  expect(written.out).not.toMatch(/–|left/)
  vi.advanceTimersByTime(9000)
  show(10)
  expect(written.out.split('\n')[1]).toMatch(/^step 10+.* · 0:10 left · /)
})

test('what is unknown is left out of the line', () => {
  showReinforcement(new Output({}), 5)(reinforced(1, { 'reward/total': 0.5, accuracy: Number.NaN }))
  expect(written.out).toBe('step 1/5 · reward 0.500 · hm\n')
})
