import { fileURLToPath } from 'node:url'
import { Tokenizer } from '../../src/models/tokenizer/tokenizer.ts'
import type { RolloutRow } from '../../src/runs/rows.ts'
import { randomOf } from './random.ts'

/** A response of a made-up run, without its step. */
export type Response = Omit<RolloutRow, 'step'>

export const MODEL = fileURLToPath(new URL('../../models/miniature-base', import.meta.url))
const tokenizer = Tokenizer.load(MODEL)

const PROMPT =
  'A conversation between User and Assistant. The User asks a question and the Assistant solves it. The Assistant first thinks about the reasoning process in the mind and then provides the User with the answer. User: '

/** Text that must never become more than text. */
export const HOSTILE = [
  '<script>window.hacked = 1</script>',
  '<img src=x onerror="window.hacked = 2"><svg onload="window.hacked = 5"></svg>',
  '[a link](javascript:window.hacked=3) <a href="javascript:window.hacked=6">click</a>',
  '$\\href{javascript:window.hacked=4}{x}$ $\\htmlClass{x}{y}$ $\\includegraphics{http://127.0.0.1:9/x.png}$ $\\url{javascript:1}$',
  '$\\def\\a{\\a\\a}\\a$ $\\rule{9999em}{9999em}$ $\\char"202E$',
  `$${'{'.repeat(400)}x${'}'.repeat(400)}$ $${'\\frac{1}{'.repeat(150)}x${'}'.repeat(150)}$`,
  '$\\smash{\\raisebox{5em}{\\colorbox{white}{\\color{green}✓ right}}}$ $\\phantom{hidden}$ $\\color{transparent}{hidden}$ $\\kern{-10em}x$',
  '$\\let\\a=\\kern\\a{-10em}x$ $x\\!\\!\\!\\!y$ $$\\begin{matrix}a\\\\[-9em]b\\end{matrix}$$ \u2060\u{e0041}',
  '\u001b[2J\u001b]0;title\u0007\u001b]8;;http://127.0.0.1:9/\u0007link \u202egnp.exe \\(\\frac{1}{2}\\)',
  '</think></answer></body></html><!-- --><style>*{display:none}</style>',
].join('\n')

const QUESTIONS = 12

interface Problem {
  readonly key: string
  readonly asked: string
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
    asked: `Fill in + - left to right: ${a}?${b}?${c}=${sum}`,
    gold: `${a}+${b}${plus ? '+' : '-'}${c}`,
    numbers,
    sum,
  }
}

/** The share of right answers at a step of 200: from 12 % to 96 %. */
export const skill = (step: number): number => 0.12 + 0.84 / (1 + Math.exp(-(step - 45) / 14))

/** The responses of a training step: a group of responses to each question. */
export function trainingStep(step: number, random: () => number, groups = 4, size = 4): Response[] {
  return Array.from({ length: groups }, (_, i) => {
    const group = Array.from({ length: size }, () =>
      respond('train', problem((step * groups + i) % QUESTIONS), random, step),
    )
    const mean = group.reduce((sum, { total }) => sum + total!, 0) / size
    return group.map((response) => ({ ...response, advantage: response.total! - mean }))
  }).flat()
}

/** An answer to each held-out question. */
export const heldOut = (split: string, random: () => number, step: number): Response[] =>
  Array.from({ length: QUESTIONS }, (_, i) => ({
    ...respond(split, problem(100 + i), random, step),
    rewards: {},
    total: null,
  }))

function respond(
  split: string,
  { key, asked, gold, numbers: [a, b, c], sum }: Problem,
  random: () => number,
  step: number,
): Response {
  const isRight = random() < skill(step)
  const isChecked = random() < 0.8 * skill(step)
  const wrong = gold.includes('-') ? gold.replace('-', '+') : gold.replace(/\+(\d)$/, '-$1')
  const answer = isRight ? gold : wrong
  const other = a + b + (gold.includes('-') ? c : -c)
  const tries = [`Try ${a}+${b}=${a + b}`, `${a + b}${answer.at(-2)}${c}=${isRight ? sum : other}`]
  const checks = [
    `Try ${a}+${b}=${a + b}`,
    `检查 ${other}-${sum}=${other - sum}`,
    'Wait, wrong.',
    ...tries,
    'Yes, right.',
  ]
  const thinking = isChecked ? checks.join('\n') : isRight ? tries.join('\n') : 'I guess.'
  const reason = isRight ? `${answer} makes ${sum}` : `${answer} makes ${other}, not ${sum}`
  return written({
    split,
    question: key,
    asked,
    kind: 'fill/2',
    gold,
    thinking,
    answer,
    text: ` <think>\n${thinking}\n</think>\n<answer>${answer}</answer>`,
    rewards: { accuracy: isRight ? 1 : 0, format: 1 },
    reasons: { accuracy: reason, format: 'thinking, then one answer' },
    correct: isRight,
    reason,
    total: (isRight ? 1 : 0) + 0.1,
    stopReason: 'stop',
  })
}

type Written = Omit<Response, 'prompt' | 'tokens' | 'logprobs' | 'advantage' | 'length'>

/** A response with its tokens, whose log-probs only look measured. */
function written(response: Written): Response {
  const tokens = tokenizer.encode(response.text)
  return {
    ...response,
    prompt: `${PROMPT}${response.asked} Assistant:`,
    tokens,
    logprobs: Float32Array.from(tokens, (_, i) => -((i * 7) % 11) / 4),
    advantage: null,
    length: tokens.length,
  }
}

/** A response in which everything is hostile, the question and the reasons as well. */
export const hostile = (): Response => ({
  ...written({
    ...respond('train', problem(0), () => 1, 0),
    asked: `What is this? ${HOSTILE}`,
    kind: '<b>kind</b>',
    gold: HOSTILE,
    thinking: HOSTILE,
    answer: HOSTILE,
    text: `<think>${HOSTILE}</think><answer>${HOSTILE}</answer>`,
    reason: HOSTILE,
    reasons: { accuracy: HOSTILE },
    total: 1,
    stopReason: 'length',
  }),
  advantage: -0.9,
})

/** A response with formulas and money. */
export const mathematical = (): Response =>
  written({
    ...respond('train', problem(1), () => 0, 200),
    thinking:
      'The area is $\\int_0^1 x^2\\,dx$. Wait, let me check:\n$$\\int_0^1 x^2\\,dx = \\left[\\frac{x^3}{3}\\right]_0^1$$\nIt costs $5 or $6, which is money.',
    answer: 'The result is \\boxed{\\frac{1}{3}}.',
  })
