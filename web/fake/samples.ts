import type { Sample } from '../src/api/types.ts'
import { randomOf } from './random.ts'

const PROMPT =
  'A conversation between User and Assistant. The User asks a question and the Assistant solves it. The Assistant first thinks about the reasoning process in the mind and then provides the User with the answer. User: '

/** Text that must never become more than text. */
export const HOSTILE = [
  '<script>window.hacked = 1</script>',
  '<img src=x onerror="window.hacked = 2">',
  '[a link](javascript:window.hacked=3)',
  '$\\href{javascript:window.hacked=4}{x}$ $\\htmlClass{x}{y}$ $\\includegraphics{http://127.0.0.1:9/x.png}$',
  '$\\def\\a{\\a\\a}\\a$ \u001b[2J\u001b]0;title\u0007 \u202egnp.exe \\(\\frac{1}{2}\\)',
].join('\n')

const QUESTIONS = 12

interface Problem {
  readonly key: string
  readonly question: string
  readonly kind: string
  readonly gold: string
  readonly numbers: readonly [number, number, number]
  readonly sum: number
}

function problem(i: number): Problem {
  const random = randomOf(i + 1)
  const digit = () => 1 + Math.floor(random() * 9)
  const numbers = [digit(), digit(), digit()] as const
  const plus = random() < 0.5
  const sum = numbers[0] + numbers[1] + (plus ? numbers[2] : -numbers[2])
  const [a, b, c] = numbers
  return {
    key: `+ - ${a}?${b}?${c}=${sum} q${i}`,
    question: `Fill in + - left to right: ${a}?${b}?${c}=${sum}.`,
    kind: 'fill/2',
    gold: `${a}+${b}${plus ? '+' : '-'}${c}`,
    numbers,
    sum,
  }
}

/** The share of right answers at a step of 200: from 12 % to 96 %, as in the README's run. */
export const skill = (step: number): number => 0.12 + 0.84 / (1 + Math.exp(-(step - 45) / 14))

/** The responses of a run of `steps` steps with four questions of four responses each, and held-out ones before and after. */
export function samplesOf(steps: number, seed: number): Sample[] {
  const random = randomOf(seed)
  const samples: Sample[] = []
  const add = (step: number, split: string, question: Problem, count: number) => {
    const group = Array.from({ length: count }, () =>
      respond(samples.length, step, split, question, random() < skill(step), random() < skill(step) * 0.8),
    ).map((sample, i) => ({ ...sample, id: samples.length + i + 1 }))
    const mean = group.reduce((sum, { total }) => sum + total!, 0) / count
    for (const sample of group)
      samples.push({ ...sample, advantage: split === 'train' ? sample.total! - mean : null })
  }
  for (let i = 0; i < QUESTIONS; i++) add(0, 'eval-before', problem(100 + i), 1)
  for (let step = 1; step <= steps; step++)
    for (let i = 0; i < 4; i++) add(step, 'train', problem((step * 4 + i) % QUESTIONS), 4)
  for (let i = 0; i < QUESTIONS; i++) add(steps, 'eval-after', problem(100 + i), 1)
  return samples
}

function respond(
  id: number,
  step: number,
  split: string,
  { key, question, kind, gold, numbers: [a, b, c], sum }: Problem,
  isRight: boolean,
  checks: boolean,
): Sample {
  const wrong = gold.includes('-') ? gold.replace('-', '+') : gold.replace(/\+(\d)$/, '-$1')
  const answer = isRight ? gold : wrong
  const other = a + b + (gold.includes('-') ? c : -c)
  const tries = [`Try ${a}+${b}=${a + b}`, `${a + b}${answer.at(-2)}${c}=${isRight ? sum : other}`]
  const thinking = checks
    ? [
        `Try ${a}+${b}=${a + b}`,
        `检查 ${other}-${sum}=${other - sum}`,
        'Wait, wrong.',
        ...tries,
        'Yes, right.',
      ].join('\n')
    : isRight
      ? tries.join('\n')
      : 'I guess.'
  const text = ` <think>\n${thinking}\n</think>\n<answer>${answer}</answer>`
  return {
    id,
    step,
    split,
    question: key,
    asked: question,
    kind,
    gold,
    prompt: `${PROMPT}${question} Assistant:`,
    thinking,
    answer,
    text,
    rewards: [
      {
        name: 'accuracy',
        value: isRight ? 1 : 0,
        weight: 1,
        reason: isRight ? `${answer} makes ${sum}` : `${answer} makes ${other}, not ${sum}`,
      },
      { name: 'format', value: 1, weight: 0.1, reason: 'thinking, then one answer' },
    ],
    total: (isRight ? 1 : 0) + 0.1,
    advantage: null,
    correct: isRight,
    stopReason: 'stop',
    length: 12 + Math.round(text.length / 2),
  }
}

/** The sample with what must stay text. It is the last one of its step. */
export const hostileSample = (id: number, step: number): Sample => ({
  ...respond(id, step, 'train', problem(0), false, false),
  thinking: HOSTILE,
  answer: HOSTILE,
  text: `<think>${HOSTILE}</think><answer>${HOSTILE}</answer>`,
  advantage: -0.9,
  stopReason: 'length',
})

/** A sample with formulas. */
export const mathSample = (id: number, step: number): Sample => ({
  ...respond(id, step, 'train', problem(1), true, true),
  thinking:
    'The area is $\\int_0^1 x^2\\,dx$. Wait, let me check:\n$$\\int_0^1 x^2\\,dx = \\left[\\frac{x^3}{3}\\right]_0^1$$\nIt costs $5 or $6, which is money.',
  answer: 'The result is \\boxed{\\frac{1}{3}}.',
  advantage: 0.9,
})
