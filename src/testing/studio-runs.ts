import { join } from 'node:path'
import type { RolloutRow } from '../runs/rows.ts'
import { RunStore } from '../runs/store.ts'

/** A response for the store. */
export const response = (
  question: string,
  more: Partial<Omit<RolloutRow, 'step'>> = {},
): Omit<RolloutRow, 'step'> => ({
  split: 'train',
  question,
  asked: `What about ${question}?`,
  kind: 'arithmetic/2',
  gold: '71',
  prompt: `User: ${question} Assistant:`,
  tokens: Int32Array.of(72, 105),
  text: '<think>60 + 11 is 71.</think><answer>71</answer>',
  thinking: '60 + 11 is 71.',
  answer: '71',
  logprobs: Float32Array.of(-0.5, -1.25),
  entropies: Float32Array.of(0.25, Number.NaN),
  rewards: { accuracy: 1, format: null },
  correct: true,
  reason: 'equal',
  reasons: { accuracy: 'equal' },
  total: 1,
  advantage: 0.5,
  stopReason: 'stop',
  length: 2,
  ...more,
})

/** A run of `steps` steps that is still open: two questions of four responses in each step, and held-out ones before and after. */
export function fakeRun(
  root: string,
  name: string,
  { steps = 10, recipe = 'zero', settings = {} }: { steps?: number; recipe?: string; settings?: object } = {},
): RunStore {
  const store = RunStore.create({
    recipe,
    seed: 1,
    settings: {
      model: 'miniature-base',
      task: 'miniature',
      steps: 20,
      rewards: { accuracy: { weight: 1 }, format: { weight: 0.5 } },
      ...settings,
    },
    out: join(root, name),
  })
  store.record(0, {
    metrics: { 'eval/pass@1': 0 },
    rollouts: ['h1', 'h2'].map((q) =>
      response(q, { split: 'eval-before', correct: false, total: null, advantage: null }),
    ),
  })
  for (let step = 1; step <= steps; step++) recordStep(store, step)
  store.record(steps, {
    metrics: { 'eval/pass@1': 0.5 },
    rollouts: [
      response('h1', { split: 'eval-after', correct: false, total: null, advantage: null }),
      response('h2', {
        split: 'eval-after',
        text: 'wait, wait',
        thinking: 'wait, wait',
        total: null,
        advantage: null,
      }),
    ],
  })
  return store
}

/** One step: its rewards rise from response to response; from step 5 on, the first response of a step reflects. */
export function recordStep(store: RunStore, step: number): void {
  store.record(step, {
    metrics: {
      accuracy: step / 100,
      'length/mean': 10 * step,
      'reflection/per_response': step < 5 ? 0 : 1,
      'time/sampling': 1,
      'time/training': 2,
    },
    rollouts: ['a', 'b'].flatMap((letter) =>
      [0, 1, 2, 3].map((i) =>
        response(`${letter}${step}`, {
          correct: i === 3 ? null : i % 2 === 0,
          total: i === 3 ? null : i,
          advantage: i === 3 ? null : i - 1,
          length: 100 * step + i,
          stopReason: i === 2 ? 'length' : 'stop',
          ...(step >= 5 && i === 0 ? { text: `Wait, let me check ${step}.`, thinking: 'Wait' } : {}),
        }),
      ),
    ),
    events: step === 3 ? [{ level: 'warning', message: 'all rewards are equal' }] : [],
  })
}
