import { UserError } from '../common/errors.ts'
import { plural } from '../common/words.ts'
import type { RewardScorer } from '../engines/contract.ts'
import { type EngineName, openEngine } from '../engines/open.ts'
import { loadConfig } from '../models/checkpoint/directory.ts'
import type { TemplateSettings } from '../renderer/chat-template.ts'
import { Renderer } from '../renderer/renderer.ts'
import { answeredText, type Chat } from '../renderer/turn.ts'
import { withOpening } from '../thinking/parser/opened.ts'
import type { Reward } from './reward.ts'

/** What a reward model scores: a conversation that ends with the answer, or a text. */
export type ScoredText =
  | Chat
  | {
      readonly text: string
      /** Characters of the prompt at the beginning of the text; missing if they are unknown. */
      readonly promptLength?: number | undefined
    }

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

/**
 * The tokens of a conversation as the chat template renders it, or of a text with the token that ends it. Where the
 * template leaves out thinking of the answer, it is put back in tags.
 *
 * @throws UserError if something else of the answer would not be scored.
 */
export function encodeScoredText(renderer: Renderer, scored: ScoredText): Int32Array {
  if ('messages' in scored) return renderer.encode(answeredText(renderer, scored))
  const tokens = renderer.encodeText(scored.text)
  return tokens.at(-1) === renderer.endOfText ? tokens : Int32Array.of(...tokens, renderer.endOfText)
}

/** A reward model that is open. */
interface OpenRewardModel {
  readonly scorer: Pick<RewardScorer, 'rewards'>
  readonly renderer: Renderer
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
 * The rewards that a reward model gives texts. Calls made in the same tick are scored together.
 *
 * @param name For messages.
 * @throws UserError for a text that is longer than the model reads.
 */
export function textScorer(
  { scorer, renderer, maxTokens }: OpenRewardModel,
  name: string,
): (scored: ScoredText) => Promise<number> {
  let queue: { tokens: Int32Array; resolve(reward: number): void; reject(error: unknown): void }[] = []
  const flush = () => {
    const batch = queue
    queue = []
    scorer.rewards(batch.map(({ tokens }) => tokens)).then(
      (rewards) => rewards.forEach((reward, i) => void batch[i]!.resolve(reward)),
      (error) => batch.forEach(({ reject }) => void reject(error)),
    )
  }
  return (scored) => {
    const tokens = encodeScoredText(renderer, scored)
    if (tokens.length > maxTokens)
      throw new UserError(
        `${name}: the response has ${plural(tokens.length, 'token')} with its question; the reward model reads ${maxTokens}`,
      )
    return new Promise((resolve, reject) => {
      if (queue.length === 0) setImmediate(flush)
      queue.push({ tokens, resolve, reject })
    })
  }
}

/**
 * The reward that a reward model gives an answer to the question. There is no time limit: how long a batch takes depends on
 * the size of the model, and its work ends or fails by itself.
 */
export function preference(
  model: OpenRewardModel,
  { name = 'preference', part = 'response', shape = (r) => r }: PreferenceOptions = {},
): Reward {
  const score = textScorer(model, name)
  return {
    name,
    learned: true,
    timeoutMs: Number.POSITIVE_INFINITY,
    score(rollout) {
      const content = part === 'response' ? withOpening(rollout) : rollout.summary
      if (content === null) return null
      const { prompt, messages = [{ role: 'user', content: prompt }] } = rollout.question
      const scored = score({ messages: [...messages, { role: 'assistant', content }] })
      return scored.then((r) => shape(r, prompt))
    },
    reason: (_, score) => (score === null ? 'there is no summary' : null),
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
    engine = 'local',
    reference = [],
    chat,
    ...options
  }: PreferenceOptions & {
    readonly threads?: number
    readonly engine?: EngineName
    readonly reference?: readonly Answered[]
    /** Arguments and date of the chat template. */
    readonly chat?: Partial<TemplateSettings> | undefined
  } = {},
): Promise<Reward & { close(): Promise<void> }> {
  const model = await openRewardModel(folder, { threads, engine, chat })
  try {
    const known = await model.scorer.rewards(
      reference.map((answered) => encodeScoredText(model.renderer, conversation(answered))),
    )
    const shape = betterThan(reference.map(({ prompt }, i) => ({ prompt, reward: known[i]! })))
    return {
      ...preference(model, known.length > 0 ? { shape, ...options } : options),
      close: () => model.close(),
    }
  } catch (error) {
    await model.close()
    throw error
  }
}

/** Opens a reward model's folder. @throws UserError where the folder is not a reward model. */
export async function openRewardModel(
  folder: string,
  {
    threads,
    engine: engineName,
    chat,
  }: {
    readonly threads?: number | undefined
    readonly engine?: EngineName | undefined
    readonly chat?: Partial<TemplateSettings> | undefined
  },
): Promise<OpenRewardModel & { close(): Promise<void> }> {
  const config = loadConfig(folder)
  if (config.head !== 'score')
    throw new UserError(
      `${folder} is not a reward model; \`ruminate reward --model ${folder}\` makes one from it`,
    )
  const renderer = Renderer.load(folder, { chat })
  const engine = await openEngine({ engine: engineName, model: folder, threads })
  try {
    const scorer = await engine.rewardScorer(engine.base)
    return { scorer, renderer, maxTokens: config.maxPositions, close: () => engine.close() }
  } catch (error) {
    await engine.close()
    throw error
  }
}
