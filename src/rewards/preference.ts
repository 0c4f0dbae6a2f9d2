import { UserError } from '../common/errors.ts'
import type { RewardScorer } from '../engines/contract.ts'
import { type EngineName, openEngine } from '../engines/open.ts'
import { loadConfig } from '../models/directory.ts'
import { type ChatMessage, Tokenizer } from '../models/tokenizer.ts'
import { withOpening } from '../thinking/opened.ts'
import type { Reward } from './reward.ts'

/** What a reward model scores: a conversation that ends with the answer, or a text. */
export type ScoredText = { readonly messages: readonly ChatMessage[] } | { readonly text: string }

export type RewardCodec = Pick<Tokenizer, 'encode' | 'eosId' | 'applyChatTemplate'>

/** A prompt and an answer to it. */
export interface Answered {
  readonly prompt: string
  readonly answer: string
}

const conversation = ({ prompt, answer }: Answered): ScoredText => ({
  messages: [
    { role: 'user', content: prompt },
    { role: 'assistant', content: answer },
  ],
})

/** The tokens of a conversation as the chat template renders it, or of a text with the token that ends it. */
export function encodeScoredText(codec: RewardCodec, scored: ScoredText): Int32Array {
  if ('messages' in scored) return codec.encode(codec.applyChatTemplate(scored.messages))
  const tokens = codec.encode(scored.text)
  return tokens.at(-1) === codec.eosId ? tokens : Int32Array.of(...tokens, codec.eosId)
}

/** A reward model that is open. */
interface OpenRewardModel {
  readonly scorer: Pick<RewardScorer, 'rewards'>
  readonly codec: RewardCodec
  readonly maxTokens: number
}

export interface PreferenceOptions {
  /** Its name among the rewards. */
  readonly name?: string
  /**
   * What is scored: the whole response with its think tags, as R1 scores harmlessness, or its summary alone, as R1 scores helpfulness. The
   * reward of a response without a summary is then unknown.
   */
  readonly part?: 'response' | 'summary'
  /** Transforms the reward r of an answer to a prompt. */
  readonly shape?: (r: number, prompt: string) => number
}

/**
 * The reward that a reward model gives an answer to the question. Calls made in the same tick are scored together. There is
 * no time limit: how long a batch takes depends on the size of the model, and its work ends or fails by itself.
 */
export function preference(
  { scorer, codec, maxTokens }: OpenRewardModel,
  { name = 'preference', part = 'response', shape = (r) => r }: PreferenceOptions = {},
): Reward {
  let queue: { tokens: Int32Array; resolve(reward: number): void; reject(error: unknown): void }[] = []
  const flush = () => {
    const batch = queue
    queue = []
    scorer.rewards(batch.map(({ tokens }) => tokens)).then(
      (rewards) => rewards.forEach((reward, i) => void batch[i]!.resolve(reward)),
      (error) => batch.forEach(({ reject }) => void reject(error)),
    )
  }
  return {
    name,
    learned: true,
    timeoutMs: Number.POSITIVE_INFINITY,
    score(rollout) {
      const content = part === 'response' ? withOpening(rollout) : rollout.summary
      if (content === null) return null
      const { prompt } = rollout.question
      const tokens = encodeScoredText(codec, conversation({ prompt, answer: content }))
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
 * The probability that an answer is better than one of the reference answers to its prompt or, where its prompt has none,
 * than one of all: (1/M) Σ_m σ(r − r_m)   (Fu et al., arXiv 2502.18770, "preference as reward")
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
 * Opens a reward model's folder (what `ruminate reward` writes) as a reward. A model trained on pairs only knows
 * differences: with reference answers, the reward is the probability that an answer is better than those.
 *
 * @example
 * const helpful = await openPreference('runs/reward-1/model', { name: 'helpful', part: 'summary' })
 * await zero({ task: 'chat.jsonl', rewards: [{ ...helpful, weight: 1 }] })
 * await helpful.close()
 *
 * @throws UserError where the folder is not a reward model.
 */
export async function openPreference(
  folder: string,
  {
    threads = 1,
    engine: engineName = 'local',
    reference = [],
    ...options
  }: PreferenceOptions & {
    readonly threads?: number
    readonly engine?: EngineName
    readonly reference?: readonly Answered[]
  } = {},
): Promise<Reward & { close(): Promise<void> }> {
  const config = loadConfig(folder)
  if (config.head !== 'score')
    throw new UserError(
      `${folder} is not a reward model; \`ruminate reward --model ${folder}\` makes one from it`,
    )
  const codec = Tokenizer.load(folder)
  const engine = await openEngine({ engine: engineName, model: folder, threads })
  try {
    const scorer = await engine.rewardScorer(engine.base)
    const known = await scorer.rewards(
      reference.map((answered) => encodeScoredText(codec, conversation(answered))),
    )
    const shape = betterThan(reference.map(({ prompt }, i) => ({ prompt, reward: known[i]! })))
    return {
      ...preference(
        { scorer, codec, maxTokens: config.maxPositions },
        known.length > 0 ? { shape, ...options } : options,
      ),
      close: () => engine.close(),
    }
  } catch (error) {
    await engine.close()
    throw error
  }
}
