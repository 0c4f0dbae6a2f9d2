import { accuracy } from './accuracy.ts'
import { code } from './code.ts'
import type { WeightedReward } from './compose.ts'
import { boxed, format, summary } from './format.ts'
import { language } from './language.ts'
import { type CosineOptions, cosine, overlong } from './length.ts'
import { repetition } from './repetition.ts'
import type { Reward } from './reward.ts'

/** What a run tells its rewards. */
interface RunLimits {
  /** Longest response. */
  readonly maxTokens: number
  /** The form of its responses: R1-Zero's, or a chat template's, with R1's. */
  readonly template: 'r1-zero' | 'chat'
}

/** Every reward that settings can name: how it is made of its numbers. */
const REWARDS = {
  accuracy: () => accuracy,
  code: () => code,
  format: (_: unknown, { template }: RunLimits) =>
    template === 'chat' ? { ...summary(), name: 'format' } : format(),
  language: () => language,
  summary: () => summary(),
  boxed: () => boxed(),
  repetition: (numbers: { n: number }) => repetition(numbers),
  // DAPO's share of the length: 4,096 of 20,480 tokens
  overlong: ({ buffer }: { buffer: number | null }, { maxTokens }: RunLimits) =>
    overlong({ maxTokens, buffer: buffer ?? Math.ceil(maxTokens / 5) }),
  cosine: (numbers: CosineOptions, { maxTokens }: RunLimits) => cosine({ ...numbers, maxTokens }),
} satisfies Record<string, (numbers: never, limits: RunLimits) => Reward>

type RewardName = keyof typeof REWARDS
type Numbers<N extends RewardName> =
  Parameters<(typeof REWARDS)[N]> extends [infer First, ...unknown[]] ? First : unknown

/** Each named reward's weight, with its numbers where it has any. Weight 0 measures only; `null` does not run it. */
export type RewardSettings = {
  readonly [N in RewardName]: unknown extends Numbers<N>
    ? number | null
    : (Numbers<N> & { weight: number }) | null
}

/** The rewards that settings ask for. */
export function namedRewards(settings: RewardSettings, limits: RunLimits): WeightedReward[] {
  return (Object.keys(REWARDS) as RewardName[]).flatMap((name) => {
    const given = settings[name]
    if (given === null) return []
    const make = REWARDS[name] as (numbers: unknown, limits: RunLimits) => Reward
    return [{ reward: make(given, limits), weight: typeof given === 'number' ? given : given.weight }]
  })
}
