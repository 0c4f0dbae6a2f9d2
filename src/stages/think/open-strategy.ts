import type { EngineName } from '../../engines/open.ts'
import { modelHash } from '../../models/checkpoint/weights-hash.ts'
import type { Generator } from '../../providers/generator.ts'
import type { TemplateSettings } from '../../renderer/chat-template.ts'
import { judgePair } from '../../rewards/judge.ts'
import { openRewardModel, textScorer } from '../../rewards/preference.ts'
import type { TextModel, TextRequest } from '../../thinking/model.ts'
import type { Choose } from '../../thinking/strategies/best-of.ts'
import { type StrategyParts, type StrategySpec, withStrategy } from '../../thinking/strategies/strategy.ts'
import type { Score } from '../../thinking/strategies/vote.ts'
import { sameAnswer } from './same-answer.ts'

/** What strategies may need besides a model. */
export interface StrategyOptions {
  /** Folder of a reward model: weighs votes, and chooses the best of several responses. */
  readonly reward?: string | undefined
  /** Chooses the best of several responses, where no reward model does. Stays open. */
  readonly judge?: Generator | undefined
  /** Where the reward model is computed. */
  readonly engine?: EngineName | undefined
  readonly threads?: number | undefined
  readonly chat?: Partial<TemplateSettings> | undefined
}

/**
 * A model that is used as `spec` says, with answers compared by `verify`. Closing it closes the model.
 *
 * @throws UserError, before anything is asked, if the model cannot be used so, or the reward model cannot be opened.
 */
export async function openStrategy(
  model: TextModel,
  spec: StrategySpec,
  options: StrategyOptions = {},
): Promise<TextModel> {
  const { parts, identity, close } = await openParts(options)
  try {
    const used = withStrategy(model, spec, parts)
    return {
      ...used,
      identity: JSON.stringify([used.identity, ...identity]),
      close: async () => {
        await used.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * What strategies need besides a model; any number of them may use it until it is closed. `identity` is what responses
 * depend on.
 *
 * @throws UserError if the reward model cannot be opened.
 */
export async function openParts({ reward, judge, ...opening }: StrategyOptions): Promise<{
  readonly parts: StrategyParts
  readonly identity: readonly (string | null)[]
  readonly close: () => Promise<void>
}> {
  const opened = reward === undefined ? null : await openRewardModel(reward, opening)
  try {
    const scores = reward === undefined ? null : await modelHash(reward)
    const score = opened && scoreBy(textScorer(opened, 'the reward model'))
    const choose = !score && judge ? choiceBy(judge) : undefined
    return {
      parts: { same: sameAnswer, score: score ?? undefined, choose },
      identity: [scores, choose ? judge!.identity : null],
      close: async () => opened?.close(),
    }
  } catch (error) {
    await opened?.close()
    throw error
  }
}

/** The reward of an answer, without its thinking, to the conversation; null if there is no answer. */
const scoreBy =
  (score: ReturnType<typeof textScorer>): Score =>
  async ({ messages, prompt }, { answer }) => {
    if (!answer) return null
    if (prompt !== undefined) return score({ text: prompt + answer })
    return score({ messages: [...messages, { role: 'assistant', content: answer }] })
  }

/** The response that is left after a judge has compared each with the best of those before it. */
export const choiceBy =
  (judge: Generator): Choose =>
  async (request, responses, { signal }) => {
    let best = 0
    for (let i = 1; i < responses.length; i++) {
      signal?.throwIfAborted()
      const [a, b] = [responses[best]!.answer ?? '', responses[i]!.answer ?? '']
      const { winner } = await judgePair(
        judge,
        { question: questionOf(request), a, b },
        { times: 2, seed: request.seed },
      )
      if (winner === 'B') best = i
    }
    return best
  }

/** The conversation as one text. */
const questionOf = ({ messages, prompt }: TextRequest): string =>
  prompt ??
  (messages.length === 1
    ? messages[0]!.content
    : messages.map(({ role, content }) => `${role}: ${content}`).join('\n\n'))
