import { UserError } from '../common/errors.ts'
import type { Datum, Trainer } from '../engines/contract.ts'
import { openLocalTrainer } from '../engines/local/index.ts'
import { loadConfig } from '../models/directory.ts'
import { type ChatMessage, Tokenizer } from '../models/tokenizer.ts'
import type { Reward } from './reward.ts'

/** What a reward model reads: a conversation that ends with the answer, or a text. */
export type Judged = { readonly messages: readonly ChatMessage[] } | { readonly text: string }

export type RewardCodec = Pick<Tokenizer, 'encode' | 'eosId' | 'applyChatTemplate'>

/** A prompt and an answer to it. */
export interface Answered {
  readonly prompt: string
  readonly answer: string
}

const answered = ({ prompt, answer }: Answered): Judged => ({
  messages: [
    { role: 'user', content: prompt },
    { role: 'assistant', content: answer },
  ],
})

/** As tokens: a conversation as the chat template writes it, or a text and the token that ends it. */
export function encodeJudged(codec: RewardCodec, judged: Judged): Int32Array {
  if ('messages' in judged) return codec.encode(codec.applyChatTemplate(judged.messages))
  const tokens = codec.encode(judged.text)
  return tokens.at(-1) === codec.eosId ? tokens : Int32Array.of(...tokens, codec.eosId)
}

/**
 * A text as a datum, its reward read at the last token that is no padding, as Transformers' sequence classifiers do: where
 * a text ends with the padding token itself, that is before it.
 */
export function rewardDatum(tokens: Int32Array, padId: number, { weight = 1, sign = 1 } = {}): Datum {
  const at = tokens.findLastIndex((token) => token !== padId)
  if (at < 0) throw new UserError('a text of nothing but padding has no reward')
  const there = (value: number): Float32Array => {
    const values = new Float32Array(tokens.length)
    values[at] = value
    return values
  }
  return { tokens, targets: tokens, weights: there(weight), advantages: there(sign) }
}

/** Texts that go to the engine at once. */
const AT_ONCE = 256

/** The rewards of texts, in their order, by a trainer's reward model. */
export async function rewardsOf(
  trainer: Pick<Trainer, 'forward'>,
  texts: readonly Int32Array[],
  padId: number,
): Promise<number[]> {
  const rewards: number[] = []
  for (let from = 0; from < texts.length; from += AT_ONCE) {
    const datums = texts.slice(from, from + AT_ONCE).map((tokens) => rewardDatum(tokens, padId))
    rewards.push(...(await trainer.forward(datums)).logprobs.map(rewardIn))
  }
  return rewards
}

/** The reward, at the one position where it was read. */
export const rewardIn = (positions: Float32Array): number =>
  positions.find((value) => !Number.isNaN(value)) ?? Number.NaN

/** A reward model that is open. */
export interface Scorer {
  readonly trainer: Pick<Trainer, 'forward'>
  readonly codec: RewardCodec
  /** The reward is read at the last token that is not this one. */
  readonly padId: number
  readonly maxTokens: number
}

export interface PreferenceOptions {
  /** Its name among the rewards. */
  readonly name?: string
  /**
   * What is judged: the whole response, as R1's harmlessness is, or its summary alone, as its helpfulness is: what is said
   * to the user. A response without a summary then has an unknown reward.
   */
  readonly part?: 'response' | 'summary'
  /** What becomes of a reward r of an answer to a prompt. */
  readonly shape?: (r: number, prompt: string) => number
}

/** The reward that a reward model gives to an answer to the question. What is asked for in one tick is scored together. */
export function preference(
  { trainer, codec, padId, maxTokens }: Scorer,
  { name = 'preference', part = 'response', shape = (r) => r }: PreferenceOptions = {},
): Reward {
  let queue: { tokens: Int32Array; resolve(reward: number): void; reject(error: unknown): void }[] = []
  const flush = () => {
    const batch = queue
    queue = []
    const texts = batch.map(({ tokens }) => tokens)
    rewardsOf(trainer, texts, padId).then(
      (rewards) => rewards.forEach((reward, i) => void batch[i]!.resolve(reward)),
      (error) => batch.forEach(({ reject }) => void reject(error)),
    )
  }
  return {
    name,
    learned: true,
    score(rollout) {
      const content = rollout[part]
      if (content === null) return null
      const { prompt } = rollout.question
      const tokens = encodeJudged(codec, answered({ prompt, answer: content }))
      if (tokens.length > maxTokens)
        throw new UserError(
          `${name}: the response has ${tokens.length} tokens with its question; the reward model reads ${maxTokens}`,
        )
      return new Promise((resolve, reject) => {
        if (queue.length === 0) setImmediate(flush)
        queue.push({ tokens, resolve: (r) => resolve(shape(r, prompt)), reject })
      })
    },
  }
}

/**
 * The probability that an answer is better than one of the reference answers to its prompt or, where there are none, to
 * any: (1/M) Σ_m σ(r − r_m)   (Fu et al., arXiv 2502.18770, "preference as reward")
 */
export function betterThan(
  reference: readonly { readonly prompt: string; readonly reward: number }[],
): (r: number, prompt: string) => number {
  const byPrompt = new Map<string, number[]>()
  for (const { prompt, reward } of reference) {
    const rewards = byPrompt.get(prompt)
    if (rewards) rewards.push(reward)
    else byPrompt.set(prompt, [reward])
  }
  const all = reference.map(({ reward }) => reward)
  return (r, prompt) => {
    const others = byPrompt.get(prompt) ?? all
    return others.reduce((sum, other) => sum + 1 / (1 + Math.exp(other - r)), 0) / others.length
  }
}

/**
 * A reward model's folder (what `ruminate reward` writes) as a reward. A model of pairs knows differences alone: with
 * reference answers the reward is the probability that an answer is better than those.
 *
 * @example
 * const helpful = await openPreference('runs/reward-1/model', { name: 'helpful', part: 'summary' })
 * await zero({ task: 'chat.jsonl', rewards: [{ ...helpful, weight: 1 }] })
 * await helpful.close()
 */
export async function openPreference(
  folder: string,
  {
    threads = 1,
    reference = [],
    ...options
  }: PreferenceOptions & {
    readonly threads?: number
    readonly reference?: readonly Answered[]
  } = {},
): Promise<Reward & { close(): Promise<void> }> {
  const config = loadConfig(folder)
  if (config.head !== 'score')
    throw new UserError(`${folder} is no reward model; \`ruminate reward --model ${folder}\` makes one of it`)
  const codec = Tokenizer.load(folder)
  const trainer = await openLocalTrainer({ model: folder, threads })
  const padId = config.padTokenId ?? codec.padId
  const known = await rewardsOf(
    trainer,
    reference.map((one) => encodeJudged(codec, answered(one))),
    padId,
  )
  const shape = betterThan(reference.map(({ prompt }, i) => ({ prompt, reward: known[i]! })))
  return {
    ...preference(
      { trainer, codec, padId, maxTokens: config.maxPositions },
      known.length > 0 ? { shape, ...options } : options,
    ),
    close: () => trainer.close(),
  }
}
