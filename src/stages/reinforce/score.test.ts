import { expect, test } from 'vitest'
import { boxed, format, summary } from '../../rewards/format.ts'
import { fakeTask } from '../../testing/fakes/fake-engine.ts'
import { characterRenderer } from '../../testing/fakes/fake-renderer.ts'
import { opensThinking } from '../../thinking/parser/opened.ts'
import { readSampled } from '../sample/rollouts.ts'
import { score } from './score.ts'

const read = (template: 'chat' | 'r1-zero', prompt: string, response: string) => {
  const renderer = characterRenderer(template)
  const tokens = renderer.encode(response)
  const logprobs = new Float32Array(tokens.length)
  return readSampled(renderer, fakeTask, {
    question: fakeTask.training({ seed: 0, step: 0, count: 1 })[0]!,
    prompt,
    opened: opensThinking(prompt),
    promptTokens: new Int32Array(1),
    sequence: { tokens, logprobs, samplingLogprobs: logprobs, stopReason: 'stop' },
  })
}

const OPEN = '<｜User｜>q<｜Assistant｜><think>\n'
const NOT_OPEN = '<|im_start|>assistant\n'
const CLOSED = '<|im_start|>assistant\n<think>\n\n</think>\n\n'

test.each<['chat' | 'r1-zero', string, string, thinking: string | null, wellFormed: boolean]>([
  ['chat', OPEN, '2+3=5.</think>So \\boxed{5}.', '2+3=5.', true],
  ['chat', OPEN, '<think>2+3=5.</think>So \\boxed{5}.', '2+3=5.', false],
  ['chat', OPEN, '2+3=5. So \\boxed{5}.', '2+3=5. So \\boxed{5}.', false],
  ['chat', NOT_OPEN, '<think>2+3=5.</think>So \\boxed{5}.', '2+3=5.', true],
  ['chat', NOT_OPEN, '2+3=5.</think>So \\boxed{5}.', '2+3=5.', false],
  ['chat', CLOSED, '<think>2+3=5.</think>So \\boxed{5}.', '2+3=5.', true],
  ['r1-zero', OPEN, '2+3=5.</think><answer>5</answer>', '2+3=5.', true],
  ['r1-zero', OPEN, '<think>2+3=5.</think><answer>5</answer>', '<think>2+3=5.', false],
  ['r1-zero', NOT_OPEN, '<think>2+3=5.</think><answer>5</answer>', '2+3=5.', true],
])(
  'rewards and metrics read a response in the same way: %s, %j, %j',
  async (template, prompt, response, thinking, wellFormed) => {
    const rollout = read(template, prompt, response)
    expect(rollout).toMatchObject({ opened: prompt === OPEN, thinking, wellFormed })
    const rewards = template === 'chat' ? [summary(), boxed()] : [format()]
    const scored = await score(
      rollout,
      rewards.map((reward) => ({ reward, weight: 1 })),
    )
    expect(scored.rewards).toEqual(Object.fromEntries(rewards.map(({ name }) => [name, Number(wellFormed)])))
  },
)

test('the reasons of a score: those of the rewards, of rewards that failed, and of the check', async () => {
  const scored = await score(read('r1-zero', NOT_OPEN, '<think>2+3=5.</think>5'), [
    { reward: format(), weight: 1 },
    { reward: { name: 'own', score: () => Number.NaN }, weight: 1 },
  ])
  expect(scored).toMatchObject({
    reason: expect.any(String),
    reasons: {
      format: 'not well formed: <answer> is missing',
      own: 'the reward failed: returned NaN, which is neither a finite number nor null',
    },
  })
})
