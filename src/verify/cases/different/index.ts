import type { Random } from '../../../common/random.ts'
import {
  changed,
  choices,
  collections,
  dates,
  formulas,
  hedged,
  lookalikes,
  numbers,
  rounded,
  sentences,
  times,
  words,
} from './others.ts'
import { quantities } from './quantities.ts'

const KINDS = {
  numbers,
  quantities,
  changed,
  times,
  dates,
  collections,
  words,
  choices,
  formulas,
  lookalikes,
  hedged,
  rounded,
  sentences,
} as const

export type DifferentKind = keyof typeof KINDS
/** Each kind as often as it has variants. */
const WEIGHTS: readonly DifferentKind[] = [
  ...Array<DifferentKind>(6).fill('numbers'),
  ...Array<DifferentKind>(6).fill('quantities'),
  ...Array<DifferentKind>(3).fill('formulas'),
  ...Array<DifferentKind>(2).fill('collections'),
  ...Array<DifferentKind>(2).fill('hedged'),
  'changed',
  'times',
  'dates',
  'words',
  'choices',
  'lookalikes',
  'lookalikes',
  'rounded',
  'sentences',
]

/** What may stand around an answer. */
const AROUND: readonly ((x: string) => string)[] = [
  (x) => x,
  (x) => x,
  (x) => `$${x}$`,
  (x) => `\\(${x}\\)`,
  (x) => `\\boxed{${x}}`,
  (x) => `So we get $\\boxed{${x}}$.`,
  (x) => `The answer is ${x}.`,
  (x) => `The answer is $${x}$.`,
  (x) => `**Final Answer:** ${x}`,
  (x) => `<think>Hm.</think> <answer>${x}</answer>`,
  (x) => `We add.\n#### ${x}`,
  (x) => `**${x}**`,
  (x) => `答案是 ${x}。`,
  (x) => `最终答案：\\boxed{${x}}`,
]

/** A gold and an answer with different values, each in one of the ways to write it. */
export function differentPair(random: Random): {
  readonly kind: DifferentKind
  readonly gold: string
  readonly answer: string
} {
  const kind = random.pick(WEIGHTS)
  const [gold, answer] = KINDS[kind](random)
  // A dollar sign would end the formula that it is in.
  const around =
    /\$|\n/.test(answer) || kind === 'hedged' || kind === 'sentences' ? AROUND[0]! : random.pick(AROUND)
  return { kind, gold, answer: around(answer) }
}
