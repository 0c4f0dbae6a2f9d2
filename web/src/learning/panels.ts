import { percent, percentTick, short } from '../numbers.ts'

export type Format = (value: number | null | undefined) => string

/** Metrics that are read together, in one plot. */
export interface Panel {
  readonly title: string
  /** What the plot shows, in a sentence. */
  readonly about: string
  readonly names: readonly string[]
  readonly format: Format
  /** The values at the axis, where they are written in another way. */
  readonly tick?: Format
}

interface Kind extends Omit<Panel, 'names'> {
  readonly takes: (name: string) => boolean
}

const oneOf =
  (...names: readonly string[]) =>
  (name: string): boolean =>
    names.includes(name)

/** How shares are written. */
export const SHARE = { format: percent, tick: percentTick }

const KINDS: readonly Kind[] = [
  {
    title: 'Accuracy',
    about: 'The share of right answers: in training, and to held-out questions (eval).',
    takes: oneOf('accuracy', 'eval/pass@1', 'eval/accuracy', 'eval/judge'),
    ...SHARE,
  },
  {
    title: 'Rewards',
    about: 'The mean of each reward, and their weighted sum (total).',
    takes: (name) => name.startsWith('reward/'),
    format: short,
  },
  {
    title: 'Response length',
    about: 'Tokens of a response: on average, and of the longest.',
    takes: oneOf('length/mean', 'length/max', 'eval/length'),
    format: short,
  },
  {
    title: 'Reflective words',
    about: 'How often a response says “wait”, “wrong”, “check” and seven words more.',
    takes: oneOf('reflection/per_response', 'eval/reflection_per_response'),
    format: short,
  },
  {
    title: 'Language mixing',
    about: 'The share of responses that are in more than one language.',
    takes: oneOf('language/mixed', 'eval/mixed'),
    ...SHARE,
  },
  {
    title: 'Form',
    about: 'The share of responses that are well formed, that were cut off, or that were interrupted.',
    takes: oneOf('format', 'length/cut', 'length/interrupted', 'eval/format'),
    ...SHARE,
  },
  {
    title: 'Loss',
    about: 'What the optimizer minimises.',
    takes: oneOf('loss', 'eval/loss'),
    format: short,
  },
  {
    title: 'Entropy',
    about: 'How undecided the policy is about the next token, in nats.',
    takes: oneOf('entropy'),
    format: short,
  },
  {
    title: 'KL divergence',
    about: 'How far the policy has moved from its reference, or is from its teacher, in nats per token.',
    takes: oneOf('kl', 'teacher/kl'),
    format: short,
  },
  {
    title: 'Clipped tokens',
    about: 'The share of tokens whose probability ratio is beyond the lower or the upper clip.',
    takes: oneOf('clip/low', 'clip/high'),
    ...SHARE,
  },
  {
    title: 'Groups with equal rewards',
    about: 'The share of questions whose responses all have the same reward. They teach nothing.',
    takes: oneOf('groups/zero_variance'),
    ...SHARE,
  },
  {
    title: 'Sampler against trainer',
    about:
      'The difference between the log-probs of the sampler and those of the trainer. It should be near 0.',
    takes: oneOf('mismatch/mean', 'mismatch/max'),
    format: short,
  },
  {
    title: 'Gradient norm',
    about: 'The length of the gradient before it is clipped.',
    takes: oneOf('grad_norm'),
    format: short,
  },
  {
    title: 'Speed',
    about: 'Tokens per second of sampling and of training.',
    takes: (name) => name.startsWith('speed/'),
    format: short,
  },
  {
    title: 'Signs of reward hacking',
    about: 'How many signs of reward hacking the alarm sees, and what it looks at.',
    takes: (name) => name.startsWith('alarm/'),
    format: short,
  },
]

/** The panels for which there are metrics. */
export function panelsFor(names: readonly string[]): Panel[] {
  return KINDS.map(({ takes, ...kind }) => ({ ...kind, names: names.filter(takes) })).filter(
    (panel) => panel.names.length > 0,
  )
}

/** The metrics that are in no panel. */
export const others = (names: readonly string[]): string[] =>
  names.filter((name) => !KINDS.some(({ takes }) => takes(name)))
