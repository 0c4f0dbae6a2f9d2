import { z } from 'zod'
import { accuracy } from './accuracy.ts'
import { code } from './code.ts'
import type { WeightedReward } from './compose.ts'
import { boxed, format, summary } from './format.ts'
import { language } from './language-consistency.ts'
import { COSINE, cosine, overlong } from './length.ts'
import { NGRAM, repetition } from './repetition.ts'
import type { Reward } from './reward.ts'

/** The settings of a run that its rewards depend on. */
interface RunLimits {
  /** The longest possible response. */
  readonly maxTokens: number
  /** The format of responses: R1-Zero's, or R1's, which goes with a chat template. */
  readonly template: 'r1-zero' | 'chat'
}

/** A reward that settings name with its weight alone. */
const plain = (make: (limits: RunLimits) => Reward) => ({
  settings: z.number().nullable().default(null),
  make: (_: unknown, limits: RunLimits) => make(limits),
})

/** A reward that settings name with its weight, or with `{ weight, …options }`. */
const withOptions = <S extends z.ZodRawShape>(
  options: S,
  make: (options: z.output<z.ZodObject<S>>, limits: RunLimits) => Reward,
) => ({
  settings: z
    .preprocess(
      (given: number | null | Record<string, unknown>) =>
        typeof given === 'number' ? { weight: given } : given,
      z.strictObject(
        { weight: z.number(), ...options },
        {
          error: ({ code }) =>
            code === 'invalid_type'
              ? `expected a weight, null or {${['weight', ...Object.keys(options)].join(', ')}}`
              : undefined,
        },
      ),
    )
    .nullable()
    .default(null),
  make,
})

const shortToLong = z.tuple([z.number(), z.number()])

/** Every reward that settings can name: the schema of its settings, and how it is made from them. */
const REWARDS = {
  accuracy: plain(() => accuracy),
  /** The share of a program's tests that pass; accuracy requires all of them. */
  code: plain(() => code),
  format: plain(({ template }) => (template === 'chat' ? { ...summary(), name: 'format' } : format())),
  language: plain(() => language),
  summary: plain(() => summary()),
  boxed: plain(() => boxed()),
  /** n: length of an n-gram in words. */
  repetition: withOptions({ n: z.int().min(1).default(NGRAM) }, (options) => repetition(options)),
  /** buffer: tokens before the limit at which the punishment begins; null: a fifth of the limit, as in DAPO. */
  overlong: withOptions({ buffer: z.int().min(1).nullable().default(null) }, ({ buffer }, { maxTokens }) =>
    overlong({ maxTokens, buffer: buffer ?? Math.ceil(maxTokens / 5) }),
  ),
  /** Each [short, long]: for a response of no length and of the longest; exceeded: for one that was cut off. */
  cosine: withOptions(
    {
      correct: shortToLong.default([...COSINE.correct]),
      wrong: shortToLong.default([...COSINE.wrong]),
      exceeded: z.number().default(COSINE.exceeded),
    },
    (options, { maxTokens }) => cosine({ ...options, maxTokens }),
  ),
}

type RewardName = keyof typeof REWARDS

/** The schema of each named reward's settings. A weight of 0 only measures the reward; `null` does not run it. */
export const rewardShape = Object.fromEntries(
  Object.entries(REWARDS).map(([name, { settings }]) => [name, settings]),
) as { readonly [N in RewardName]: (typeof REWARDS)[N]['settings'] }

/** The settings of all named rewards. */
export type RewardSettings = { readonly [N in RewardName]: z.output<(typeof REWARDS)[N]['settings']> }

/** The rewards that settings turn on. @throws UserError if an option of one of them is invalid. */
export function namedRewards(settings: RewardSettings, limits: RunLimits): WeightedReward[] {
  return (Object.keys(REWARDS) as RewardName[]).flatMap((name) => {
    const given = settings[name]
    if (given === null) return []
    const make = REWARDS[name].make as (options: unknown, limits: RunLimits) => Reward
    return [{ reward: make(given, limits), weight: typeof given === 'number' ? given : given.weight }]
  })
}
